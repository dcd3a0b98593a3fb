"""The listener that all processes of a service share: none of them may wait in `accept`, and serve nobody."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from api.process.listening import adopt, listen, listen_for_operators
from tests.databases import Database
from tests.http.service import eventually, on, serving

_NONBLOCKING = os.O_NONBLOCK


def test_a_listener_never_waits_whoever_takes_it_over_and_copies_it(tmp_path: Path) -> None:
    with (
        listen("127.0.0.1", 0) as port,
        listen_for_operators(f"unix:{tmp_path / 'ops'}", beside=port) as file,
    ):
        for made in (port, file):
            with made.dup(), adopt(os.dup(made.fileno())) as adopted, adopted.dup():
                assert not os.get_blocking(made.fileno())


def test_a_worker_that_is_started_again_does_not_make_the_others_wait(
    fresh_database: Database, tmp_path: Path
) -> None:
    with serving(tmp_path, "--workers", "2", settings=on(fresh_database)) as service:
        with watched(service.pid, service.address[1]) as waited:
            first, second = service.workers()
            os.kill(first, signal.SIGKILL)
            eventually(lambda: len({first, second, *service.workers()}) == 3)
            third = next(pid for pid in service.workers() if pid not in {first, second})
            eventually(lambda: listens(third, service.address[1]))
        assert not waited


def listens(pid: int, port: int) -> bool:
    """Whether a process looks for connections to a port: it has the listener in what it polls."""
    polled = ""
    for each in Path(f"/proc/{pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            polled += each.read_text()
    return f"ino:{inode_of(port):x} " in polled


def inode_of(port: int) -> int:
    """The listener on a port of loopback, by the number that the system gave it."""
    address = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}:{port:04X}"
    [inode] = [
        int(line.split()[9])
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if line.split()[1] == address and line.split()[3] == "0A"
    ]
    return inode


@contextmanager
def watched(pid: int, port: int) -> Iterator[list[int]]:
    """Look at the flags of a process's listener again and again; gives those by which `accept` would wait."""
    wanted = f"socket:[{inode_of(port)}]"
    folder = Path(f"/proc/{pid}/fd")
    number = next(each.name for each in folder.iterdir() if str(each.readlink()) == wanted)
    flags = Path(f"/proc/{pid}/fdinfo/{number}")
    found: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen = int(flags.read_text().split("flags:")[1].split()[0], 8)
            if not seen & _NONBLOCKING:
                found.append(seen)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()
