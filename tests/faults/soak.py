"""The faults of this folder one after the other, at random, for as long as wanted: `make soak`.

Two services share a database, one of them through a proxy. In rounds of their own, clients of a new tenant
send to both while faults strike; then all of it is compared.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM

from api.schema import SCHEMA
from postgres.embedded import EmbeddedServer
from postgres.embedded.server import LONGEST_PAUSE_S
from postgres.migrate import migrate
from tests.embedded.processes import kept_alive
from tests.faults.places import Account, free_port, is_free, kill_postgres, open_account, projectors
from tests.faults.proxy import Point, Proxy
from tests.faults.sending import Load, traffic
from tests.http.service import Service, eventually

_ROUND_S = 20.0
_CLIENTS = 6
_SETTINGS = {
    "ROUNDBOOK_LOCK_TIMEOUT_S": "3",
    "ROUNDBOOK_STALLED_WRITER_S": "1",
    "ROUNDBOOK_CHUNK_EVENTS": "500",
}


class Soak:
    """Two services on one database, and what can happen to them."""

    def __init__(self, folder: Path, rng: Random, stack: ExitStack) -> None:
        self.faults: list[Callable[[], None]] = [
            self.a_worker_is_killed,
            self.a_projector_is_killed,
            self.a_service_is_killed,
            self.a_service_is_asked_to_end,
            self.the_database_is_killed,
            self.all_connections_are_cut,
            self.a_batch_is_cut_off,
            self.a_projection_is_cut_off,
            self.a_worker_stops_inside_copy,
        ]
        self.load: Load
        self._folder = folder
        self._rng = rng
        (folder / "proxy").mkdir()
        self._server = stack.enter_context(EmbeddedServer(folder / "data"))
        migrate(SCHEMA, self._server.owner_url, self._server.service_url)
        self._proxy = stack.enter_context(Proxy(folder / "proxy", self._server.service_url))
        self._urls = [self._proxy.through(self._server.service_url), self._server.service_url]
        self._ports = [free_port(), free_port()]
        self._services = [self._start(0), self._start(1)]
        stack.callback(self._stop)

    def round(self, number: int) -> str:
        """Let clients send while faults strike, and compare; gives what happened."""
        account = open_account(self._server.service_url, f"round-{number}")
        happened: Counter[str] = Counter()
        with Load() as self.load:
            for client in range(_CLIENTS):
                # Some of them send what others send.
                batches = traffic(client // 2 if client % 2 else client)
                url = self._services[client % 2].url
                self.load.add(url, account.key, batches, timeout_s=15)
            ends_at = time.monotonic() + _ROUND_S
            while time.monotonic() < ends_at:
                self.load.goes_on(self._rng.randrange(1, 40))
                fault = self._rng.choice(self.faults)
                happened[fault.__name__] += 1
                fault()
                self._server.keep_alive()
        self._compare(account)
        ledger = self.load.ledger
        return f"{ledger.answered} batches, {dict(ledger.refused)}, {dict(happened)}"

    def _compare(self, account: Account) -> None:
        for service in self._services:
            eventually(lambda: service.answers("/health/ready"))  # noqa: B023 (called at once)
            account.check(service, self.load.ledger)

    def _stop(self) -> None:
        for service in self._services:
            service.stop()

    def _start(self, which: int) -> Service:
        settings = _SETTINGS | {
            "ROUNDBOOK_DATABASE_URL": self._urls[which],
            "ROUNDBOOK_OWNER_URL": self._server.owner_url,
        }
        workers = "2" if which else "1"
        port = self._ports[which]
        eventually(lambda: is_free(port))
        return Service(self._folder, "--workers", workers, "--port", port, settings=settings)

    def _any_service(self) -> int:
        return self._rng.randrange(2)

    def a_worker_is_killed(self) -> None:
        for worker in self._services[self._any_service()].workers()[:1]:
            os.kill(worker, SIGKILL)

    def a_projector_is_killed(self) -> None:
        for projector in projectors(self._services[self._any_service()]):
            os.kill(projector, SIGKILL)

    def a_service_is_killed(self) -> None:
        which = self._any_service()
        self._services[which].signal(SIGKILL)
        self._services[which].ended()
        self._services[which] = self._start(which)

    def a_service_is_asked_to_end(self) -> None:
        which = self._any_service()
        self._services[which].signal(SIGTERM)
        assert self._services[which].ended() == (0, "")
        self._services[which] = self._start(which)

    def the_database_is_killed(self) -> None:
        kill_postgres(self._folder / "data")
        # Killed again and again, it is started again after longer and longer pauses.
        kept_alive(self._server, within_s=2 * LONGEST_PAUSE_S)

    def all_connections_are_cut(self) -> None:
        self._proxy.cut_all()

    def a_batch_is_cut_off(self) -> None:
        self._proxy.set_trap(self._rng.choice(list(Point))).wait()

    def a_projection_is_cut_off(self) -> None:
        # The other service's projector may do the work instead: it is not waited for.
        self._proxy.set_trap(self._rng.choice(list(Point)), table="rounds")

    def a_worker_stops_inside_copy(self) -> None:
        stopped: list[int] = []

        def stop() -> None:
            for worker in self._services[0].workers():
                os.kill(worker, SIGSTOP)
                stopped.append(worker)

        trap = self._proxy.set_trap(Point.IN_COPY, hold=stop)
        trap.wait()
        time.sleep(self._rng.random() * 4)
        trap.let_go()
        for worker in stopped:
            os.kill(worker, SIGCONT)


def main() -> None:
    """Soak, and say how it went; after a failure the logs of the services are left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
    arguments = parser.parse_args()
    seed = Random().randrange(1_000_000) if arguments.seed is None else arguments.seed
    folder = Path(tempfile.mkdtemp(prefix="rb-soak-", dir="/tmp"))
    folder.chmod(0o755)
    ends_at = time.monotonic() + arguments.minutes * 60
    sys.stdout.write(f"seed {seed}, in {folder}\n")
    with ExitStack() as stack:
        soak = Soak(folder, Random(seed), stack)
        number = 0
        while time.monotonic() < ends_at:
            number += 1
            sys.stdout.write(f"round {number}: {soak.round(number)}\n")
            sys.stdout.flush()
    shutil.rmtree(folder)
    sys.stdout.write("all that was acknowledged is there once\n")


if __name__ == "__main__":
    main()
