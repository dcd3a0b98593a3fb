"""How long the past of a player with very many events takes to answer, over HTTP.

python -m bench.past [--events 1000000] [--days 365]
"""

import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import click

from app.database.connections import Pool, connect, open_pool
from app.log.heads import StreamHeads
from app.log.recorder import TenantLog
from app.log.snapshotting import SnapshotTaker
from app.recording import commit
from app.simulation import batches
from app.tenants import Tenant, create_key, create_tenant
from bench import workload
from bench.server import open_server
from bench.service import Service, serving
from domain.instant import format_instant
from projections.entries import Scope
from projections.projector import Projector

_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
_LATE = 0.05
_OTHERS = 0.2
_ASKED = 15
_SHARES = (0.001, 0.25, 0.5, 0.75, 0.99, 1.0)


def items(events: int, days: float) -> Iterator[str]:
    """Make bets and wins, of which most are the busy player's, and some happened long before."""
    random = Random(1)
    for number in range(events):
        share = number / events * (random.random() if random.random() < _LATE else 1)
        at = format_instant(_BEGINNING + timedelta(days=days) * share)
        player = f"p-{number % 1009}" if random.random() < _OTHERS else "busy"
        is_win = "true" if number % 2 else "false"
        yield (
            f'{{"event":"gameround","data":{{"unique_id":"u-{number}","timestamp":"{at}",'
            f'"player_id":"{player}","game_id":"g-{number % 50}","round_id":"r-{number // 2}",'
            f'"amount":{number % 997}.25,"currency":"{"EUR" if number % 10 else "SEK"}",'
            f'"is_win":{is_win},"is_bonus":false}}}}'
        )


@click.command()
@click.option("--events", default=1_000_000, show_default=True, type=click.IntRange(10_000))
@click.option("--days", default=365.0, show_default=True, type=click.FloatRange(0.1))
def main(events: int, days: float) -> None:
    """Record EVENTS of a busy player, and a quarter more of others, over so many DAYS; then ask."""
    with (
        open_server() as server,
        server.new_database() as database,
        open_pool(database.service_url, max_size=3) as pool,
    ):
        with connect(database.service_url) as connection:
            tenant = create_tenant(connection, "past")
            key = create_key(connection, tenant, ["read"]).key
        whole = round(events / (1 - _OTHERS))
        _timed("recorded", whole, lambda: _record(pool, tenant, items(whole, days)))
        _timed("projected", whole, lambda: _project(pool, tenant))
        with serving(database, workers=1) as service:
            for share in _SHARES:
                at = format_instant(_BEGINNING + timedelta(days=days) * share)
                _ask(service, key, f"as_of={at}")
            for share in _SHARES:
                _ask(service, key, f"at_position={max(1, round(whole * share))}")


def _record(pool: Pool, tenant: Tenant, made: Iterator[str]) -> None:
    heads = StreamHeads()
    while chunk := list(islice(made, workload.BATCH)):
        for body in batches(iter(chunk), workload.BATCH):
            commit(pool, tenant.tenant_id, workload.read(body), heads)


def _project(pool: Pool, tenant: Tenant) -> None:
    projector = Projector(
        pool,
        lambda tenant_id: TenantLog(pool, tenant_id),
        chunk_events=5_000,
        poll_interval_s=1,
        when_projected=SnapshotTaker(pool),
    )
    while projector.project_chunk(Scope(tenant.tenant_id, 1)):
        pass


def _timed(what: str, events: int, work: Callable[[], None]) -> None:
    began = time.perf_counter()
    work()
    took_s = time.perf_counter() - began
    click.echo(f"{what} {events:,} events in {took_s:.0f} s, {events / took_s:,.0f} a second")


def _ask(service: Service, key: str, when: str) -> None:
    url = f"http://{service.host}:{service.port}/api/v1/balances?player_id=busy&" + when
    asked = urllib.request.Request(url, headers={"x-api-key": key})
    took_ms = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        with urllib.request.urlopen(asked) as answer:
            answer.read()
        took_ms.append((time.perf_counter() - began) * 1000)
    median, most = statistics.median(took_ms), max(took_ms)
    click.echo(f"{when:40} median {median:5.1f} ms, slowest {most:5.1f} ms")


if __name__ == "__main__":
    main()
