"""(l) Proofs of a large log: over HTTP and without it; and how long it takes to seal and state such a log."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlencode

import click

from app.evidence.attesting import attest
from app.evidence.head_proofs import prove
from app.evidence.proving import prove_consistency, prove_inclusion
from app.log.leaves import Log
from bench.filling import Size, fill_events
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.sealing import log_of, seal_log
from bench.server import Database, Server
from bench.service import serving
from bench.visible import share
from domain.streams import player_stream
from postgres.connections import Pool, connect, open_pool

_ASKED = 500
_GAMES = 10_000
_SEED = 7

_Asked = dict[str, object]


def run(server: Server, options: Options, say: Say) -> Part:
    """Fill a log, seal it, state its heads, and ask for proofs."""
    size = Size(
        events=options.size,
        round_events=10,
        payment_every=20,
        players=max(1_000, options.size // 100),
        games=_GAMES,
        cells=0,
        conflicts=0,
    )
    with server.new_database() as database:
        tenant = new_tenant(database)
        log = log_of(database, tenant.tenant_id)
        say(f"filling a log with {size.events:,} events")
        events = fill_events(database.owner_url, tenant.tenant_id, size)
        say("sealing it")
        sealed_s = seal_log(database, log)
        with connect(database.service_url) as connection:
            # As autovacuum does sooner or later.
            connection.execute("analyze leaf_runs, tiles")
        stated_s = _state(database, log)
        say(f"sealed in {sealed_s:.0f} s, stated in {stated_s:.1f} s")
        asked = list(_asked(events, size.players))
        taken = _over_http(database, tenant, options, asked) | _inside(database, log, asked)
    rows: list[list[str | float | None]] = [
        [name, share(each, 0.5), share(each, 0.99), max(each) * 1000]
        for name, each in taken.items()
    ]
    return Part(
        [_proofs_table(events, rows), _making_table(events, size, sealed_s, stated_s)],
        {f"{name}, s": each for name, each in taken.items()},
    )


def _state(database: Database, log: Log) -> float:
    began_s = time.perf_counter()
    with connect(database.service_url) as connection:
        if attest(connection, log, database.settings()) is None:
            raise click.ClickException("no heads were stated")
    return time.perf_counter() - began_s


def _asked(events: int, players: int) -> Iterator[tuple[str, _Asked]]:
    """Give what is asked for, anywhere in the log."""
    chance = random.Random(_SEED)
    for _ in range(_ASKED):
        yield "inclusion", {"position": chance.randint(1, events)}
        older, newer = sorted(chance.randint(1, events) for _ in range(2))
        yield "consistency", {"from": older, "to": newer}
        yield "heads", {"player_id": f"p-{chance.randrange(players):07}"}


def _over_http(
    database: Database, tenant: NewTenant, options: Options, asked: Sequence[tuple[str, _Asked]]
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {}
    with serving(database, workers=options.workers) as service:
        connection = HTTPConnection(service.host, service.port)
        for path, parameters in asked:
            began_s = time.perf_counter()
            url = f"/api/v1/evidence/{path}?{urlencode(parameters)}"
            connection.request("GET", url, headers={"x-api-key": tenant.key})
            answer = connection.getresponse()
            body = answer.read()
            taken.setdefault(f"{path}, over HTTP", []).append(time.perf_counter() - began_s)
            if answer.status != 200:
                raise click.ClickException(f"{url}: {answer.status} {body.decode()}")
        connection.close()
    return taken


def _inside(
    database: Database, log: Log, asked: Sequence[tuple[str, _Asked]]
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {}
    with _proving(database, log) as proving:
        for path, parameters in asked:
            began_s = time.perf_counter()
            proving[path](parameters)
            taken.setdefault(f"{path}, inside", []).append(time.perf_counter() - began_s)
    return taken


@contextmanager
def _proving(database: Database, log: Log) -> Iterator[dict[str, Callable[[_Asked], object]]]:
    """Give the functions that the routes call."""

    def heads(pool: Pool, asked: _Asked) -> object:
        with pool.connection() as connection:
            return prove(connection, log, player_stream(str(asked["player_id"])))

    with open_pool(database.service_url, max_size=2) as pool:
        yield {
            "inclusion": lambda asked: prove_inclusion(
                pool, log.tenant_id, _int(asked, "position"), None
            ),
            "consistency": lambda asked: prove_consistency(
                pool, log.tenant_id, _int(asked, "from"), _int(asked, "to")
            ),
            "heads": lambda asked: heads(pool, asked),
        }


def _int(asked: _Asked, name: str) -> int:
    value = asked[name]
    assert isinstance(value, int)
    return value


def _proofs_table(events: int, rows: list[list[str | float | None]]) -> Table:
    return Table(
        "Proofs",
        f"Of a log of {events:,} events, {_ASKED} of each kind, anywhere in it, one after the other."
        " `inclusion`: an event in the newest tree, with its leaf and the checkpoint; `consistency`: of any"
        " two sizes; `heads`: where a player's stream ends. Over HTTP each access is recorded too; `inside`:"
        " the functions that the routes call.",
        [Column("proof"), Column("median ms", 2), Column("p99 ms", 2), Column("most ms", 2)],
        rows,
    )


def _making_table(events: int, size: Size, sealed_s: float, stated_s: float) -> Table:
    return Table(
        "Sealing and stating a large log",
        f"A log of {events:,} events that has no hashes yet, as before an upgrade: the sealer makes them from"
        f" the rows, alone. Then one statement of its heads, of {size.players + size.games:,} streams.",
        [Column("what"), Column("s", 1), Column("events/s")],
        [
            ["seal all from the rows", sealed_s, events / sealed_s],
            ["state the heads", stated_s, events / stated_s],
        ],
    )
