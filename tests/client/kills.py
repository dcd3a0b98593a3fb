"""Client, service and PostgreSQL are killed at random under load.

What the application was told is spooled is in the log once. `python -m tests.client.kills --minutes 2`.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random

from roundbook_client import Client

from api.schema import SCHEMA
from postgres.embedded import EmbeddedServer
from postgres.embedded.server import LONGEST_PAUSE_S
from postgres.migrate import migrate
from tests.embedded.processes import kept_alive
from tests.faults.checking import stored_events
from tests.faults.places import free_port, is_free, kill_postgres, open_account, temporary_folder
from tests.http.service import Service, eventually

_SETTINGS = {"ROUNDBOOK_LOCK_TIMEOUT_S": "3"}
_DRAINED_S = 120.0


class Kills:
    """An application with a client, a service and a database, and what can happen to them."""

    pause_s = "0"
    """For how long each thread of the application rests after it was told."""

    def __init__(self, folder: Path, rng: Random, stack: ExitStack) -> None:
        self._folder = folder
        self._rng = rng
        self._spool, self._told = folder / "spool", folder / "told"
        self._server = stack.enter_context(EmbeddedServer(folder / "data"))
        migrate(SCHEMA, self._server.owner_url, self._server.service_url)
        self._port = free_port()
        self._service = self._serve()
        stack.callback(self._stop)
        self._account = open_account(self._server.service_url, "acme")
        self._runs = 0
        self._application = self._apply()
        stack.callback(self._end_application)
        self.faults: list[Callable[[], None]] = [
            self.the_application_is_killed,
            self.the_service_is_killed,
            self.a_worker_is_killed,
            self.the_database_is_killed,
        ]

    def run(self, seconds: float) -> str:
        """Kill for so long, let all be drained, and compare; tells what happened."""
        happened: Counter[str] = Counter()
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at or len(happened) < len(self.faults):
            self._goes_on()
            # Each at least once, however short the time is.
            left = [each for each in self.faults if each.__name__ not in happened]
            fault = self._rng.choice(left or self.faults)
            happened[fault.__name__] += 1
            fault()
            self._server.keep_alive()
        self._end(self._application)
        kept_alive(self._server, within_s=2 * LONGEST_PAUSE_S)
        with Client(self._service.url, key=self._account.key, spool=self._spool) as client:
            position = client.flush(_DRAINED_S)
            assert client.counters.damaged == client.counters.refused == 0
        return f"{self._compare(position)}, {dict(happened)}"

    def _compare(self, position: int) -> str:
        told = self._told.read_text().split("\n")[:-1]
        log = stored_events(self._account.database_url, self._account.tenant_id)
        recorded = [json.loads(event.state)["unique_id"] for event in log]
        assert [event.position for event in log] == list(range(1, len(log) + 1))
        assert position == len(log)
        assert len(set(recorded)) == len(recorded), "an event is recorded twice"
        lost = set(told) - set(recorded)
        assert not lost, f"told and lost: {sorted(lost)[:10]} and others, {len(lost)} in all"
        return f"{len(told)} items told, {len(log)} events in the log, 0 lost, 0 doubled"

    def _goes_on(self) -> None:
        """Wait until the application was told of more."""
        size = self._told.stat().st_size if self._told.exists() else 0
        more = self._rng.randrange(1_000, 50_000)
        eventually(
            lambda: self._told.exists() and self._told.stat().st_size > size + more, within_s=180
        )

    def _serve(self) -> Service:
        urls = {
            "ROUNDBOOK_DATABASE_URL": self._server.service_url,
            "ROUNDBOOK_OWNER_URL": self._server.owner_url,
        }
        eventually(lambda: is_free(self._port))
        return Service(self._folder, "--port", self._port, settings=_SETTINGS | urls)

    def _apply(self) -> subprocess.Popen[bytes]:
        self._runs += 1
        module = [sys.executable, "-m", "tests.client.application"]
        environment = {
            "API_KEY": self._account.key,
            "RUN": str(self._runs),
            "PAUSE_S": self.pause_s,
        }
        return subprocess.Popen(
            [*module, f"http://127.0.0.1:{self._port}", str(self._spool), str(self._told)],
            env=os.environ | environment,
        )

    def _end(self, application: subprocess.Popen[bytes]) -> None:
        application.send_signal(signal.SIGKILL)
        assert application.wait() == -signal.SIGKILL, "the application ended by itself"

    def _stop(self) -> None:
        self._service.stop()

    def _end_application(self) -> None:
        # Whichever there is then: another one after each kill.
        self._application.kill()
        self._application.wait()

    def the_application_is_killed(self) -> None:
        self._end(self._application)
        self._application = self._apply()

    def the_service_is_killed(self) -> None:
        self._service.signal(signal.SIGKILL)
        self._service.ended()
        self._service = self._serve()

    def a_worker_is_killed(self) -> None:
        for worker in self._service.workers()[:1]:
            os.kill(worker, signal.SIGKILL)

    def the_database_is_killed(self) -> None:
        kill_postgres(self._folder / "data")
        # Killed again and again, it is started again after longer and longer pauses.
        kept_alive(self._server, within_s=2 * LONGEST_PAUSE_S)


def kill_for(seconds: float, seed: int) -> str:
    """Do all of it in a folder of its own."""
    with temporary_folder() as folder, ExitStack() as stack:
        return Kills(folder, Random(seed), stack).run(seconds)


def main() -> None:
    """Kill for some minutes, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
    arguments = parser.parse_args()
    seed = Random().randrange(1_000_000) if arguments.seed is None else arguments.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.write(kill_for(arguments.minutes * 60, seed) + "\n")


if __name__ == "__main__":
    main()
