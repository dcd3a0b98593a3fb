"""What is kept of a log outside its database: a file of anchors, and what its signer remembers."""

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from app.evidence.anchors.files import Line, read_lines
from app.evidence.guard import last_path
from app.evidence.verification.findings import Findings, UnreadableError
from app.evidence.verification.keys import SigningKeys, WrongCheckpointError
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.notes import NoteError, parse_note

TREES: tuple[Tree, ...] = ("log", "heads", "accesses")


class Elsewhere:
    """What can be read: what the signer remembers, and a file of anchors, as they are at the beginning."""

    def __init__(self, log: Log, origin: str, settings: Settings, anchors: Path | None) -> None:
        """Read what is kept of the log with that origin. Raises UnreadableError for the file of anchors."""
        self._remembered = {
            tree: _last_signed(log, tree, origin, settings.signing_path) for tree in TREES
        }
        self._file = None if anchors is None else _AnchoredFile(anchors)

    @property
    def is_remembered(self) -> bool:
        """Whether the signer's memory of the log could be read."""
        return self._remembered["log"] is not None

    def check_file(self, keys: SigningKeys, size: int, findings: Findings) -> None:
        """Tell, as of all positions up to `size`, where the file of anchors is broken, or of other logs."""
        if self._file is None:
            return
        self._file.check_chain(size, findings)
        if next(self._file.targets("log", keys, Findings()), None) is None:
            words = "the file of anchors holds no checkpoint of this log"
            findings.add(1, max(size, 1), "fork", words)

    def roots(self, tree: Tree, keys: SigningKeys, findings: Findings) -> Iterator[Target]:
        """Yield the roots that a tree must have, in order of size."""
        last = self._remembered[tree]
        for target in self._file.targets(tree, keys, findings) if self._file else ():
            if last is not None and last.size < target.size:
                yield last
                last = None
            yield target
        if last is not None:
            yield last


def _last_signed(log: Log, tree: Tree, origin: str, folder: Path) -> Target | None:
    """Return what the signer remembers that it signed, None where that can't be read."""
    path = last_path(folder, log.log_id, tree)
    try:
        last = parse_checkpoint(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    if last.origin != origin_of(origin, tree):
        return None
    return Target(last.size, last.root, Source(f"the signer's {path.name}", "fork"))


class _AnchoredFile:
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
