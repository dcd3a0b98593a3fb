"""The spool: who puts records in, and what it holds.

Many threads put, and one of them writes for all that wait (group commit): they share one sync. One reader
takes out, oldest first (`roundbook_client.spool.reading`).
"""

import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from errno import EINTR
from pathlib import Path
from typing import NamedTuple

from roundbook_client.errors import Closed, SpoolError, SpoolFull, SpoolInUse
from roundbook_client.spool import segments
from roundbook_client.spool.files import make_folder, sync_folder, unlock
from roundbook_client.spool.marks import Mark, Marks
from roundbook_client.spool.records import Position, Record, header_of

SEGMENT_BYTES = 16 << 20
_PARTS = 8


class Ticket:
    """Records that are to be written together: all of them, or none."""

    def __init__(self, records: Sequence[Record]) -> None:
        """Wait for the records to be written."""
        self.records = records
        self.size_bytes = sum(record.size_bytes for record in records)
        self.is_done = False
        self.error: OSError | None = None


class Written(NamedTuple):
    """The segments by number, oldest first, with their durable bytes, and which of them is appended to."""

    sizes: dict[int, int]
    open_number: int | None


class Spool:
    """A folder of segments, marks and a lock. Raises SpoolError, for a second client SpoolInUse.

    `max_bytes` bounds its segments.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """Open the folder, and make it where it is missing."""
        self.folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = max(1, min(SEGMENT_BYTES, max_bytes // _PARTS))
        self.tell: Callable[[int], None] | None = None
        """Called, in whatever thread, with how many items are new."""
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._waiting: list[Ticket] = []
        self._waiting_bytes = 0
        self._in_hand_bytes = 0
        self._writing: segments.Writing | None = None
        self._is_closed = False
        self._pid = os.getpid()
        try:
            make_folder(folder)
            self._lock_file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise SpoolError(f"the spool {folder} can't be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sync_folder(folder)
            self.marks = Marks(folder / "acknowledged")
            self._sizes = segments.sizes(folder)
        except BlockingIOError:
            os.close(self._lock_file)
            raise SpoolInUse(f"the spool {folder} is in use by another client") from None
        except OSError as error:
            os.close(self._lock_file)
            raise SpoolError(f"the spool {folder} can't be opened: {error.strerror}") from error
        self._next_number = max([0, *self._sizes, self.marks.mark.acknowledged.segment]) + 1

    @property
    def size_bytes(self) -> int:
        """How many bytes its segments have."""
        with self._lock:
            return sum(self._sizes.values())

    @property
    def is_inherited(self) -> bool:
        """Whether this is a child of the process that opened it."""
        return os.getpid() != self._pid

    def check_owner(self) -> None:
        """Raise SpoolInUse in a child of the process that opened it."""
        if self.is_inherited:
            raise SpoolInUse(f"the spool {self.folder} is that of the process that opened it")

    def put(self, records: Sequence[Record]) -> Ticket:
        """Take records in, which `commit` makes durable. Raises SpoolFull, SpoolInUse, Closed."""
        ticket = Ticket(records)
        self.check_owner()
        with self._lock:
            if self._is_closed:
                raise Closed("the client is closed")
            held = sum(self._sizes.values()) + self._in_hand_bytes + self._waiting_bytes
            if held + ticket.size_bytes > self._max_bytes:
                raise SpoolFull(
                    f"the spool {self.folder} is full: it holds {held:,} of {self._max_bytes:,} bytes,"
                    f" and {ticket.size_bytes:,} more have no room; nothing was spooled"
                )
            self._waiting.append(ticket)
            self._waiting_bytes += ticket.size_bytes
        return ticket

    def write(self, ticket: Ticket) -> None:
        """Return once it is known whether the records of a ticket are on the disk, which `commit` tells."""
        with self._turn:
            # Who had the turn before may have written for all that waited.
            if not ticket.is_done:
                self._write_all()

    def commit(self, ticket: Ticket) -> None:
        """Return once a ticket's records are on the disk. Raises SpoolError: then none of them is spooled.

        Unless it says that this is not known: who wrote for all was interrupted before it could tell.
        """
        if not ticket.is_done:
            self.write(ticket)
        if not ticket.is_done:
            raise SpoolError(
                f"whether it is in the spool {self.folder} is not known: the thread that wrote it was"
                " interrupted; sent again it is no more than a duplicate"
            )
        if ticket.error is not None:
            reason = ticket.error.strerror or str(ticket.error)
            raise SpoolError(
                f"the spool {self.folder} can't be written to: {reason}; nothing was spooled"
            ) from ticket.error

    def _write_all(self) -> None:
        """Write what waits, durably. For who has the turn."""
        group: list[Ticket] = []
        error: OSError | None = InterruptedError(EINTR, "it was interrupted")
        try:
            with self._lock:
                group, self._waiting = self._waiting, []
                self._in_hand_bytes, self._waiting_bytes = self._waiting_bytes, 0
            self._append([record for ticket in group for record in ticket.records])
            error = None
        except OSError as found:
            error = found
        finally:
            with self._lock:
                if self._writing is not None:
                    self._sizes[self._writing.number] = self._writing.size_bytes
                if error is None and self.tell is not None:
                    self.tell(sum(record.items for ticket in group for record in ticket.records))
                for ticket in group:
                    ticket.error, ticket.is_done = error, True
                self._in_hand_bytes = 0

    def _append(self, records: list[Record]) -> None:
        writing = self._writing
        if writing is not None and writing.size_bytes >= self._segment_bytes:
            self._end_segment()
            writing = None
        if writing is None:
            # A number is never used again: a broken segment of it may still be there.
            number, self._next_number = self._next_number, self._next_number + 1
            writing = segments.Writing(self.folder, number)
            self._writing = writing
        pieces: list[bytes] = []
        offset = writing.size_bytes
        for record in records:
            pieces += (header_of(record, Position(writing.number, offset)), record.content)
            offset += record.size_bytes
        try:
            writing.append(pieces)
        finally:
            if writing.is_broken:
                self._end_segment()

    def _end_segment(self) -> None:
        """Append to another segment from now on."""
        writing = self._writing
        if writing is not None:
            with self._lock:
                self._sizes[writing.number] = writing.size_bytes
                self._writing = None
            writing.close()

    def written(self) -> Written:
        """Tell what is durable."""
        with self._lock:
            writing = self._writing
            return Written(dict(self._sizes), None if writing is None else writing.number)

    def mark(self, mark: Mark) -> None:
        """Note durably how far all is acknowledged, and remove the segments before that. Raises OSError."""
        self.marks.write(mark)
        with self._turn:
            # Else a small spool would stay full of what is acknowledged.
            if self._writing is not None and self._writing.size_bytes >= self._segment_bytes:
                self._end_segment()
        self._remove_acknowledged()

    def _remove_acknowledged(self) -> None:
        sizes, open_number = self.written()
        number_of_last, offset = self.marks.mark.acknowledged
        for number, size_bytes in sizes.items():
            is_last = number == number_of_last and size_bytes <= offset and number != open_number
            if number < number_of_last or is_last:
                # One that comes back after a crash is removed by the next mark.
                with suppress(OSError):
                    segments.path_of(self.folder, number).unlink(missing_ok=True)
                    with self._lock:
                        del self._sizes[number]

    def close(self) -> None:
        """Write what waits, and let go of the folder."""
        with self._lock:
            self._is_closed = True
        with self._turn:
            if self._waiting:
                self._write_all()
            self._end_segment()
        self._remove_acknowledged()
        self.marks.close()
        with suppress(OSError):
            unlock(self._lock_file)
