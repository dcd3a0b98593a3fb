"""Each report of a tenant with very many rows: of a day, of a month, of one player's year."""

import statistics

from bench.parts import Options, Part, Say
from bench.queries import large_tenant
from bench.questions import Question
from bench.results import Column, Table
from bench.server import Server

_DAY = {"from": "2025-06-01", "to": "2025-06-02"}
_MONTH = {"from": "2025-06-01", "to": "2025-07-01"}
_YEAR = {"from": "2025-01-01", "to": "2026-01-01"}
_PLAYER = {"player_id": "p-0000123"}
_QUESTIONS = [
    Question("reports/accounts", _PLAYER | _YEAR),
    Question("reports/accounts", _PLAYER | _MONTH),
    Question("reports/revenue", _DAY),
    Question("reports/revenue", _MONTH),
    Question("reports/revenue", {"group_by": "month,currency", **_YEAR}),
    Question("reports/revenue", {"group_by": "provider,currency", **_MONTH}),
    Question("reports/open-rounds", {"game_id": "g-00000", "older_than": "90d"}),
    Question("reports/open-rounds", {"game_id": "g-00123"}),
    Question("reports/open-rounds", _PLAYER),
    Question("reports/rtp", {"provider": "Provider 7", **_MONTH}),
    Question("reports/statement", _PLAYER | _YEAR),
    Question("reports/restated", _DAY),
    Question("reports/significant", {"kind": "win", "threshold": "1000", **_MONTH}),
    Question("reports/significant", {"kind": "block,consent", **_DAY}),
    Question("reports/significant", {"kind": "key,refused,conflict", **_DAY}),
]


def run(server: Server, options: Options, say: Say) -> Part:
    """Fill a tenant, then ask for each report."""
    rows: list[list[str | float | None]] = []
    with large_tenant(server, options, say) as (asking, size):
        for question in _QUESTIONS:
            median_ms = statistics.median(asking.took_s(question)) * 1000
            rows.append([str(question), median_ms, float(len(asking.answer(question)["rows"]))])
            say(f"{question}: {median_ms:.1f} ms")
    table = Table(
        "Reports",
        f"Over HTTP, one after the other; medians. One tenant with {size.events:,} events, as in `queries`.",
        [Column("report"), Column("ms", 1), Column("rows")],
        rows,
    )
    return Part([table], {})
