"""Taking batches out of a spool, oldest first, and setting aside what is broken in it."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from roundbook_client.spool import segments
from roundbook_client.spool.files import append_durably, sync_folder
from roundbook_client.spool.records import (
    HEADER_BYTES,
    Broken,
    Position,
    Record,
    Torn,
    judge,
    read_content,
    read_header,
)
from roundbook_client.spool.spool import Spool

DAMAGED = "damaged"


class Batch(NamedTuple):
    """Records to be sent together, and where what follows them begins."""

    records: list[Record]
    begin: Position
    end: Position

    @property
    def items(self) -> int:
        """How many items it has."""
        return sum(record.items for record in self.records)


class SetAside(NamedTuple):
    """What can't be sent, in how many bytes, where it was, and the file that it is in now."""

    at: Position
    size_bytes: int
    path: str


class Reader:
    """Reads a spool, from a place on."""

    def __init__(self, spool: Spool) -> None:
        """Read what `spool` holds."""
        self._spool = spool
        self._kept: set[Position] = set()
        self.set_aside: list[SetAside] = []
        """What was found broken since somebody looked."""
        self.torn: list[SetAside] = []
        """Where the writing of a record was broken off, found since somebody looked."""

    def next_batch(
        self, after: Position, most_items: int, most_bytes: int, until: Position | None = None
    ) -> Batch:
        """Take the records that follow a place, one at least if there is one, within the limits.

        Where a batch was sent before it ends at `until`, whatever the limits. Raises OSError.
        """
        records: list[Record] = []
        items = size_bytes = 0
        begin = end = after
        for at, record, next_at in self._records(after):
            if until is not None and at >= until:
                break
            if record is not None:
                items += record.items
                size_bytes += len(record.content) + 1
                if until is None and records and (items > most_items or size_bytes > most_bytes):
                    break
                if not records:
                    begin = at
                records.append(record)
            end = next_at
        return Batch(records, begin, end)

    def has_more(self, after: Position) -> bool:
        """Whether anything follows a place."""
        sizes, _ = self._spool.written()
        return any(
            number >= after.segment and size > (after.offset if number == after.segment else 0)
            for number, size in sizes.items()
        )

    def _records(self, after: Position) -> Iterator[tuple[Position, Record | None, Position]]:
        """Give what stands at each place (None: nothing that can be sent), and the place that follows."""
        sizes, _ = self._spool.written()
        for number, size_bytes in sizes.items():
            if number < after.segment:
                continue
            at = Position(number, after.offset if number == after.segment else 0)
            file = os.open(segments.path_of(self._spool.folder, number), os.O_RDONLY)
            try:
                while at.offset < size_bytes:
                    record, length = self._take(file, at, size_bytes)
                    next_at = Position(number, at.offset + length)
                    yield at, record, next_at
                    at = next_at
            finally:
                os.close(file)

    def _take(self, file: int, at: Position, size_bytes: int) -> tuple[Record | None, int]:
        found = self._read(file, at, size_bytes)
        if isinstance(found, Record):
            return found, found.size_bytes
        if isinstance(found, Broken):
            self._put_aside(at, found.content, self.set_aside)
        else:
            self._put_aside(at, found.content, self.torn)
        return None, len(found.content)

    def _read(self, file: int, at: Position, size_bytes: int) -> Record | Torn | Broken:
        header = read_header(os.pread(file, HEADER_BYTES, at.offset), at)
        if header is not None and at.offset + HEADER_BYTES + header.length <= size_bytes:
            content = os.pread(file, header.length, at.offset + HEADER_BYTES)
            record = read_content(header, content)
            if record is not None:
                return record
        return judge(os.pread(file, size_bytes - at.offset, at.offset), at)

    def _put_aside(self, at: Position, content: bytes, told: list[SetAside]) -> None:
        """Keep bytes that can't be sent in a file of their own, once."""
        if at in self._kept:
            return
        folder = self._spool.folder / DAMAGED
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{at.segment:016}-{at.offset}"
        path.unlink(missing_ok=True)
        append_durably(path, content)
        # After a kill the folder may be there, and not be on the disk.
        sync_folder(self._spool.folder)
        self._kept.add(at)
        told.append(SetAside(at, len(content), str(path)))
