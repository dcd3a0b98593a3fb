"""The server's log file, kept from growing without bound."""

import os
import shutil

from postgres.embedded.accounts import hand_over
from postgres.embedded.place import Place

LIMIT_BYTES = 16 * 1024 * 1024


class Log:
    """A file that servers append to, one after the other; the text before the last trimming is in `.old`."""

    def __init__(self, place: Place) -> None:
        self.path = place.log
        self._start_bytes = 0

    def open(self) -> int:
        """Open the file for a new server, and note where its part begins. Raises OSError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        hand_over(descriptor, self.path.parent)
        self._start_bytes = os.fstat(descriptor).st_size
        return descriptor

    def trim(self) -> None:
        """Move the text away when there is much of it, while the server goes on writing. Raises OSError."""
        try:
            size_bytes = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size_bytes > LIMIT_BYTES:
            # The server keeps the file open and appends, so the file must stay. Lines written between
            # these steps are lost, and all of them if the disk has no room for a copy.
            old = self.path.with_suffix(".log.old")
            old.unlink(missing_ok=True)
            try:
                shutil.copy2(self.path, old)
            except OSError:
                old.unlink(missing_ok=True)
            os.truncate(self.path, 0)
            self._start_bytes = 0

    def last_words(self) -> str:
        """Return the last lines that the newest server wrote."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(self._start_bytes, file.seek(0, os.SEEK_END) - 4096))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-8:])
