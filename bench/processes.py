"""What processes take: processor time and memory, of a service and all that it started."""

import os
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench.background import Background

ROOT = Path(__file__).parent.parent
_LOOK_EVERY_S = 0.25
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Summed over processes. `pss_bytes` counts what they share once."""

    pss_bytes: int
    rss_bytes: int


def family(pid: int) -> list[int]:
    """List a process and all that descend from it."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
    )
    pairs = [
        (int(child), int(parent)) for child, parent in map(str.split, listed.stdout.splitlines())
    ]
    found = [pid]
    for parent in found:  # grows while it is walked
        found += [child for child, its_parent in pairs if its_parent == parent]
    return found


def cpu_s(pids: Iterable[int]) -> float | None:
    """Give the processor time that processes used so far; None where there is no /proc."""
    try:
        fields = [_stat(pid) for pid in pids]
    except FileNotFoundError:
        return None
    return sum(int(each[11]) + int(each[12]) for each in fields) / _CLOCK_TICKS


def parent(pid: int) -> int:
    """Give the process that started one."""
    return int(_stat(pid)[1])


def server_cpu_s(postmaster: int) -> float:
    """Give the processor time of a PostgreSQL server so far, with that of sessions that ended.

    Raises FileNotFoundError where it is not on this machine, or there is no /proc.
    """
    # A postmaster waits for each process that it started: what those took is added to its own then.
    ticks = sum(map(int, _stat(postmaster)[11:15]))
    for child in family(postmaster)[1:]:
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(map(int, _stat(child)[11:13]))
    return ticks / _CLOCK_TICKS


def memory(pids: Iterable[int]) -> Memory | None:
    """Give the memory that processes hold; None where there is no /proc."""
    pss = rss = 0
    try:
        for pid in pids:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
                name, _, value = line.partition(":")
                if name == "Pss":
                    pss += int(value.split()[0]) * 1024
                elif name == "Rss":
                    rss += int(value.split()[0]) * 1024
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return None
    return Memory(pss, rss)


def _stat(pid: int) -> list[str]:
    """Give the fields behind the command, the state first; see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()


class PeakMemory(Background):
    """Looks at the memory of processes four times a second, and keeps the most."""

    def __init__(self, pids: Iterable[int]) -> None:
        super().__init__()
        self._pids = list(pids)
        self.peak = memory(self._pids)

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            now = memory(self._pids)
            if now is not None and self.peak is not None:
                self.peak = Memory(*map(max, now, self.peak))


class PeakOfFamily(Background):
    """Does the same for a process and all that descend from it, whenever they come."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid = pid
        self.peak: Memory | None = None

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            # One that ends in between leaves the next look.
            now = memory(family(self._pid))
            if now is not None:
                self.peak = Memory(*map(max, now, self.peak or now))
