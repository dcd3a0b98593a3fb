"""(k) A commit for one player with very many events, and for one who is new."""

import itertools
import statistics
import time
from uuid import uuid4

from app.log.heads import StreamHeads
from app.recording import commit
from bench import workload
from bench.library import open_players
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.server import Database, Server
from postgres.connections import open_pool

_PLAYER_BATCH = 100
_PLAYER_COMMITS = 40
_BUSY_LIBRARY_PLAYER_EVENTS = 1_000


def run(server: Server, options: Options, say: Say) -> Part:
    """Commit for a player with `options.past` events, in turn with new ones; the stock library likewise."""
    batches = max(1, options.past // workload.BATCH)
    with server.new_database() as database:
        say(f"a player with {batches * workload.BATCH:,} events")
        busy_ms, new_ms = _player_commits(database, batches)
        library_busy_ms, library_new_ms = _library_events(database)
    table = Table(
        "A player with many events",
        f"Roundbook: a batch of {_PLAYER_BATCH} for one player, with nothing remembered, in turn with one"
        " for a new player. The library: one event as in its tutorial, without snapshots. Medians.",
        [Column("commit"), Column("ms", 2), Column("time of a new player's", 2)],
        [
            ["Roundbook, a new player", new_ms, 1.0],
            [
                f"Roundbook, a player with {batches * workload.BATCH:,} events",
                busy_ms,
                busy_ms / new_ms,
            ],
            ["eventsourcing, a new player", library_new_ms, 1.0],
            [
                f"eventsourcing, a player with {_BUSY_LIBRARY_PLAYER_EVENTS:,} events",
                library_busy_ms,
                library_busy_ms / library_new_ms,
            ],
        ],
    )
    return Part([table], {})


def _player_commits(database: Database, batches: int) -> tuple[float, float]:
    """Give the milliseconds of a commit for the busy player, and for new ones."""
    tenant_id = new_tenant(database).tenant_id
    serials = itertools.count(1)
    busy, new = [], []
    with open_pool(database.service_url, max_size=1) as pool:

        def commit_ms(player: str, events: int) -> float:
            body = workload.logins(player, itertools.islice(serials, events))
            batch = workload.read(body)
            started = time.perf_counter()
            commit(pool, tenant_id, batch, StreamHeads())
            return (time.perf_counter() - started) * 1000

        for _ in range(batches):
            commit_ms("busy", workload.BATCH)
        for number in range(_PLAYER_COMMITS):
            busy.append(commit_ms("busy", _PLAYER_BATCH))
            new.append(commit_ms(f"new-{number}", _PLAYER_BATCH))
    return statistics.median(busy), statistics.median(new)


def _library_events(database: Database) -> tuple[float, float]:
    """The same for one event with the stock library."""
    busy, new = [], []
    space = uuid4()
    with open_players(database) as players:

        def save_ms(player: str) -> float:
            started = time.perf_counter()
            players.record(space, player, "login", {"player_id": player})
            return (time.perf_counter() - started) * 1000

        players.fill(space, "busy", _BUSY_LIBRARY_PLAYER_EVENTS)
        for number in range(_PLAYER_COMMITS):
            save_ms(f"new-{number}")
            new.append(save_ms(f"new-{number}"))
            busy.append(save_ms("busy"))
    return statistics.median(busy), statistics.median(new)
