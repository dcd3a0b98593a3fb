"""All that is connected to a service is killed at random under load: `make soak`.

An application sends by the Python client, others publish at a broker, of which a consumer takes what it
records; a relay publishes what is recorded at the same broker. Whoever of them dies begins again. Then: what
the application was told is spooled, and what the broker took, is in the log once and nothing else is; and all
that is in the log arrived, in the order of each stream, under ids of which each is of one event.
"""

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any, NamedTuple

from app.relay.subscriptions import Subscription, add_subscription, find_subscription
from app.tenants import find_tenant
from postgres.connections import connect
from tests.brokers import places
from tests.brokers.places import Place, Sent
from tests.brokers.servers import Nats, RabbitMq, Server
from tests.client.kills import Kills
from tests.faults.checking import Stored, stored_events
from tests.faults.places import temporary_folder
from tests.http.service import Running, eventually
from tests.relay import readers
from tests.relay.readers import Read, Reader
from tests.relay.receiver import in_order_of_streams


class Broker(NamedTuple):
    """A broker, where is published at it, and where what is relayed is read."""

    server: type[Server]
    place: type[Place]
    reader: type[Any]
    options: Sequence[str] = ()


BROKERS = {
    "nats": Broker(Nats, places.Stream, readers.NatsStream, ("--ack-wait", "3")),
    "rabbitmq": Broker(RabbitMq, places.Queue, readers.Queue),
}
_TENANT, _SUBSCRIPTION, _OUT = "acme", "out", "relayed"
_PLAYERS = 7
_MESSAGES = 40
_PAUSE_S = 0.05
_PATIENCE_S = 120


class Publisher:
    """Publishes logins, some at once, each again until the broker took it."""

    def __init__(self, place: Place) -> None:
        self.taken: list[str] = []
        self._place = place
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def end(self) -> None:
        """Publish what is begun, and no more."""
        self._stop.set()
        self._thread.join()

    def _publish(self) -> None:
        for first in itertools.count(step=_MESSAGES):
            sent = [f"broker {number}" for number in range(first, first + _MESSAGES)]
            messages = [Sent(json.dumps(_login(each, at)).encode()) for at, each in enumerate(sent)]
            while not self._is_taken(messages):
                time.sleep(_PAUSE_S)
            self.taken += sent
            if self._stop.wait(_PAUSE_S):
                return

    def _is_taken(self, messages: Sequence[Sent]) -> bool:
        try:
            self._place.publish(messages)
        except Exception:  # noqa: BLE001 (each library has its own for a broker that dies)
            return False
        return True


def _login(unique_id: str, number: int) -> dict[str, Any]:
    data = {
        "unique_id": unique_id,
        "timestamp": "2025-01-15T06:31:00Z",
        "player_id": f"b{number % _PLAYERS}",
    }
    return {"event": "login", "data": data}


class Connected(Kills):
    """An application, a service, a database, a broker, a consumer, a relay, and what can happen to them."""

    # So many processes share the processors that an application without rest would only fill its spool.
    pause_s = "0.05"

    def __init__(self, folder: Path, rng: Random, stack: ExitStack, broker: Broker) -> None:
        super().__init__(folder, rng, stack)
        self._broker = broker
        self._server_of_broker = stack.enter_context(
            broker.server(stack.enter_context(temporary_folder()))
        )
        self._place = broker.place(self._server_of_broker)
        self._place.timeout_s = 5
        self._reader: Reader = broker.reader(self._server_of_broker, _OUT)
        with connect(self._account.database_url) as connection:
            tenant = find_tenant(connection, _TENANT)
            add_subscription(
                connection, tenant, _SUBSCRIPTION, self._reader.kind, self._reader.target, first=1
            )
        self._consumer, self._relay = self._consume(), self._begin_relay()
        stack.callback(self._end_commands)
        self._publisher = Publisher(self._place)
        stack.callback(self._publisher.end)
        self.faults += [
            self.the_consumer_is_killed,
            self.the_relay_is_killed,
            self.the_broker_is_killed,
        ]

    def _end_commands(self) -> None:
        # Whichever there are then: others after each kill.
        for running in (self._consumer, self._relay):
            _end(running)

    def _consume(self) -> Running:
        options = ("--batch", "50", "--linger", "0.01", *self._broker.options)
        return self._run(*self._place.command(_TENANT, *options))

    def _begin_relay(self) -> Running:
        return self._run("relay", self._reader.kind)

    def _run(self, *command: str) -> Running:
        settings = {
            "ROUNDBOOK_DATABASE_URL": self._account.database_url,
            "ROUNDBOOK_BROKER_URL": self._server_of_broker.url,
            "ROUNDBOOK_RELAY_LEASE_S": "2",
        }
        return Running(self._folder, *command, settings=settings)

    def the_consumer_is_killed(self) -> None:
        _end(self._consumer)
        self._consumer = self._consume()

    def the_relay_is_killed(self) -> None:
        _end(self._relay)
        self._relay = self._begin_relay()

    def the_broker_is_killed(self) -> None:
        self._server_of_broker.kill()
        time.sleep(self._rng.random())
        self._server_of_broker.start()

    def run(self, seconds: float) -> str:
        try:
            return super().run(seconds)
        except BaseException as error:
            error.add_note(str(self._subscription()))
            for running in (self._consumer, self._relay):
                error.add_note(f"{running.process.args!r} said last:\n{running.log()[-5_000:]}")
            raise

    def _compare(self, position: int) -> str:
        """Let all that is under way arrive, and compare."""
        self._publisher.end()
        taken = self._publisher.taken
        eventually(lambda: self._recorded() >= len(taken), within_s=_PATIENCE_S)
        eventually(self._is_level, within_s=_PATIENCE_S)
        log = stored_events(self._account.database_url, self._account.tenant_id)
        assert position <= len(log)
        told = self._told.read_text().split("\n")[:-1]
        _assert_once(log, told, taken)
        arrived = self._reader.read()
        _assert_arrived(log, arrived)
        return (
            f"{len(told)} items told, {len(taken)} taken by the broker, {len(log)} events in the log,"
            f" {len(arrived)} messages relayed, 0 lost, 0 doubled"
        )

    def _recorded(self) -> int:
        """Count what the log has of the broker's."""
        assert self._consumer.process.poll() is None, "the consumer ended by itself"
        with connect(self._account.database_url) as connection:
            found = connection.execute(
                "select count(*) from events where stream like 'player:b%'"
            ).fetchone()
        assert found is not None
        return int(found[0])

    def _is_level(self) -> bool:
        assert self._relay.process.poll() is None, "the relay ended by itself"
        return self._subscription().lag == 0

    def _subscription(self) -> Subscription:
        with connect(self._account.database_url) as connection:
            return find_subscription(connection, find_tenant(connection, _TENANT), _SUBSCRIPTION)


def _assert_once(log: Sequence[Stored], told: Sequence[str], taken: Sequence[str]) -> None:
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    recorded = [json.loads(event.state)["unique_id"] for event in log]
    assert len(set(recorded)) == len(recorded), "an event is recorded twice"
    for whose, ids in (("told", told), ("taken", taken)):
        lost = set(ids) - set(recorded)
        assert not lost, f"{whose} and lost: {sorted(lost)[:10]}, {len(lost)} in all"
    of_the_broker = {each for each in recorded if each.startswith("broker ")}
    assert of_the_broker == set(taken), "what nobody published was recorded"


def _assert_arrived(log: Sequence[Stored], arrived: Sequence[Read]) -> None:
    """Each event at least once, in the order of its stream, under an id of its own."""
    firsts = list({each.id: each for each in reversed(arrived)}.values())[::-1]
    positions = [each.message["position"] for each in firsts]
    assert sorted(positions) == [event.position for event in log]
    assert in_order_of_streams([each.message for each in firsts])
    of_log = {event.position: json.loads(event.state) for event in log}
    for each in arrived:
        assert each.message["data"] == of_log[each.message["position"]]


def _end(running: Running) -> None:
    if running.process.returncode is None:
        running.signal(SIGKILL)
        running.ended()


def soak(seconds: float, seed: int, broker: str) -> str:
    """Do all of it in a folder of its own; tells what happened."""
    with temporary_folder() as folder, ExitStack() as stack:
        return Connected(folder, Random(seed), stack, BROKERS[broker]).run(seconds)


def main() -> None:
    """Soak, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--broker", choices=BROKERS, default="nats")
    parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
    arguments = parser.parse_args()
    seed = Random().randrange(1_000_000) if arguments.seed is None else arguments.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.write(soak(arguments.minutes * 60, seed, arguments.broker) + "\n")


if __name__ == "__main__":
    main()
