"""Processes of this machine, looked at from outside."""

import subprocess
from collections.abc import Sequence


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    found: list[int] = []
    parents = {pid}
    table = [(int(child), int(parent)) for child, parent, *_ in _processes("pid=,ppid=")]
    while parents:
        children = [child for child, parent in table if parent in parents]
        found += children
        parents = set(children)
    return found


def command_of(pid: int) -> str:
    return " ".join(word for line in _processes("args=", "-p", str(pid)) for word in line)


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    states = _processes("stat=", "-p", str(pid))
    return any(not state.startswith("Z") for state, *_ in states)


def _processes(columns: str, *chosen: str) -> Sequence[Sequence[str]]:
    # Unlimited width: where a terminal is about, or COLUMNS is set, `ps` cuts a long command off.
    command = ["ps", "-ww", *(chosen or ("-A",)), "-o", columns]
    listed = subprocess.run(command, check=False, capture_output=True, text=True)
    return [line.split() for line in listed.stdout.splitlines()]
