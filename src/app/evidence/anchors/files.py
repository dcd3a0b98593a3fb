"""Checkpoints in a file that is only ever added to, of any number of tenants.

One JSON object a line, `{"n", "prev", "at", "checkpoint"}`: its number from 1, the SHA-256 (hex) of the line
before without its newline, 64 zeros first, the time in UTC, the signed note. A line that a crash tore stays
as it is, without a number, and its hash is the `prev` of the next: nothing in the file is ever changed, so
that it may be append-only for the system too. It is worth as much as the place where it is kept: nothing
against whoever can write there.
"""

import fcntl
import mmap
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from app.evidence.anchors.anchor import AnchorError, ContradictionError, Receipt
from domain.evidence.anchoring import AnchorSpec, Prove
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.notes import Note, NoteError, parse_note
from postgres.durable import sync_folder

NO_LINE = "0" * 64
_PATIENCE_S = 10.0


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """One line."""

    n: int
    prev: str
    at: str
    checkpoint: str


class Line(Struct, frozen=True):
    """A line as it was read: `record` is None where it is torn, `chained` false where it does not follow."""

    number: int
    record: Record | None
    chained: bool


class FileAnchor:
    """Anchors in a file, which is made with the first checkpoint."""

    def __init__(self, spec: AnchorSpec) -> None:
        self.spec = spec
        self._path = Path(spec.place).expanduser().absolute()

    def newest(self, origin: str) -> Note | None:
        """Return the last note of a tree in the file. Raises AnchorError."""
        try:
            with self._path.open("rb") as file, _mapped(file.fileno()) as content:
                newest = self._newest(content, origin)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AnchorError(f"{self.spec.target} can't be read: {error.strerror}") from error
        return newest[1] if newest else None

    def anchor(self, note: Note, prove: Prove) -> Receipt:  # noqa: ARG002 (it looks at no proof)
        """Append a note, durably, unless it is there. Raises AnchorError.

        ContradictionError is `rollback` where the last note of the tree is of a larger size, `fork` where it
        is of the same size and of another root: whoever verifies the file relies on its order.
        """
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o644)
            try:
                return Receipt(self._append(descriptor, note))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AnchorError(f"{self.spec.target} can't be written: {error.strerror}") from error

    def close(self) -> None:
        """Hold nothing between two checkpoints."""

    def _append(self, descriptor: int, note: Note) -> bytes:
        checkpoint = parse_checkpoint(note.text)
        self._lock(descriptor)
        with _mapped(descriptor) as content:
            newest = self._newest(content, checkpoint.origin)
            if newest is not None and self._has(newest[1], checkpoint):
                os.fsync(descriptor)  # who appended it may not have come to that
                return newest[0]
            torn = len(content) > 0 and content[-1:] != b"\n"
            last, count = _last(content)
        at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        prev = NO_LINE if last is None else sha256(last).hexdigest()
        line = msgspec.json.encode(Record(count + 1, prev, at, str(note)))
        rest = b"\n" * torn + line + b"\n"
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
        if last is None:
            sync_folder(self._path.parent)
        return line

    def _newest(self, content: bytes | mmap.mmap, origin: str) -> tuple[bytes, Note] | None:
        """Return the last whole line with a note of a tree, and the note. Raises AnchorError."""
        wanted = b'"checkpoint":' + msgspec.json.encode(origin + "\n")[:-1]
        place = len(content)
        while (place := content.rfind(wanted, 0, place)) >= 0:
            end = content.find(b"\n", place)
            line = content[content.rfind(b"\n", 0, place) + 1 : end if end >= 0 else None]
            if record := _parse(line):
                try:
                    return line, parse_note(record.checkpoint.encode())
                except NoteError as error:
                    raise AnchorError(
                        f"{self.spec.target} holds no note of {origin}: {error}"
                    ) from None
        return None

    def _has(self, newest: Note, checkpoint: Checkpoint) -> bool:
        """Say whether the last note of the tree is of a checkpoint that is to be appended."""
        try:
            last = parse_checkpoint(newest.text)
        except NoteError as error:
            raise AnchorError(
                f"{self.spec.target} holds no checkpoint of {checkpoint.origin}: {error}"
            ) from None
        if last.size < checkpoint.size:
            return False
        if last.size > checkpoint.size:
            raise ContradictionError(
                "rollback",
                f"{self.spec.target} has size {last.size} of {last.origin}, and this is of {checkpoint.size}",
                evidence=newest,
                size=last.size,
            )
        if last.root != checkpoint.root:
            raise ContradictionError(
                "fork",
                f"{self.spec.target} has another root of size {last.size} of {last.origin}",
                evidence=newest,
            )
        return True

    def _lock(self, descriptor: int) -> None:
        """Wait until no other process appends, but not for one that is stopped while it does."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise AnchorError(f"{self.spec.target} is locked by another process") from None
                time.sleep(0.01)


def read_lines(lines: Iterable[bytes]) -> Iterator[Line]:
    """Read the lines of such a file, each with its newline or without. The first is chained to nothing."""
    prev, count = NO_LINE, 0
    for number, each in enumerate(lines, start=1):
        line = each.removesuffix(b"\n")
        record = _parse(line)
        yield Line(number, record, record is None or (record.prev, record.n) == (prev, count + 1))
        prev = sha256(line).hexdigest()
        count = record.n if record else count


def _parse(line: bytes) -> Record | None:
    try:
        return msgspec.json.decode(line, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _last(content: bytes | mmap.mmap) -> tuple[bytes | None, int]:
    """Return the last line, torn or not, and the number of the last whole one."""
    last: bytes | None = None
    end = len(content)
    while end > 0:
        if content[end - 1 : end] == b"\n":
            end -= 1
        start = content.rfind(b"\n", 0, end) + 1
        line = content[start:end]
        last = line if last is None else last
        if record := _parse(line):
            return last, record.n
        end = start
    return last, 0


@contextmanager
def _mapped(descriptor: int) -> Iterator[bytes | mmap.mmap]:
    if os.fstat(descriptor).st_size == 0:
        yield b""
        return
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        yield content
