"""How far the import of a file has come, kept beside it, so that one that was broken off goes on."""

import os
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct


class Mark(Struct, frozen=True):
    """How many records of a file are done, and how many of those were invalid."""

    records: int = 0
    invalid: int = 0


class _Kept(Struct, frozen=True):
    """A mark, and what it holds for: what was asked for, and the file as it was when it was opened."""

    asked: str
    size: int
    modified_ns: int
    mark: Mark


class Marks:
    """Keeps the mark of a file for one way of importing it.

    Where there can't be one beside the file, or none is needed, it is as if there were none.
    """

    def __init__(self, file: Path, opened: os.stat_result, asked: object, *, needed: bool) -> None:
        """Keep marks of a file as it was when it was opened, for all that tells what is sent where (JSON)."""
        self._beside = file.with_name(f"{file.name}.importing")
        self._opened = opened
        # A hash, as a key is part of it.
        self._asked = sha256(msgspec.json.encode(asked)).hexdigest()
        self._needed = needed

    def find(self) -> Mark:
        """Return how far the file was sent before, if it is the same still, and sent in the same way."""
        try:
            kept = msgspec.json.decode(self._beside.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError, ValueError):
            return Mark()
        return kept.mark if self._needed and kept == self._kept(kept.mark) else Mark()

    def keep(self, mark: Mark) -> None:
        """Note how far the file is sent: whole, or not at all."""
        if not self._needed:
            return
        new = self._beside.with_suffix(".importing-new")
        try:
            new.write_bytes(msgspec.json.encode(self._kept(mark)))
            new.replace(self._beside)
        except OSError:
            self._needed = False

    def forget(self) -> None:
        """Let go of the mark: the file is done."""
        if self._needed:
            self._beside.unlink(missing_ok=True)

    def _kept(self, mark: Mark) -> _Kept:
        return _Kept(self._asked, self._opened.st_size, self._opened.st_mtime_ns, mark)
