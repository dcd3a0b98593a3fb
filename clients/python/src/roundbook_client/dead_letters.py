"""Items that the service refused for good, each a line of a file, with its faults."""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder, Encoder

from roundbook_client.rules import Fault
from roundbook_client.spool.files import append_durably, sync
from roundbook_client.spool.records import Position

log = logging.getLogger("roundbook_client")


class DeadLetter(Struct, frozen=True):
    """A refused item as it was sent, and why; pointers begin at the item (`/data/amount`).

    `place` is where it stood in the spool (segment, offset of its batch, index in that), so that no item is
    written twice.
    """

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


class DeadLetters:
    """The file, which its owner may move away at any time: it is made again."""

    def __init__(self, path: Path, after: Position) -> None:
        """Remember which items beyond a place of the spool are in it. Raises OSError."""
        self.path = path
        self._known: set[tuple[int, int, int]] = set()
        if path.exists():
            _end_whole(path)
            with path.open("rb") as lines:
                for line in lines:
                    with suppress(MsgspecError):  # somebody edited it
                        place = _decode(line).place
                        if place[:2] >= after:
                            self._known.add(place)

    def add(self, batch: Position, refused: Iterable[Refused]) -> int:
        """Write items that are not in the file yet, durably; return how many. Raises OSError."""
        now = datetime.now(UTC)
        letters = [DeadLetter((*batch, at), now, faults, Raw(text)) for at, text, faults in refused]
        new = [letter for letter in letters if letter.place not in self._known]
        if new:
            append_durably(self.path, b"".join(_encode(letter) + b"\n" for letter in new))
            # What was acknowledged before is never asked for again.
            self._known = {place for place in self._known if place[:2] == batch}
            self._known |= {letter.place for letter in new}
            log.error("%d items were refused; they are in %s", len(new), self.path)
        return len(new)


def _end_whole(path: Path) -> None:
    """Take a line off that was not written to its end: its item is still in the spool."""
    with path.open("r+b") as file:
        size = kept = file.seek(0, os.SEEK_END)
        while kept:
            start = max(0, kept - (1 << 16))
            file.seek(start)
            end_of_line = file.read(kept - start).rfind(b"\n")
            if end_of_line >= 0:
                kept = start + end_of_line + 1
                break
            kept = start
        if kept != size:
            file.truncate(kept)
            sync(file.fileno())
