"""How far a spool is acknowledged, durably: the newer of two slots that are written in turn.

A slot that was being written when all ended is not whole; the other one is, and it is older by one batch,
which is then sent again.
"""

import os
import secrets
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from roundbook_client.spool.files import sync, sync_folder, write_all
from roundbook_client.spool.records import Position

_SLOT = struct.Struct("<QQQQQQ8sI")
_SLOT_BYTES = 512
"""Less than what disks write as one."""


class Mark(NamedTuple):
    """Up to where all is `acknowledged`, and where the batch ends that follows, as it was sent at least once.

    `log_position` is the greatest position that acknowledgements named.
    """

    acknowledged: Position = Position(0, 0)
    batch_end: Position = Position(0, 0)
    log_position: int = 0


class Marks:
    """The file of marks."""

    def __init__(self, path: Path) -> None:
        """Open it, and make it where it is missing. Raises OSError."""
        is_new = not path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.is_damaged = False
        """Whether there were marks, and none can be read: then all that is there is sent again."""
        try:
            if is_new or os.fstat(self._file).st_size < 2 * _SLOT_BYTES:
                # The room is taken now: on a full disk what was sent is still to be marked.
                write_all(self._file, [bytes(2 * _SLOT_BYTES)], 0)
                sync(self._file)
                sync_folder(path.parent)
            found = [self._read(number) for number in range(2)]
        except OSError:
            os.close(self._file)
            raise
        newest = max((each for each in found if each), default=(0, Mark(), secrets.token_bytes(8)))
        self._written, self.mark, self._id = newest
        self.is_damaged = not any(found) and any(os.pread(self._file, 2 * _SLOT_BYTES, 0))

    @property
    def spool_id(self) -> str:
        """Random, and kept with the marks: who has lost these, and begins anew, has another."""
        return self._id.hex()

    def _read(self, number: int) -> tuple[int, Mark, bytes] | None:
        text = os.pread(self._file, _SLOT.size, number * _SLOT_BYTES)
        written, segment, offset, end_segment, end_offset, log_position, spool_id, checksum = (
            _SLOT.unpack(text)
        )
        if not written or zlib.crc32(text[:-4]) != checksum:
            return None
        ends = Position(segment, offset), Position(end_segment, end_offset)
        return written, Mark(*ends, log_position), spool_id

    def write(self, mark: Mark) -> None:
        """Put a mark in the place of the one before, durably. Raises OSError: then that one stands."""
        written = self._written + 1
        values = (written, *mark.acknowledged, *mark.batch_end, mark.log_position, self._id)
        text = _SLOT.pack(*values, 0)[:-4]
        slot = text + zlib.crc32(text).to_bytes(4, "little")
        write_all(self._file, [slot], written % 2 * _SLOT_BYTES)
        sync(self._file)
        self._written, self.mark = written, mark

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
