"""Files that commands write."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_or_not_there(file: Path) -> Iterator[BinaryIO]:
    """Write a new file, and take it away again where it does not become whole. Raises OSError."""
    with file.open("xb") as out:
        try:
            yield out
            out.flush()
            os.fsync(out.fileno())
        except BaseException:
            file.unlink()
            raise
