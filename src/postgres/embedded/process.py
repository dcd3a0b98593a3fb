"""Processes of PostgreSQL: starting one, and telling which one a lock file speaks of."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, Signals

from postgres.embedded.accounts import Account

_CHILD = Path(__file__).with_name("child.py")


def launch(
    command: list[str],
    account: Account,
    *,
    ending: Signals,
    output: int,
    folder: Path = Path("/"),
) -> subprocess.Popen[bytes]:
    """Start a command as the account; `ending` is what it gets when the calling thread's process is gone.

    The process is in a session of its own, so that a Ctrl-C at the terminal ends the service first.
    It works in `folder`. `output` takes what it prints: a descriptor or `subprocess.PIPE`. Raises OSError.
    """
    first_steps = [sys.executable, "-I", "-S", str(_CHILD)]
    parameters = [os.getpid(), int(ending), account.uid, account.gid]
    return subprocess.Popen(  # noqa: S603 (our own command)
        [*first_steps, *map(str, parameters), *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def running_postmaster(pgdata: Path) -> int | None:
    """Return the process id of the server that runs in a data folder, if one does.

    The id in its lock file is only believed if that process is a `postgres` started on this very folder:
    ids are used again, and a service that is restarted in a container often meets its own.
    """
    try:
        pid = _process_id((pgdata / "postmaster.pid").read_bytes())
    except FileNotFoundError:
        return None
    return pid if pid is not None and _is_postmaster(pid, pgdata) else None


def disown(lock_file: Path) -> None:
    """Make PostgreSQL see that a lock file is stale, when the process that it names is not a server of ours.

    PostgreSQL takes a lock file of its own parent for stale. The file is not removed, as its other lines
    let PostgreSQL wait for the orphans of a server that was killed. Raises OSError.
    """
    try:
        descriptor = os.open(lock_file, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        content = os.read(descriptor, 8192)
        if _process_id(content) is None:  # cut short, as by a full disk
            lock_file.unlink()
            return
        _, newline, rest = content.partition(b"\n")
        ours = str(os.getpid()).encode() + newline + rest
        os.pwrite(descriptor, ours, 0)
        os.ftruncate(descriptor, len(ours))
    finally:
        os.close(descriptor)


def end_process(pid: int, number: Signals) -> None:
    """Send a signal that ends a process, which may be gone by now, or stopped: then it goes on, to end."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        os.kill(pid, SIGCONT)


def _process_id(lock_file: bytes) -> int | None:
    first = (
        lock_file.partition(b"\n")[0].strip().removeprefix(b"-")
    )  # negative: a server for one user
    return int(first) if first.isdigit() and int(first) > 1 else None


def _is_postmaster(pid: int, pgdata: Path) -> bool:
    folder = os.fsencode(pgdata)
    if Path("/proc/self").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        # A process that ended and was not waited for yet has an empty command line.
        return command[0].endswith(b"postgres") and folder in command
    listed = subprocess.run(  # noqa: S603 (our own command)
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    ).stdout
    program = listed.partition(b" -D ")[0].strip()
    return program.endswith(b"postgres") and b" -D " + folder + b" " in listed
