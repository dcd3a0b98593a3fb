"""No query of the contract reads much more than it shows, however large the tables are."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from bench.filling import Size, fill
from bench.questions import Question, asked, questions

from api.asgi import create_app
from api.tenancy import create_tenant
from app.log.history import STRETCH_EVENTS
from app.settings import Settings
from app.tenants import create_key
from postgres.connections import connect
from projections.models.balance_history import MOST_PERIODS
from tests.databases import Database, new_database
from tests.queries.asgi import Answer, Api, running
from tests.queries.plans import Watch, watched_connections

_SIZE = Size(
    events=200_000,
    round_events=2,
    payment_every=2,
    players=100_000,
    games=10_000,
    cells=100_000,
    conflicts=20_000,
)
_ANOTHER = Size(
    events=20_000,
    round_events=2,
    payment_every=2,
    players=10_000,
    games=1_000,
    cells=10_000,
    conflicts=2_000,
)

_LIMIT = 100
_DEEP_PAGES = 5
_MOST_ROWS = 15 * _LIMIT
"""How many rows of a table a page may look at: a value that each tenth row has needs no index."""

_MOST_BY_TAG = 100 * _LIMIT
"""No index holds tags in the order of ids: the page reads all who have it, or by id until it is full."""

_MOST_BY_NAME = 100 * (_LIMIT + 1)
"""With `q` and another filter so many are looked at by name, before that filter leads."""

_MOST_ADDED_UP = {"game": (_LIMIT + 1) * 366, "day": 6 * 366, "currency": 6 * 366}
"""What is added up must be read: a year of each game on the page, or of the totals in six currencies."""

_SMALL = {"tenants", "tenant_currencies", "api_keys", "histories", "logs", "tracking", "sealing"}
_EMPTY = {"checkpoints", "closings", "day_rules", "erased", "leaf_runs", "rate_limits"}
"""Nothing is hashed, sealed, closed, erased or limited here: how large ones are read is seen elsewhere."""
_READ_WHOLE = {
    "games": _SIZE.games,
    # Those of the other tenant too: for as few, the planner goes by no index.
    "conflicts": _SIZE.conflicts + _ANOTHER.conflicts,
}
"""Never many: where no index fits, 10,000 games are read in 3 ms, 100,000 conflicts in 7."""

_FILL_SNAPSHOTS = """
    insert into snapshots (tenant_id, stream, version, topic, state)
    select %(tenant_id)s, 'player:' || n, 1000, 'Player.v1', '{}' from generate_series(1, 20000) as n
"""

_PAGING = {"limit", "cursor", "raw", "at_least", "log_id"}
_NOT_ASKED = {
    # The log is not indexed by time: a page reads a bounded stretch of it instead (contract, section 5).
    ("history", "from"),
    ("history", "to"),
}


class Filled(NamedTuple):
    """A service before large tables, and a key of the tenant that has most of the rows."""

    api: Api
    key: str
    watch: Watch

    def ask(self, question: Question, **paging: object) -> Answer:
        asked: dict[str, Any] = question.filters | paging
        answer = self.api.get(f"/api/v1/{question.path}", self.key, **asked)
        assert answer.status in {200, 404}, answer.body
        return answer


@pytest.fixture
def filled(admin_url: str, template: Database) -> Iterator[Filled]:
    with new_database(admin_url, template=template) as database:
        with connect(database.service_url) as connection:
            others = create_tenant(connection, "others")
            tenant = create_tenant(connection, "large")
            created: Any = create_key(connection, tenant, ["read", "audit"])
        fill(database.owner_url, others.tenant_id, _ANOTHER)
        fill(database.owner_url, tenant.tenant_id, _SIZE)
        with connect(database.owner_url) as owner:
            owner.execute(_FILL_SNAPSHOTS, {"tenant_id": tenant.tenant_id})
            owner.execute("analyze snapshots")
        with (
            watched_connections() as watch,
            running(create_app(Settings(), database.service_url)) as api,
        ):
            yield Filled(api, created.key, watch)


def test_every_query(filled: Filled) -> None:
    # One test, so that no two processes fill tables of their own.
    faults = [
        fault
        for question in questions()
        for cursor in (None, _deep(question, filled))
        for fault in _faults(question, cursor, filled)
    ]
    assert not faults, "\n".join(faults)


def _deep(question: Question, filled: Filled) -> str | None:
    """Give the cursor of a page far behind the first one, or of the last there is."""
    cursor = None
    for _ in range(_DEEP_PAGES if question.is_paged else 0):
        limit = _LIMIT if "group_by" in question.filters else 10 * _LIMIT
        page = filled.ask(question, limit=limit, cursor=cursor).json
        cursor = page["next_cursor"] or cursor
        if page["next_cursor"] is None:
            break
    return cursor


def _faults(question: Question, cursor: str | None, filled: Filled) -> Iterator[str]:
    with filled.watch.watching() as explained:
        filled.ask(question, cursor=cursor)
    assert explained
    for statement, scans in explained:
        for table, node, rows in scans:
            may_be_whole = table in _SMALL | _EMPTY or table in _READ_WHOLE
            most = _READ_WHOLE.get(table, _most_rows(question))
            if rows > most or (node == "Seq Scan" and not may_be_whole):
                name = statement.strip().splitlines()[0]
                yield f"{question}, {cursor}: {rows:.0f} rows of {table} by {node}, {name}"


def _most_rows(question: Question) -> int:
    if question.path == "history":
        return STRETCH_EVENTS
    if question.path == "balances/history":
        return MOST_PERIODS + 1
    if "group_by" in question.filters:
        return _MOST_ADDED_UP[question.filters["group_by"].partition(",")[0]]
    if "q" in question.filters and len(question.filters) > 1:
        return _MOST_BY_NAME
    return _MOST_BY_TAG if "tag" in question.filters else _MOST_ROWS


def test_nothing_is_left_out(api: Api) -> None:
    document = api.get("/schema/openapi.json").json
    routes = {
        path.removeprefix("/api/v1/"): _names(methods["get"].get("parameters", []))
        for path, methods in document["paths"].items()
        # What evidence reads is looked at in tests/evidence, what is told of all tenants in tests/seeing.
        # Reports add up all that they are asked for. Whose key asks is known before.
        if re.match("/api/v1/(?!evidence/|reports/|system/|key$)", path) and "get" in methods
    }
    there_is = {
        (path, name)
        for path, names in routes.items()
        for name in names - _PAGING - {part.strip("{}") for part in path.split("/")}
    }
    assert asked() == there_is - _NOT_ASKED


def _names(parameters: list[Any]) -> set[str]:
    """Name what can be asked for, and with "" nothing of it, unless some of it must be."""
    names = {each["name"] for each in parameters if each["in"] != "header"}
    needed = [each for each in parameters if each["in"] == "query" and each.get("required")]
    return names if needed else {"", *names}
