"""Being asked to end, however often and in whatever moment."""

import signal
import subprocess
import sys
import time

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
