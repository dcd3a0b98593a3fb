"""(i) Each query of the contract, first and thousandth page, of a tenant with very many rows."""

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import click

from bench.filling import Size, fill
from bench.over_http import NewTenant, new_tenant
from bench.parts import Options, Part, Say
from bench.questions import Question, questions
from bench.results import Column, Table
from bench.server import Server
from bench.service import Service, serving

_ASKED = 11
_PAGE = 100
_WALK = 1_000
_FAR = 999 * _PAGE
_GAMES = 10_000


def run(server: Server, options: Options, say: Say) -> Part:
    """Fill a tenant, then ask."""
    with large_tenant(server, options, say) as (asking, size):
        rows = [_ask(asking, question, say) for question in questions()]
    return Part([_table(size, [row for row, _ in rows])], dict(rounds for _, rounds in rows))


@contextmanager
def large_tenant(server: Server, options: Options, say: Say) -> Iterator[tuple["Asking", Size]]:
    """Fill a tenant, and serve it."""
    size = Size(
        events=options.size,
        round_events=10,
        payment_every=20,
        players=max(1_000, options.size // 100),
        games=_GAMES,
        cells=options.size * 3 // 100,
        conflicts=options.size // 100,
    )
    with server.new_database() as database:
        tenant = new_tenant(database)
        say(f"filling a tenant with {size.events:,} events")
        fill(database.owner_url, tenant.tenant_id, size)
        with serving(database, workers=options.workers) as service:
            yield Asking(service, tenant), size


class Asking:
    """A client with one connection."""

    def __init__(self, service: Service, tenant: NewTenant) -> None:
        self.tenant = tenant
        self.url = f"http://{service.host}:{service.port}"
        self._connection = HTTPConnection(service.host, service.port)
        self._headers = {"x-api-key": tenant.key}

    def answer(self, question: Question, **paging: object) -> Any:
        """Ask, and give what was answered. Raises click.ClickException."""
        asked = urlencode({**question.filters, **paging})
        self._connection.request("GET", f"/api/v1/{question.path}?{asked}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise click.ClickException(f"{question}: {answer.status} {body.decode()}")
        return json.loads(body)

    def took_s(self, question: Question, **paging: object) -> list[float]:
        """Ask again and again, and give how long each answer took."""
        taken = []
        for _ in range(_ASKED):
            began = time.perf_counter()
            self.answer(question, **paging)
            taken.append(time.perf_counter() - began)
        return taken

    def far(self, question: Question) -> tuple[int, str | None]:
        """Go on to the thousandth page, or the last one; gives the rows before it, and its cursor."""
        page = self.answer(question, limit=_PAGE)
        rows, cursor = 0, None
        while page["next_cursor"] is not None and rows < _FAR:
            rows, cursor = rows + len(page["items"]), page["next_cursor"]
            page = self.answer(question, limit=min(_WALK, _FAR - rows) or _PAGE, cursor=cursor)
        return rows, cursor


def _ask(
    asking: Asking, question: Question, say: Say
) -> tuple[list[str | float | None], tuple[str, list[float]]]:
    first_s = asking.took_s(question)
    row: list[str | float | None] = [str(question), statistics.median(first_s) * 1000, None, None]
    if question.is_paged:
        rows, cursor = asking.far(question)
        if cursor is not None:
            far_s = asking.took_s(question, cursor=cursor)
            row[2:] = [statistics.median(far_s) * 1000, float(rows // _PAGE + 1)]
    say(f"{question}: {row[1]:.1f} ms")
    return row, (f"{question}, s", first_s)


def _table(size: Size, rows: list[list[str | float | None]]) -> Table:
    return Table(
        "Queries",
        f"Over HTTP, one after the other, {_PAGE} rows a page; medians of {_ASKED}. One tenant with"
        f" {size.events:,} events, {size.events // size.round_events:,} rounds, {size.players:,} players,"
        f" {size.games:,} games, {size.cells:,} cells of activity and {size.conflicts:,} conflicts, made in"
        " SQL as the projector writes them. The far page is the thousandth, or a late one."
        " Of most filters a value that many rows have, one that few have, and one that none has.",
        [Column("query"), Column("first page ms", 1), Column("far page ms", 1), Column("page")],
        rows,
    )
