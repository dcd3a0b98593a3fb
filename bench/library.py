"""(c) The stock `eventsourcing` library as in its tutorial: load the aggregate, trigger an event, save."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4, uuid5

import msgspec
import psycopg
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from bench.cells import Sample
from bench.server import Database

_SCHEMA = "bench_library"


class Player(Aggregate):
    """A player (or a game) as a stock aggregate; it keeps as little as can be."""

    @staticmethod
    def create_id(space: UUID, stream: str) -> UUID:
        return uuid5(space, stream)

    @event("Joined")
    def __init__(self, space: UUID, stream: str) -> None:
        self.space = space
        self.stream = stream
        self.events = 0

    @event("Recorded")
    def record(self, kind: str, data: dict[str, Any]) -> None:  # noqa: ARG002 (the event has them)
        self.events += 1


class Players(Application[UUID]):
    """The tutorial's kind of application."""

    def record(self, space: UUID, stream: str, kind: str, data: dict[str, Any]) -> None:
        try:
            player: Player = self.repository.get(Player.create_id(space, stream))
        except AggregateNotFoundError:
            player = Player(space, stream)
        player.record(kind, data)
        self.save(player)

    def fill(self, space: UUID, stream: str, events: int) -> None:
        """Give a new player many events at once."""
        player = Player(space, stream)
        for _ in range(events):
            player.record("login", {"player_id": stream})
        self.save(player)

    def fill_items(self, space: UUID, items: Sequence["LibraryItem"]) -> None:
        """Record items for new players, all of a player's at once."""
        found: dict[str, Player] = {}
        for stream, kind, data in items:
            if stream not in found:
                found[stream] = Player(space, stream)
            found[stream].record(kind, data)
        for player in found.values():
            self.save(player)


def library_environment(database: Database) -> dict[str, str]:
    """Name the database as the library wants it named; its tables are in a schema of their own."""
    parts = conninfo_to_dict(database.owner_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts["dbname"]),
        "POSTGRES_HOST": str(parts.get("host", "127.0.0.1")),
        "POSTGRES_PORT": str(parts.get("port", 5432)),
        "POSTGRES_USER": str(parts.get("user", "")),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_SCHEMA": _SCHEMA,
    }


@contextmanager
def open_players(database: Database) -> Iterator[Players]:
    """Open the application with the library's own PostgreSQL recorder."""
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute(f"create schema if not exists {_SCHEMA}")
    players = Players(library_environment(database))
    try:
        yield players
    finally:
        players.close()


class LibraryItem(NamedTuple):
    """An item as the application is given it."""

    stream: str
    kind: str
    data: dict[str, Any]


def library_items(items: Sequence[str]) -> list[LibraryItem]:
    """Decode items beforehand."""
    found = []
    for item in items:
        sent = msgspec.json.decode(item)
        data = sent["data"]
        owner = data.get("player_id") or f"game:{data['game_id']}"
        found.append(LibraryItem(owner, sent["event"], data))
    return found


class Library:
    """One event at a time, each round for players that are new."""

    name = "eventsourcing, stock"

    def __init__(self, players: Players, items: Sequence[LibraryItem], seconds: float) -> None:
        self._players = players
        self._items = items
        self._seconds = seconds

    def run(self) -> Sample:
        space = uuid4()
        answers = []
        started = began_at = time.perf_counter()
        deadline = started + self._seconds
        for stream, kind, data in self._items:
            self._players.record(space, stream, kind, data)
            now = time.perf_counter()
            answers.append(now - began_at)
            began_at = now
            if now > deadline:
                break
        return Sample(len(answers), began_at - started, answers)
