"""Being asked to end, however often and in whatever moment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgres.embedded import EmbeddedServer
from postgres.embedded.place import find_place
from tests.databases import Database
from tests.http.service import Running, Service, eventually, in_folder, on
from tests.processes import command_of, descendants, runs

_ASKED_TO_END = """
import signal, threading, time
from api.process.supervisor import on_signals

stop = threading.Event()
on_signals(stop)
print("ready", flush=True)
until = time.monotonic() + 3
while time.monotonic() < until:
    stop.wait(0.001)
    stop.clear()
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, signal.SIG_IGN)
print("ended", flush=True)
"""

_ASKING = """
import os, sys
while True:
    os.kill(int(sys.argv[1]), int(sys.argv[2]))
"""


def test_signals_that_interrupt_each_other_do_not_hang_the_service() -> None:
    """An Event was set within its own lock: `timeout` and a terminal both send the signal twice."""
    asked = subprocess.Popen([sys.executable, "-c", _ASKED_TO_END], stdout=subprocess.PIPE)
    assert asked.stdout is not None
    assert asked.stdout.readline() == b"ready\n"
    asking = [
        subprocess.Popen([sys.executable, "-c", _ASKING, str(asked.pid), str(int(number))])
        for number in (signal.SIGTERM, signal.SIGINT)
    ]
    time.sleep(4)
    for each in asking:
        each.kill()
        each.wait()
    try:
        told, _ = asked.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        asked.kill()
        told, _ = asked.communicate()
    assert told == b"ended\n"


_HUNG_UP = """
import os, signal, sys, threading
from api.process.supervisor import on_signals

if "nohup" in sys.argv:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
stop = threading.Event()
on_signals(stop)
os.kill(os.getpid(), signal.SIGHUP)
print("went on" if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else stop.wait(60))
"""


@pytest.fixture
def hangs_up() -> Iterator[None]:
    """The tests may have been started by nohup, and what they start has it from them."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangs_up")
def test_a_terminal_that_is_closed_ends_the_service_in_good_order_unless_it_is_to_go_on(
    fresh_database: Database, folder: Path
) -> None:
    """It was killed, as are programs that know no better."""
    for words, expected in (["nohup"], "went on\n"), ([], "True\n"):
        command = [sys.executable, "-c", _HUNG_UP, *words]
        told = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (told.stdout, told.returncode) == (expected, 0)
    service = Service(folder, settings=on(fresh_database))
    family = service.family()
    service.signal(signal.SIGHUP)
    assert service.ended()[0] == 0, service.log()
    assert not any(map(runs, family))


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_service_whose_database_does_not_come_up_ends_when_asked(
    folder: Path, *, is_stopped: bool
) -> None:
    """It went on for up to 900 s; one whose postmaster is stopped took a minute and more to end that."""
    data_dir = folder / "data"
    with EmbeddedServer(data_dir, say=lambda _: None):
        place = find_place(data_dir, print)
    with (place.pgdata / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("restore_command = 'exec sleep 3600'\n")
    recovery = place.pgdata / "recovery.signal"
    recovery.touch()
    os.chown(recovery, place.account.uid, place.account.gid)
    service = Running(folder, "serve", "--port", "0", settings=in_folder(data_dir))
    try:
        eventually(lambda: any("sleep 3600" in command_of(p) for p in descendants(service.pid)))
        family = descendants(service.pid)
        [postmaster] = [pid for pid in family if f"-D {place.pgdata}" in command_of(pid)]
        if is_stopped:
            os.kill(postmaster, signal.SIGSTOP)
    finally:
        service.signal(signal.SIGTERM)
        status, said = service.ended()
    assert (status, said) == (0, "")
    assert "Error" not in service.log()
    eventually(lambda: not any(map(runs, family)))
    recovery.unlink()
    with EmbeddedServer(data_dir, say=lambda _: None):
        pass
