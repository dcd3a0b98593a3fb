"""The folder of an export: its files, and the manifest that says which they are and how far they go.

Files are never changed, and there before the manifest names them; that is replaced as a whole. So what a run
left that was killed is known by not being named, and the next run removes it.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from msgspec import MsgspecError, Struct, json
from pyarrow import parquet

from api.parquet.tables import DAY
from app.whole_files import whole_or_not_there
from postgres.durable import sync_folder

MANIFEST = "manifest.json"
_OURS = re.compile(r"[a-z]+-\d+-\d+\.parquet(\.part)?", re.ASCII)


class ExportError(Exception):
    """An export can't be made, or not be added to; the message says why."""


class ExportedFile(Struct, frozen=True):
    """A file: of which table and day, how many rows, and what committed to its bytes."""

    path: str
    table: str
    day: date
    rows: int
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What an export is of. `positions`: up to which position of the log each table is whole.

    `after`: the position after which it began. `versions` are those of the read models.
    """

    format: Literal["roundbook-parquet/1"]
    tenant: str
    log_id: str
    time_zone: str
    day_starts: str
    versions: dict[str, int]
    after: int
    positions: dict[str, int]
    written_at: datetime
    files: list[ExportedFile]


class Folder:
    """A folder that one process at a time adds to."""

    def __init__(self, path: Path) -> None:
        """Add to the folder at `path`, which `locked` makes."""
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one that adds to it, until the block ends. Raises ExportError, OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise ExportError(f"another process exports into {self.path}") from None
        finally:
            os.close(descriptor)

    def read(self) -> Manifest | None:
        """Return the manifest, None where there is none. Raises ExportError."""
        path = self.path / MANIFEST
        try:
            return json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError:
            if any(self.path.iterdir()) and not self._is_ours_alone():
                raise ExportError(
                    f"{self.path} is not empty, and has no {MANIFEST}: name a folder of its own"
                ) from None
            return None
        except MsgspecError as error:
            raise ExportError(f"{path} is of no export that this version knows: {error}") from None

    def save(self, manifest: Manifest) -> None:
        """Put a manifest in the place of the one before."""
        with whole_or_not_there(self.path / MANIFEST, replace=True) as file:
            file.write(json.format(json.encode(manifest)) + b"\n")

    def write(self, name: str, table: str, day: date, rows: pa.Table) -> ExportedFile:
        """Write rows of one day as a file, which is whole and on the disk when this returns."""
        path = self.path / table / f"{DAY}={day}" / name
        self._make(path.parent)
        with whole_or_not_there(path) as file:
            parquet.write_table(rows, file, compression="zstd")
            file.flush()
            size, digest = _measured(file)
        written = path.relative_to(self.path).as_posix()
        return ExportedFile(written, table, day, rows.num_rows, size, digest)

    def remove_unnamed(self, manifest: Manifest | None) -> int:
        """Remove files that the manifest does not name; gives how many there were."""
        named = set() if manifest is None else {each.path for each in manifest.files}
        left = [
            path for path in self._files() if path.relative_to(self.path).as_posix() not in named
        ]
        for path in left:
            path.unlink()
        return len(left)

    def check_there(self, manifest: Manifest) -> None:
        """Raise ExportError where a file that the manifest names is missing, or not as long as it was.

        Its bytes are not read again: that would take as long as the export is large.
        """
        for each in manifest.files:
            path = self.path / each.path
            if not path.is_file():
                raise ExportError(f"{path} is not there any more: export into another folder")
            size = path.stat().st_size
            if size != each.bytes:
                raise ExportError(
                    f"{path} has {size} bytes, and had {each.bytes}: export into another folder"
                )

    def _files(self) -> Iterator[Path]:
        for path in self.path.glob(f"*/{DAY}=*/*"):
            if _OURS.fullmatch(path.name):
                yield path

    def _is_ours_alone(self) -> bool:
        """Return whether there is nothing but what a run left that was killed."""
        there = {path for path in self.path.rglob("*") if not path.is_dir()}
        return there <= {*self._files(), self.path / f"{MANIFEST}.part"}

    def _make(self, folder: Path) -> None:
        """Make a folder, and see to it that its name is on the disk."""
        for each in (folder.parent, folder):
            try:
                each.mkdir()
            except FileExistsError:
                continue
            sync_folder(each.parent)


def _measured(file: Any) -> tuple[int, str]:
    """Return how long a file is, and its SHA-256."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")
    return file.tell(), digest.hexdigest()
