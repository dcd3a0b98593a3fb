"""Each page of the console, for a tenant with very many rows."""

import re
import statistics
import time
from collections.abc import Sequence

import click
import httpx

from bench.parts import Options, Part, Say
from bench.queries import large_tenant
from bench.results import Column, Table
from bench.server import Server

_ASKED = 11
_TOKEN = re.compile(r'name="_csrf_token" value="([^"]+)"')

# Where a page has a list, a part of it that many have and one that few have. The parts that a page asks for
# by itself have lines of their own.
_PAGES: Sequence[str] = (
    "",
    "?day=2025-06-15",
    "/overview/now",
    "/overview/told?day=2025-06-15",
    "/players",
    "/players?q=user1",
    "/players?q=user1234",
    "/players?country=LI",
    "/players/player?id=p-0000123",
    "/players/player?id=p-0000000",
    "/players/player?id=p-0000123&at_position=90000",
    "/players/player?id=p-0000123&as_of=2025-06-01T12:00:00Z",
    "/rounds",
    "/rounds?status=unmatched",
    "/rounds?player_id=p-0000123",
    "/rounds/round?player_id=p-0000002&game_id=g-05838&round_id=r-2",
    "/games",
    "/games?provider=Solo",
    "/games?q=123",
    "/games/game?id=g-00000",
    "/games/game?id=g-00123",
    "/reports",
    "/reports/revenue?from=2025-06-01&to=2025-06-02",
    "/reports/revenue?from=2025-06-01&to=2025-07-01",
    "/reports/rtp?from=2025-06-01&to=2025-07-01&provider=Provider+7",
    "/reports/accounts?from=2025-06-01&to=2025-07-01&player_id=p-0000123",
    "/reports/statement?from=2025-01-01&to=2026-01-01&player_id=p-0000123",
    "/reports/open-rounds?older_than=90d&game_id=g-00123",
    "/reports/significant?from=2025-06-01&to=2025-06-02&kind=block",
    "/reports/restated?from=2025-06-01&to=2025-06-02",
    "/log",
    "/log?player_id=p-0000123",
    "/log?from_position={middle}",
    "/log/event?position={middle}",
    "/conflicts",
    "/conflicts/conflict?unique_id=u-123",
    "/conflicts/refused",
    "/conflicts/refused?event=game",
    "/system",
    "/system/tenant?name={tenant}",
)


def run(server: Server, options: Options, say: Say) -> Part:
    """Fill a tenant, log in, and look at each page."""
    rows: list[list[str | float | None]] = []
    measured: dict[str, list[float]] = {}
    with (
        large_tenant(server, options, say) as (asking, size),
        httpx.Client(base_url=asking.url, timeout=60) as visitor,
    ):
        _log_in(visitor, asking.tenant.key)
        for page in _PAGES:
            path = "/console" + page.format(tenant=asking.tenant.name, middle=size.events // 2)
            taken, length = _look(visitor, path)
            median_ms = statistics.median(taken) * 1000
            rows.append([path, median_ms, length / 1024])
            measured[f"{path}, s"] = taken
            say(f"{path}: {median_ms:.1f} ms")
    table = Table(
        "Pages of the console",
        f"Over HTTP, one after the other; medians of {_ASKED}, without what a browser does with them."
        f" One tenant with {size.events:,} events, as in `queries`.",
        [Column("page"), Column("ms", 1), Column("KiB", 1)],
        rows,
    )
    return Part([table], measured)


def _log_in(visitor: httpx.Client, key: str) -> None:
    token = _TOKEN.search(visitor.get("/console/login").text)
    if token is None:
        raise click.ClickException("the login has no token")
    answer = visitor.post("/console/login", data={"key": key, "_csrf_token": token[1]})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise click.ClickException(f"the login answered {answer.status_code}: {answer.text}")


def _look(visitor: httpx.Client, path: str) -> tuple[list[float], int]:
    """Look at a page again and again; gives how long each took, and how long the page is in bytes."""
    taken, length = [], 0
    for _ in range(_ASKED):
        began = time.perf_counter()
        answer = visitor.get(path)
        taken.append(time.perf_counter() - began)
        if answer.status_code != httpx.codes.OK:
            raise click.ClickException(f"{path}: {answer.status_code}")
        length = len(answer.content)
    return taken, length
