"""Items that the service refused for good, each a line of a file, with its faults."""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOTDIR
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder, Encoder

from roundbook_client.rules import Fault
from roundbook_client.spool.files import append_durably, locked, sync, write_all
from roundbook_client.spool.records import Position

log = logging.getLogger("roundbook_client")


class DeadLetter(Struct, frozen=True):
    """A refused item as it was sent, and why; pointers begin at the item (`/data/amount`).

    `spool` is the id of the spool that it was in, and `place` where it stood there (segment, offset of its
    batch, index in that), so that no item is written twice, and several spools can share a file.
    """

    spool: str
    place: tuple[int, int, int]
    refused_at: datetime
    faults: list[Fault]
    item: Raw


class Refused(NamedTuple):
    """An item by its place in its batch, and why it was refused."""

    at: int
    text: bytes
    faults: list[Fault]


_encode = Encoder().encode
_decode = Decoder(DeadLetter).decode
_one_value = Decoder(Raw).decode


class DeadLetters:
    """The file, which its owner may move away at any time: it is made again."""

    def __init__(self, path: Path, spool_id: str, after: Position) -> None:
        """Remember which items beyond a place of the spool are in it. Raises OSError."""
        self.path = path
        self._spool_id = spool_id
        if not path.parent.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(path.parent))
        self._known: set[tuple[int, int, int]] = set()
        if path.exists():
            _end_whole(path)
            with path.open("rb") as lines:
                for line in lines:
                    with suppress(MsgspecError):  # somebody edited it
                        letter = _decode(line)
                        if letter.spool == spool_id and letter.place[:2] >= after:
                            self._known.add(letter.place)

    def add(self, batch: Position, refused: Iterable[Refused]) -> int:
        """Write items that are not in the file yet, durably; return how many. Raises OSError."""
        now = datetime.now(UTC)
        letters = [
            DeadLetter(self._spool_id, (*batch, at), now, faults, Raw(text))
            for at, text, faults in refused
        ]
        new = [letter for letter in letters if letter.place not in self._known]
        if new:
            append_durably(self.path, b"".join(_encode(letter) + b"\n" for letter in new))
            # What was acknowledged before is never asked for again.
            self._known = {place for place in self._known if place[:2] == batch}
            self._known |= {letter.place for letter in new}
            log.error("%d items were refused; they are in %s", len(new), self.path)
        return len(new)


def _end_whole(path: Path) -> None:
    """Take a line off that was not written to its end: its item is still in the spool.

    One that lacks nothing but the end of the line, as an editor may leave it, is ended.
    """
    with locked(path) as file:
        size = begin = os.fstat(file).st_size
        last = b""
        while begin and b"\n" not in last:
            size_bytes = min(begin, 1 << 16)
            begin -= size_bytes
            last = os.pread(file, size_bytes, begin) + last
        last = last[last.rfind(b"\n") + 1 :]
        if last:
            try:
                _one_value(last)
            except MsgspecError:
                os.ftruncate(file, size - len(last))
            else:
                write_all(file, [b"\n"], size)
            sync(file)
