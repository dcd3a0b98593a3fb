"""What was measured on: a figure without its machine says nothing."""

import os
import platform
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import psycopg

from bench.server import Server

_ROOT = Path(__file__).parent.parent
_FLUSHES = 50
_BUSY = 0.3
_PAGE = bytes(8192)


def machine_facts(server: Server) -> dict[str, str]:
    """Describe processor, memory, disk, versions, and how busy the machine is already."""
    with psycopg.connect(server.service_url) as connection:
        version = connection.execute("show server_version").fetchone()
    facts = {
        "processor": _processor(),
        "cores": str(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgresql": str(version[0]) if version else "",
        "database": "embedded" if server.folder else "ROUNDBOOK_DATABASE_URL",
        "roundbook": _commit(),
        "load before": load(),
    }
    if server.folder:
        facts["file system"] = _file_system(server.folder)
        facts["flush of 8 kB (median)"] = f"{_flush_ms(server.folder):.2f} ms"
    return facts


def warnings(server: Server) -> list[str]:
    """Say what would spoil the figures."""
    found = []
    if server.folder and _file_system(server.folder) == "tmpfs":
        found.append(
            f"{server.folder} is in memory, where a flush costs nothing: set TMPDIR to a disk"
        )
    if os.getloadavg()[0] > _BUSY:
        found.append(
            "the machine is busy with other work: compare within a table, don't quote figures"
        )
    return found


def load() -> str:
    """Say how busy the machine was in the last 1, 5 and 15 minutes."""
    return ", ".join(f"{load:.2f}" for load in os.getloadavg())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _file_system(folder: Path) -> str:
    """Name the file system; a flush to `tmpfs` costs nothing, which no server's disk can say of itself."""
    try:
        mounts = Path("/proc/mounts").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return "unknown"
    places = [line.split()[1:3] for line in mounts]
    fit = [(len(where), kind) for where, kind in places if folder.resolve().is_relative_to(where)]
    return max(fit)[1] if fit else "unknown"


def _flush_ms(folder: Path) -> float:
    taken = []
    path = folder / "flush"
    with path.open("wb", buffering=0) as file:
        for _ in range(_FLUSHES):
            started = time.perf_counter()
            file.write(_PAGE)
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    path.unlink()
    return statistics.median(taken) * 1000


def _commit() -> str:
    git = shutil.which("git")
    if git is None or not (_ROOT / ".git").exists():
        return "unknown"
    described = subprocess.run(
        [git, "describe", "--always", "--dirty"],
        cwd=_ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return described.stdout.strip() or "unknown"
