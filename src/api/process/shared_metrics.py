"""Metrics of several processes: each counts in files of its own, which all read.

It is done as prometheus_client does it for several processes, in files of the same form, but for two
things. A process that takes the place of another goes on with its files, so there are no more of them than
processes. And all room is taken at once: a file with holes in it, on a disk that is full, ends whoever writes
there (SIGBUS). Where there is no room a process counts for itself, and nothing of it is shown.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

import structlog
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict, mmap_key

PLACE = "_ROUNDBOOK_METRICS"
"""Names where a process counts: a folder, and in it a place that no other process has at the same time."""

ROOM_BYTES = 4 * 1024 * 1024
"""What the files of one place take at most."""

_SIZES = {"histogram": 1024 * 1024}
_OTHER_SIZE = 256 * 1024

log = structlog.get_logger()


def share_metrics() -> None:
    """Count where the parent said, if it did. To be called before any metric is made."""
    named = os.environ.pop(PLACE, None)
    if named is not None:
        values.ValueClass = _Files(Path(named)).value


class _File:
    """Values by their keys, in a file that has all the room that it will need."""

    def __init__(self, path: Path, size_bytes: int, *, anew: bool) -> None:
        """Go on with a file, or begin one. Raises OSError where there is no room."""
        if not path.exists():
            begun = path.with_suffix(".begun")
            begun.write_bytes(bytes(size_bytes))
            begun.replace(path)  # who reads meanwhile finds a whole one
        elif anew:
            with path.open("r+b") as file:
                file.write(bytes(size_bytes))
        make: Any = MmapedDict  # which has no types
        self._values = make(str(path))
        self._keys = {key for key, *_ in self._values.read_all_values()}
        self._left_bytes = size_bytes - 8 - sum(map(_length, self._keys))

    def begin(self, key: str) -> float | None:
        """Return what a key stands at, None where there is no room for it."""
        if key not in self._keys:
            if _length(key) > self._left_bytes:
                return None
            self._left_bytes -= _length(key)
            self._keys.add(key)
        value: float = self._values.read_value(key)[0]
        return value

    def write(self, key: str, value: float, timestamp: float) -> None:
        """Keep what a key stands at."""
        self._values.write_value(key, value, timestamp)


def _length(key: str) -> int:
    """How much a key and its value take: a length, the key up to a multiple of eight, two doubles."""
    encoded = len(key.encode())
    return 4 + encoded + (8 - (encoded + 4) % 8) + 16


class _Files:
    """The files of this process: one for each kind of metric."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._files: dict[str, _File | None] = {}
        self._lock = Lock()

    def value(  # noqa: PLR0917  # as prometheus_client makes them
        self,
        typ: str,
        metric_name: str,
        name: str,
        labelnames: Iterable[str],
        labelvalues: Iterable[str],
        help_text: str,
        multiprocess_mode: str = "",
        **_: object,
    ) -> "_Value":
        """Make a value that is kept in a file, if there is room."""
        key: str = mmap_key(metric_name, name, list(labelnames), list(labelvalues), help_text)
        with self._lock:
            file = self._file(f"gauge_{multiprocess_mode}" if typ == "gauge" else typ)
            stands_at = None if file is None else file.begin(key)
            return _Value(self._lock, None if stands_at is None else file, key, stands_at or 0.0)

    def _file(self, kind: str) -> _File | None:
        if kind not in self._files:
            path = self._place.with_name(f"{kind}_{self._place.name}.db")
            size_bytes = _SIZES.get(kind, _OTHER_SIZE)
            try:
                # What is of a process alone, as how much it does at present, ended with it.
                self._files[kind] = _File(path, size_bytes, anew=kind.startswith("gauge_live"))
            except OSError as error:
                self._files[kind] = None
                log.warning("there is no room for metrics", kind=kind, reason=str(error))
        return self._files[kind]


class _Value:
    """A number, for prometheus_client, and in the file if there is one."""

    def __init__(self, lock: Lock, file: _File | None, key: str, value: float) -> None:
        self._lock, self._file, self._key, self._value = lock, file, key, value

    def inc(self, amount: float) -> None:
        with self._lock:
            self._write(self._value + amount, 0.0)

    def set(self, value: float, timestamp: float | None = None) -> None:
        with self._lock:
            self._write(value, timestamp or 0.0)

    def get(self) -> float:
        return self._value

    def set_exemplar(self, exemplar: object) -> None:
        """Keep none: their form has no place for it."""

    def get_exemplar(self) -> None:
        return None

    def _write(self, value: float, timestamp: float) -> None:
        self._value = value
        if self._file is not None:
            self._file.write(self._key, value, timestamp)
