"""The process behind `roundbook serve`: starts the workers and the projector, and keeps them running."""

import _thread
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Literal, NamedTuple

import structlog

from api.process.gate import VARIABLE as GATE
from api.process.gate import Gate
from api.process.heartbeat import VARIABLE as HEARTBEAT
from api.process.heartbeat import Pulse
from api.process.lifeline import VARIABLE as LIFELINE
from api.process.metrics_folders import MetricsFolders
from api.process.service_account import NOT_FOR_SERVING, as_account, own_home
from api.process.store import Store
from app.settings import Settings, ignored_settings
from postgres.embedded.accounts import Account

_TICK_S = 0.25
_GRACE_S = 40.0
_RESTART_PAUSE_S = 1.0
# Before it is first heard a process imports, and makes way for others that do.
_BEGINNING_S = 60.0

# glibc keeps what threads freed in up to eight heaps for each processor, and the more of it the larger what
# was freed: after bodies of many megabytes a process would stay as large as it ever was. Other C libraries
# pass these over; what the operator sets comes first.
_MEMORY = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(16 << 20),
}

# What the store was opened by: the owner's credential is for this process alone. And what workers alone need.
_KNOWN_ALREADY = (
    "ROUNDBOOK_DATABASE_URL_FILE",
    "ROUNDBOOK_OWNER_URL",
    "ROUNDBOOK_OWNER_URL_FILE",
    "ROUNDBOOK_CONSOLE_SECRET",
    "ROUNDBOOK_CONSOLE_SECRET_FILE",
)

Work = Literal["all", "serving", "reading"]
"""What a host does: all; all but projecting and sealing; only answering queries, maybe from a standby."""

log = structlog.get_logger()


def on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM, SIGINT, and SIGHUP unless that is ignored (nohup). For the main thread."""

    def handle(number: int, frame: FrameType | None) -> None:
        # An Event's lock is not reentrant, and a handler interrupts the main thread wherever it is: in
        # `stop.wait`, or in this very call for an earlier signal. Another thread only has to wait.
        del number, frame
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, handle)


class _Child(NamedTuple):
    place: int
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    pulse: Pulse
    started_at: float


class Supervisor:
    """Runs `workers` processes that serve, one that projects and one that seals: none slows another.

    One that ends is started again; one that falls silent is killed before.
    """

    def __init__(
        self,
        store: Store,
        listener: socket.socket,
        *,
        for_operators: socket.socket | None,
        workers: int,
        work: Work,
        settings: Settings,
        account: Account | None = None,
    ) -> None:
        """Serve on `listener` from `store`, health and metrics on a listener `for_operators` if there is one.

        Of a host whose `work` is not all, others keep read models and evidence. All but who seals, which
        needs the keys, run as `account` if there is one. `settings` say when a silent process is ended, and
        how long a host drains.
        """
        self._store = store
        self._account = account
        self._listeners = [listener, *filter(None, [for_operators])]
        self._descriptors = [each.fileno() for each in self._listeners]
        # Not `-m`: what a worker spawns would then import the worker, too. With `-P`, as the folder that the
        # service is started in may hold an `app` of its own.
        count = "from api.process.shared_metrics import share_metrics; share_metrics()"
        code = f"{count}; from api.process.worker import main; main()"
        self._serve = [sys.executable, "-P", "-c", code, *map(str, self._descriptors)]
        self._serve += ["--read-only"] * (work == "reading")
        project, self._seal = (
            [sys.executable, "-P", "-m", "api.cli", command] for command in ("project", "seal")
        )
        self._commands = [self._serve] * workers + [project, self._seal] * (work == "all")
        self._settings = settings
        # Whoever is logged in to one worker is to all.
        self._console_secret = settings.console_secret or secrets.token_urlsafe()
        self._gate = Gate()
        self._reader, self._writer = os.pipe()
        self._metrics = MetricsFolders(account, places=len(self._commands))

    def run(
        self,
        stop: threading.Event,
        *,
        make_way: Callable[[], None] = lambda: None,
        when_open: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep all processes running until `stop` is set; then let them finish what they began.

        `make_way` is called when a worker is about to serve, which then does, and `when_open` after that.
        """
        children = [self._start(*each) for each in enumerate(self._commands)]
        try:
            while not stop.wait(_TICK_S):
                self._store.keep_alive()
                children = [self._look_after(child) for child in children]
                if not self._gate.is_open and any(map(self._would_serve, children)):
                    make_way()
                    self._gate.open()
                    when_open()
            self._drain(children)
        finally:
            make_way()
            for listener in self._listeners:
                listener.close()  # who comes now is refused, not left waiting
            self._end([child.process for child in children])
            os.close(self._writer)
            os.close(self._reader)
            self._gate.close()
            self._metrics.remove()

    def _drain(self, children: Sequence[_Child]) -> None:
        """Let workers say that they are not ready, until whoever sends requests had the time to see it."""
        serving = [child.process for child in children if child.command is self._serve]
        until_s = time.monotonic() + self._settings.drain_s
        for process in serving if self._settings.drain_s else ():
            process.terminate()
        while (left_s := until_s - time.monotonic()) > 0 and any(p.poll() is None for p in serving):
            self._store.keep_alive()
            time.sleep(min(left_s, _TICK_S))

    def _would_serve(self, child: _Child) -> bool:
        return child.command is self._serve and child.pulse.was_heard

    def _look_after(self, child: _Child) -> _Child:
        """Give the same child, or another one in its place."""
        silent_s = child.pulse.look()
        if child.process.poll() is None:
            least_s = 0.0 if child.pulse.was_heard else _BEGINNING_S
            if silent_s > max(self._settings.silent_process_s, least_s):
                what = "worker" if child.command is self._serve else child.command[-1]
                log.error("a process is silent and is killed", process=what, pid=child.process.pid)
                child.process.kill()
                child.pulse.silent_s = 0.0  # what the kernel holds may take its time
            return child
        if time.monotonic() < child.started_at + _RESTART_PAUSE_S:
            return child
        status = child.process.returncode
        log.error("a process ended and is started again", status=status)
        child.pulse.close()
        return self._start(child.place, child.command)

    def _start(self, place: int, command: Sequence[str]) -> _Child:
        pulse = Pulse()
        ignored = ignored_settings()  # which were told of once
        kept = {name: value for name, value in os.environ.items() if name not in ignored}
        environment = {
            **_MEMORY,
            **kept,
            "ROUNDBOOK_DATABASE_URL": self._store.service_url,
            LIFELINE: str(self._reader),
            HEARTBEAT: str(pulse.writer),
            GATE: str(self._gate.reader),
        }
        for name in _KNOWN_ALREADY:
            environment.pop(name, None)
        how: dict[str, Any] = {}
        if command is self._seal:
            environment |= self._metrics.for_sealing(place)
            how["umask"] = self._metrics.umask
        else:
            environment |= self._metrics.for_serving(place)
            for name in NOT_FOR_SERVING:
                environment.pop(name, None)
            if self._account is not None:
                environment |= own_home(self._account)
                how = as_account(self._account)
        # Whoever holds a socket keeps its port: a projector that outlives a killed service must not.
        descriptors = self._descriptors if command is self._serve else []
        if command is self._serve:
            environment["ROUNDBOOK_CONSOLE_SECRET"] = self._console_secret
        # A group of their own: Ctrl-C reaches this process alone, which then ends them in order.
        process = subprocess.Popen(  # noqa: S603 (our own commands, no shell)
            command,
            env=environment,
            pass_fds=[*descriptors, self._reader, self._gate.reader, pulse.writer],
            process_group=0,
            **how,
        )
        pulse.started()
        return _Child(place, command, process, pulse, time.monotonic())

    def _end(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error(  # noqa: TRY400 (there is nothing in the traceback)
                    "a process did not end in time and is killed", pid=process.pid
                )
                process.kill()
                process.wait()
