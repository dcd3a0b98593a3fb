"""(j) How long the past of a player with very many events takes to answer, and a replay, over HTTP."""

import statistics
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from app.simulation import batches
from bench import workload
from bench.logs import fill_log
from bench.over_http import new_tenant
from bench.parts import Options, Part, Say
from bench.replay import replay_table
from bench.results import Column, Table
from bench.server import Server
from bench.service import Service, command, serving
from bench.visible import Visible
from domain.instant import format_instant

_BEGINNING = datetime(2024, 1, 1, tzinfo=UTC)
_LATE = 0.05
_OTHERS = 0.2
_DAYS = 365
_ASKED = 15
_SHARES = (0.001, 0.25, 0.5, 0.75, 0.99, 1.0)


def _items(events: int) -> Iterator[str]:
    """Make bets and wins, of which most are the busy player's, and some happened long before."""
    random = Random(1)
    for number in range(events):
        share = number / events * (random.random() if random.random() < _LATE else 1)
        at = format_instant(_BEGINNING + timedelta(days=_DAYS) * share)
        player = f"p-{number % 1009}" if random.random() < _OTHERS else "busy"
        is_win = "true" if number % 2 else "false"
        yield (
            f'{{"event":"gameround","data":{{"unique_id":"u-{number}","timestamp":"{at}",'
            f'"player_id":"{player}","game_id":"g-{number % 50}","round_id":"r-{number // 2}",'
            f'"amount":{number % 997}.25,"currency":"{"EUR" if number % 10 else "SEK"}",'
            f'"is_win":{is_win},"is_bonus":false}}}}'
        )


def run(server: Server, options: Options, say: Say) -> Part:
    """Record events of a busy player, and a quarter more of others, over a year; then ask."""
    whole = round(options.past / (1 - _OTHERS))
    with server.new_database() as database:
        tenant = new_tenant(database)
        say(
            f"recording and projecting {whole:,} events, of which {options.past:,} are one player's"
        )
        fill_log(database, tenant.tenant_id, batches(_items(whole), workload.BATCH))
        with command(database, "project"), Visible(database, tenant.tenant_id) as seen:
            seen.wait_for(whole)
        with serving(database, workers=options.workers) as service:
            taken = {
                asked: _ask(service, tenant.key, asked)
                for asked in [
                    *(f"as_of={_at(share)}" for share in _SHARES),
                    *(f"at_position={max(1, round(whole * share))}" for share in _SHARES),
                ]
            }
            say(f"replaying {whole:,} events")
            replay = replay_table(service, tenant.key, whole)
    table = Table(
        "The past",
        f"Balances over HTTP of a player with {options.past:,} events in a year, {_LATE:.0%} of them late,"
        f" beside {whole - options.past:,} of others; of {_ASKED}, one after the other.",
        [Column("asked"), Column("median ms", 1), Column("slowest ms", 1)],
        [
            [asked, statistics.median(each) * 1000, max(each) * 1000]
            for asked, each in taken.items()
        ],
    )
    return Part([table, replay], {f"{asked}, s": each for asked, each in taken.items()})


def _at(share: float) -> str:
    return format_instant(_BEGINNING + timedelta(days=_DAYS) * share)


def _ask(service: Service, key: str, when: str) -> list[float]:
    url = f"http://{service.host}:{service.port}/api/v1/balances?player_id=busy&" + when
    asked = urllib.request.Request(url, headers={"x-api-key": key})
    took_s = []
    for _ in range(_ASKED):
        began = time.perf_counter()
        with urllib.request.urlopen(asked) as answer:
            answer.read()
        took_s.append(time.perf_counter() - began)
    return took_s
