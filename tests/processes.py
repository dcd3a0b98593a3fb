"""Processes of this machine, looked at from outside."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from signal import SIGCONT, SIGKILL, SIGSTOP
from typing import Any

from bench.processes import family


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    return family(pid)[1:]


def command_of(pid: int) -> str:
    return " ".join(word for line in _seen("args=", pid) for word in line)


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    states = _seen("stat=", pid)
    return any(not state.startswith("Z") for state, *_ in states)


def kill_all(pids: Sequence[int]) -> None:
    """Kill processes, of which some may end by themselves as those before them are gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Stop processes; those that are still there go on in the end."""
    try:
        for pid in pids:
            with suppress(ProcessLookupError):  # one of PostgreSQL's, whose work was done
                os.kill(pid, SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGCONT)


def user_of(pid: int) -> int:
    """Whom a process runs as. Raises ProcessLookupError where it is gone."""
    return _number("uid=", pid)


def resident_bytes(pid: int) -> int:
    """How much memory a process has at present. Raises ProcessLookupError where it is gone."""
    return _number("rss=", pid) * 1024


def limit(pid: int, **limits: str | int) -> None:
    """Limit a process from now on, as `prlimit` names it: `nofile=40`, or "unlimited".

    Raises ProcessLookupError where it is gone.
    """
    options = [f"--{name}={value}:" for name, value in limits.items()]
    same_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # not even root may without a capability, but the same user may
        same_user = {"user": user_of(pid), "group": _number("gid=", pid), "extra_groups": []}
    command = ["prlimit", f"--pid={pid}", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, **same_user)
    if done.returncode != 0 and not runs(pid):
        raise ProcessLookupError(pid)
    assert done.returncode == 0, done.stderr


def _number(column: str, pid: int) -> int:
    for line in _seen(column, pid):
        return int(line[0])
    raise ProcessLookupError(pid)


def _seen(column: str, pid: int) -> Sequence[Sequence[str]]:
    # Unlimited width: where a terminal is about, or COLUMNS is set, `ps` cuts a long command off.
    command = ["ps", "-ww", "-p", str(pid), "-o", column]
    listed = subprocess.run(command, check=False, capture_output=True, text=True)
    return [line.split() for line in listed.stdout.splitlines()]
