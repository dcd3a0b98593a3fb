"""Whether there is room for what is to be recorded."""

import shutil
from pathlib import Path

from postgres.doctor.findings import Finding, size

_GIB = 1024**3

_WRONG_BYTES = _GIB
# Beyond the WAL, which takes 2 GiB between two checkpoints.
_WARNING_BYTES = 5 * _GIB


def disk(folder: Path) -> Finding:
    """Check the disk of a folder. Raises OSError."""
    found = shutil.disk_usage(folder)
    return room(folder, found.free, found.total)


def room(folder: Path, free: int, total: int) -> Finding:
    """Judge how much is free of a disk, in bytes."""
    what = f"{size(free)} of {size(total)} are free in {folder}"
    remedy = "make room, or move the data to a larger disk: on a full one nothing is recorded"
    if free < _WRONG_BYTES:
        return Finding("disk", "wrong", what, remedy)
    if free < _WARNING_BYTES:
        return Finding("disk", "warning", what, remedy)
    return Finding("disk", "ok", what)
