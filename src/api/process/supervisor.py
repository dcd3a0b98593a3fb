"""The process behind `roundbook serve`: starts the workers and the projector, and keeps them running."""

import _thread
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

import structlog

from api.process.lifeline import VARIABLE as LIFELINE
from api.process.metrics_folders import MetricsFolders
from api.process.service_account import NOT_FOR_SERVING, as_account, own_home
from api.process.store import Store
from app.settings import ignored_settings
from postgres.embedded.accounts import Account

_TICK_S = 0.25
_GRACE_S = 40.0
_RESTART_PAUSE_S = 1.0

# glibc keeps what threads freed in up to eight heaps for each processor, and the more of it the larger what
# was freed: after bodies of many megabytes a process would stay as large as it ever was. Other C libraries
# pass these over; what the operator sets comes first.
_MEMORY = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(16 << 20),
}

log = structlog.get_logger()


def on_signals(stop: threading.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT. For the main thread."""

    def handle(number: int, frame: FrameType | None) -> None:
        # An Event's lock is not reentrant, and a handler interrupts the main thread wherever it is: in
        # `stop.wait`, or in this very call for an earlier signal. Another thread only has to wait.
        del number, frame
        _thread.start_new_thread(stop.set, ())

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


class Supervisor:
    """Runs `workers` processes that serve, one that projects and one that seals: none slows another."""

    def __init__(
        self,
        store: Store,
        listener: socket.socket,
        *,
        for_operators: socket.socket | None,
        workers: int,
        projections: bool,
        account: Account | None = None,
    ) -> None:
        """Serve on `listener` from `store`, health and metrics on a listener `for_operators` if there is one.

        Without `projections` others keep read models and evidence. All but who seals, which needs the keys,
        run as `account` if there is one.
        """
        self._store = store
        self._account = account
        self._listeners = [listener, *filter(None, [for_operators])]
        self._descriptors = [each.fileno() for each in self._listeners]
        # Not `-m`: what a worker spawns would then import the worker, too. With `-P`, as the folder that the
        # service is started in may hold an `app` of its own.
        work = "from api.process.worker import main; main()"
        self._serve = [sys.executable, "-P", "-c", work, *map(str, self._descriptors)]
        project, self._seal = (
            [sys.executable, "-P", "-m", "api.cli", command] for command in ("project", "seal")
        )
        self._commands = [self._serve] * workers + [project, self._seal] * projections
        self._reader, self._writer = os.pipe()
        self._metrics = MetricsFolders(account)

    def run(self, stop: threading.Event) -> None:
        """Keep all processes running until `stop` is set; then let them finish what they began."""
        children = [self._start(command) for command in self._commands]
        died_at = dict.fromkeys(range(len(children)), 0.0)
        try:
            while not stop.wait(_TICK_S):
                self._store.keep_alive()
                for index, child in enumerate(children):
                    if child.poll() is None or time.monotonic() < died_at[index] + _RESTART_PAUSE_S:
                        continue
                    log.error("a process ended and is started again", status=child.returncode)
                    died_at[index] = time.monotonic()
                    children[index] = self._start(self._commands[index])
        finally:
            for listener in self._listeners:
                listener.close()  # who comes now is refused, not left waiting
            self._end(children)
            os.close(self._writer)
            os.close(self._reader)
            self._metrics.remove()

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        ignored = ignored_settings()  # which were told of once
        kept = {name: value for name, value in os.environ.items() if name not in ignored}
        environment = {
            **_MEMORY,
            **kept,
            "ROUNDBOOK_DATABASE_URL": self._store.service_url,
            LIFELINE: str(self._reader),
        }
        environment.pop("ROUNDBOOK_OWNER_URL", None)
        how: dict[str, Any] = {}
        if command == self._seal:
            environment |= self._metrics.for_sealing()
            how["umask"] = self._metrics.umask
        else:
            environment |= self._metrics.for_serving()
            for name in NOT_FOR_SERVING:
                environment.pop(name, None)
            if self._account is not None:
                environment |= own_home(self._account)
                how = as_account(self._account)
        # Whoever holds a socket keeps its port: a projector that outlives a killed service must not.
        descriptors = self._descriptors if command == self._serve else []
        # A group of their own: Ctrl-C reaches this process alone, which then ends them in order.
        return subprocess.Popen(  # noqa: S603 (our own commands, no shell)
            command,
            env=environment,
            pass_fds=[*descriptors, self._reader],
            process_group=0,
            **how,
        )

    def _end(self, children: Sequence[subprocess.Popen[bytes]]) -> None:
        for child in children:
            child.terminate()
        deadline = time.monotonic() + _GRACE_S
        for child in children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error(  # noqa: TRY400 (there is nothing in the traceback)
                    "a process did not end in time and is killed", pid=child.pid
                )
                child.kill()
                child.wait()
