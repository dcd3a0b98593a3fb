"""The files that records are in. Each is only appended to, and removed once all of it is acknowledged."""

import os
import re
from pathlib import Path

from roundbook_client.spool.files import sync, sync_folder, write_all

_NAME = re.compile(r"(\d{16})\.segment")


def path_of(folder: Path, number: int) -> Path:
    """Return where the segment of a number is."""
    return folder / f"{number:016}.segment"


def sizes(folder: Path) -> dict[int, int]:
    """List the segments of a folder by number, the oldest first, with their sizes in bytes."""
    found = {
        int(name[1]): path for path in folder.iterdir() if (name := _NAME.fullmatch(path.name))
    }
    return {number: found[number].stat().st_size for number in sorted(found)}


class Writing:
    """The segment that is appended to."""

    def __init__(self, folder: Path, number: int) -> None:
        """Make it, durably. Raises OSError, FileExistsError among them."""
        self.number = number
        self.size_bytes = 0
        self.is_broken = False
        path = path_of(folder, number)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            sync_folder(folder)
        except OSError:
            os.close(self._file)
            path.unlink(missing_ok=True)
            raise

    def append(self, pieces: list[bytes]) -> None:
        """Add bytes, durably. Raises OSError: then they are not there, unless it `is_broken`.

        Of a file that could not be synced nobody knows what is on the disk: no more may be appended then.
        """
        self.is_broken = True  # unless this ends in good order, whatever it is that ends it
        end = self.size_bytes + sum(map(len, pieces))
        is_written = False
        # Whatever a signal's handler raises between any two of these: what is not counted is taken back.
        try:
            write_all(self._file, pieces, self.size_bytes)
            is_written = True
            sync(self._file)
            self.size_bytes = end
        except BaseException:
            os.ftruncate(self._file, self.size_bytes)
            self.is_broken = is_written
            raise
        self.is_broken = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
