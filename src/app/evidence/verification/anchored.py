"""A file of anchors, that was kept elsewhere: the checkpoints in it that a log must have."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from heapq import merge
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from app.evidence.anchors.files import Line, read_lines
from app.evidence.verification.findings import Findings, UnreadableError
from app.evidence.verification.keys import SigningKeys, WrongCheckpointError
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.notes import NoteError, parse_note


class _Said(NamedTuple):
    """What a file says of an origin, whoever signed that."""

    largest: int
    late: dict[int, Line]
    """Lines, by number, of a smaller size than one before: of several that write one may be slower."""


_NOTHING = _Said(0, {})


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

    @property
    def sizes(self) -> dict[str, int]:
        """The greatest size that it says of each origin, whoever signed that."""
        return {origin: said.largest for origin, said in self._said.items()}

    @cached_property
    def _said(self) -> dict[str, _Said]:
        found: dict[str, _Said] = {}
        for line in self._lines():
            if line.record is None:
                continue
            try:
                said = parse_checkpoint(parse_note(line.record.checkpoint.encode()).text)
            except (NoteError, UnicodeEncodeError):
                continue
            largest, late = found.get(said.origin, _Said(0, {}))
            if said.size < largest:
                late[line.number] = line
            found[said.origin] = _Said(max(said.size, largest), late)
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
        """Yield the roots of a tree that the file says, in order of size: lines need not be in that."""
        origin = origin_of(keys.origin, tree)
        late = self._said.get(origin, _NOTHING).late
        in_order = (line for line in self._lines() if line.number not in late)
        source = Source(str(self.path), "fork")
        for checkpoint in merge(
            self._signed(in_order, origin, keys, findings),
            sorted(self._signed(late.values(), origin, keys, findings), key=_size),
            key=_size,
        ):
            yield Target(checkpoint.size, checkpoint.root, source)

    def _signed(
        self, lines: Iterable[Line], origin: str, keys: SigningKeys, findings: Findings
    ) -> Iterator[Checkpoint]:
        """Yield the checkpoints of a tree among these lines, and tell of each that is not signed."""
        largest = 1
        for line in lines:
            if line.record is None or not line.record.checkpoint.startswith(f"{origin}\n"):
                continue
            try:
                found = keys.checkpoint(parse_note(line.record.checkpoint.encode()), origin)
            except (NoteError, WrongCheckpointError) as error:
                words = f"line {line.number} of {self.path} is not signed: {error}"
                findings.add(largest, largest, "signature", words)
                continue
            largest = max(found.size, largest)
            yield found

    def _lines(self) -> Iterator[Line]:
        with self.path.open("rb") as file:
            yield from read_lines(
                takewhile(lambda _: file.tell() <= self._end, iter(file.readline, b""))
            )


def _size(checkpoint: Checkpoint) -> int:
    return checkpoint.size
