"""What is kept of a log outside its database: a file of anchors, and what its signer remembers."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from app.evidence.anchors.files import Line, read_lines
from app.evidence.guard import last_path
from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys, WrongCheckpointError
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.notes import NoteError, parse_note


class UnreadableError(Exception):
    """A file that the log was to be held against can't be read; the message says why."""


def last_signed(log: Log, tree: Tree, origin: str, settings: Settings) -> Target | None:
    """Return what the signer remembers that it signed, None where that can't be read."""
    path = last_path(settings.signing_path, log.log_id, tree)
    try:
        last = parse_checkpoint(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if last.origin != origin_of(origin, tree):
        return None
    return Target(last.size, last.root, Source(f"the signer's {path.name}", "fork"))


class AnchoredFile:
    """A file of anchors as it was when the verification began: checkpoints of a log, in order of size."""

    def __init__(self, path: Path) -> None:
        """Read the file at that path, up to where it ends now. Raises UnreadableError."""
        self._path = path
        try:
            with path.open("rb") as file:
                self._end = file.seek(0, 2)
        except OSError as error:
            raise UnreadableError(f"{path} can't be read: {error.strerror}") from error

    def check_chain(self, size: int, findings: Findings) -> None:
        """Tell of lines that do not follow the one before; as of all positions, 1 to `size`."""
        for line in self._lines():
            if not line.chained and line.number > 1:
                findings.add(
                    1,
                    max(size, 1),
                    "line",
                    f"line {line.number} of {self._path} does not follow the one before",
                )

    def targets(self, tree: Tree, keys: SigningKeys, findings: Findings) -> Iterator[Target]:
        """Yield the roots of a tree that the file says, in order of size.

        A size that is smaller than one before is no target, but a finding.
        """
        origin, largest = origin_of(keys.origin, tree), 0
        source = Source(str(self._path), "fork")
        for line in self._lines():
            if line.record is None or not line.record.checkpoint.startswith(f"{origin}\n"):
                continue
            checkpoint = self._read(line, origin, keys, largest, findings)
            if checkpoint is None:
                continue
            if checkpoint.size < largest:
                words = f"line {line.number} of {self._path} goes back from size {largest}"
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
            words = f"line {line.number} of {self._path} is not signed: {error}"
            findings.add(max(largest, 1), max(largest, 1), "signature", words)
            return None

    def _lines(self) -> Iterator[Line]:
        with self._path.open("rb") as file:
            yield from read_lines(
                takewhile(lambda _: file.tell() <= self._end, iter(file.readline, b""))
            )
