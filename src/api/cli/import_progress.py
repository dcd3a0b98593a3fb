"""How far the import of a file has come, kept beside it, so that one that was broken off goes on."""

from pathlib import Path

import msgspec
from msgspec import Struct


class Mark(Struct, frozen=True):
    """How many records of a file are done, and how many of those were invalid."""

    records: int = 0
    invalid: int = 0


class _Kept(Struct, frozen=True):
    """A mark, and what it holds for: where it was sent, and the file as it was then."""

    where: str
    size: int
    modified_ns: int
    mark: Mark


class Marks:
    """Keeps marks of files that are sent to one tenant of one service.

    Where there can't be one beside the file, or none is needed, it is as if there were none.
    """

    def __init__(self, where: str, *, needed: bool) -> None:
        """Keep marks for this place."""
        self._where = where
        self._needed = needed

    def find(self, file: Path) -> Mark:
        """Return how far a file was sent there before, if it is the same still."""
        try:
            kept = msgspec.json.decode(_beside(file).read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError, ValueError):
            return Mark()
        return kept.mark if self._needed and kept == self._kept(file, kept.mark) else Mark()

    def keep(self, file: Path, mark: Mark) -> None:
        """Note how far a file is sent: whole, or not at all."""
        if not self._needed:
            return
        new = _beside(file).with_suffix(".importing-new")
        try:
            new.write_bytes(msgspec.json.encode(self._kept(file, mark)))
            new.replace(_beside(file))
        except OSError:
            self._needed = False

    def forget(self, file: Path) -> None:
        """Let go of the mark of a file that is done."""
        if self._needed:
            _beside(file).unlink(missing_ok=True)

    def _kept(self, file: Path, mark: Mark) -> _Kept:
        told = file.stat()
        return _Kept(self._where, told.st_size, told.st_mtime_ns, mark)


def _beside(file: Path) -> Path:
    return file.with_name(f"{file.name}.importing")
