"""How much memory this process and those beside it may use together, where that is limited (cgroups)."""

from collections.abc import Iterator
from pathlib import Path

_SYSTEM = Path("/")
# Version 1 writes no limit as the largest number of pages.
_NO_LIMIT = 1 << 60
PLENTY_BYTES = 2 << 30
"""What the defaults are made for."""


def memory_limit_bytes(system: Path = _SYSTEM) -> int | None:
    """Return the least limit of the groups that this process is in, None where there is none.

    Sources: cgroups(7), and the kernel's documents of cgroup v2 (`memory.max`) and v1
    (`memory.limit_in_bytes`). In a container the group of a process is often seen as the root.
    """
    limits = [int(text) for text in _limits(system) if text.isdecimal()]
    return min((limit for limit in limits if limit < _NO_LIMIT), default=None)


def share_of_plenty() -> float:
    """Return which part of what the defaults are made for there is, 1 at most."""
    limit = memory_limit_bytes()
    return 1.0 if limit is None else min(1.0, limit / PLENTY_BYTES)


def _limits(system: Path) -> Iterator[str]:
    mounted = system / "sys/fs/cgroup"
    for line in _read(system / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            folders, name = [mounted, mounted / "unified"], "memory.max"
        elif "memory" in controllers.split(","):
            folders, name = [mounted / "memory"], "memory.limit_in_bytes"
        else:
            continue
        own = Path(path.lstrip("/"))
        for folder in folders:
            yield from (_read(folder / group / name).strip() for group in (own, *own.parents))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
