"""A file of anchors, that was kept elsewhere: the checkpoints in it that a log must have."""

from collections.abc import Iterator
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from app.evidence.anchors.files import Line, read_lines
from app.evidence.verification.findings import Findings, UnreadableError
from app.evidence.verification.keys import SigningKeys, WrongCheckpointError
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.notes import NoteError, parse_note


class AnchoredFile:
    """A file of anchors as it was when the verification began: checkpoints, of any number of logs."""

    def __init__(self, path: Path) -> None:
        """Read the file at that path, up to where it ends now. Raises UnreadableError."""
        self.path = path
        try:
            with path.open("rb") as file:
                self._end = file.seek(0, 2)
        except OSError as error:
            raise UnreadableError(f"{path} can't be read: {error.strerror}") from error

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The greatest size that it says of each origin, whoever signed that."""
        found: dict[str, int] = {}
        for line in self._lines():
            if line.record is None:
                continue
            try:
                said = parse_checkpoint(parse_note(line.record.checkpoint.encode()).text)
            except (NoteError, UnicodeEncodeError):
                continue
            found[said.origin] = max(said.size, found.get(said.origin, 0))
        return found

    def holds(self, keys: SigningKeys) -> bool:
        """Tell whether there is a checkpoint of a log, signed by one of these keys of it."""
        return next(self.targets("log", keys, Findings()), None) is not None

    def check_chain(self, size: int, findings: Findings) -> None:
        """Tell of lines that do not follow the one before; as of all positions, 1 to `size`."""
        for line in self._lines():
            if not line.chained and line.number > 1:
                findings.add(
                    1,
                    max(size, 1),
                    "line",
                    f"line {line.number} of {self.path} does not follow the one before",
                )

    def targets(self, tree: Tree, keys: SigningKeys, findings: Findings) -> Iterator[Target]:
        """Yield the roots of a tree that the file says, in order of size.

        A size that is smaller than one before is no target, but a finding.
        """
        origin, largest = origin_of(keys.origin, tree), 0
        source = Source(str(self.path), "fork")
        for line in self._lines():
            if line.record is None or not line.record.checkpoint.startswith(f"{origin}\n"):
                continue
            checkpoint = self._read(line, origin, keys, largest, findings)
            if checkpoint is None:
                continue
            if checkpoint.size < largest:
                words = f"line {line.number} of {self.path} goes back from size {largest}"
                findings.add(checkpoint.size + 1, largest, "rollback", words)
                continue
            largest = checkpoint.size
            yield Target(checkpoint.size, checkpoint.root, source)

    def _read(
        self, line: Line, origin: str, keys: SigningKeys, largest: int, findings: Findings
    ) -> Checkpoint | None:
        assert line.record is not None  # noqa: S101
        try:
            return keys.checkpoint(parse_note(line.record.checkpoint.encode()), origin)
        except (NoteError, WrongCheckpointError) as error:
            words = f"line {line.number} of {self.path} is not signed: {error}"
            findings.add(max(largest, 1), max(largest, 1), "signature", words)
            return None

    def _lines(self) -> Iterator[Line]:
        with self.path.open("rb") as file:
            yield from read_lines(
                takewhile(lambda _: file.tell() <= self._end, iter(file.readline, b""))
            )
