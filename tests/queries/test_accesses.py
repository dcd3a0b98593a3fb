"""The log of accesses: each request with the scope `audit`, recorded before it is answered."""

import asyncio
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.handlers import HTTPRouteHandler

import app.accesses
from api.asgi import create_app
from api.routes import ROUTES
from app.accesses import NewAccess, record_accesses
from app.log.append import locked_log
from app.settings import Settings
from app.tenants import create_key, find_key
from domain.instant import Instant, as_datetime
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.http.service import eventually
from tests.queries.asgi import Answer, Api, running
from tests.queries.casino import Casino, OpenCasino, deposit
from tests.queries.ndjson import NDJSON

EVENT_STREAM = {"accept": "text/event-stream"}
AUDITED = [
    path
    for route in ROUTES
    if isinstance(route, HTTPRouteHandler) and route.opt.get("scope") == "audit"
    for path in sorted(route.paths)
    if "{" not in path
]


def recorded(casino: Casino) -> list[tuple[Any, ...]]:
    """What the table holds, oldest first."""
    with casino.pool.connection() as connection:
        return connection.execute(
            "select number, key_id, method, path, query, last_event_id from accesses"
            " where tenant_id = %s order by number",
            [casino.tenant.tenant_id],
        ).fetchall()


def insert(database: Database, casino: Casino, number: int, at: datetime, key: int) -> None:
    """Put an access into the table, as its owner: those that are recorded are of now."""
    with connect(database.owner_url) as owner:
        owner.execute(
            "insert into accesses"
            " (tenant_id, number, accessed_at, key_id, method, path, query, last_event_id)"
            " values (%s, %s, %s, %s, 'GET', '/api/v1/history', '', '')",
            [casino.tenant.tenant_id, number, at, key],
        )


def key_id(casino: Casino) -> int:
    with casino.pool.connection() as connection:
        found = find_key(connection, casino.key)
    assert found is not None
    return found.key.key_id


def test_an_access_is_recorded_as_it_was_asked_for(casino: Casino) -> None:
    casino.send([deposit(), deposit()])
    own = key_id(casino)
    history, listed = "/api/v1/history", "/api/v1/accesses"
    casino.get("history", query="player_id=a%2Fb&from_position=1")
    casino.get("history", headers=NDJSON)
    casino.get("history", headers=EVENT_STREAM | {"last-event-id": "1"}, query="to_position=2")
    answer = casino.get("accesses", query="limit=10")
    assert recorded(casino) == [
        (1, own, "GET", history, "player_id=a%2Fb&from_position=1", ""),
        (2, own, "GET", history, "", ""),
        (3, own, "GET", history, "to_position=2", "1"),
        (4, own, "GET", listed, "limit=10", ""),
    ]
    shown = [tuple(item.values()) for item in answer.json["items"]]
    assert [(each[0], *each[2:]) for each in reversed(shown)] == recorded(casino)
    assert answer.json["next_cursor"] is None
    assert answer.position == 2


@pytest.mark.parametrize("path", AUDITED)
def test_every_route_with_the_scope_is_recorded_without_being_named(
    path: str, casino: Casino
) -> None:
    casino.api.get(path, casino.key, query="to_position=0")
    assert [row[3] for row in recorded(casino)] == [path]


def test_there_are_such_routes() -> None:
    assert {"/api/v1/history", "/api/v1/accesses"} <= set(AUDITED)


def test_who_is_let_in_is_recorded_whatever_the_answer_and_who_is_not_is_not(
    casino: Casino,
) -> None:
    with casino.pool.connection() as connection:
        reader = create_key(connection, casino.tenant, ["read", "ingest"]).key
    asked = casino.api.get
    for refused in (asked("/api/v1/history"), asked("/api/v1/history", "rb_unknown")):
        assert refused.status == 403
    assert asked("/api/v1/accesses", reader).status == 403
    assert asked("/api/v1/status", casino.key).status == 200
    assert recorded(casino) == []
    let_in = [
        casino.get("history", headers={"accept": "text/html"}),
        casino.get("history", query="limit=0"),
        casino.get("history", log_id="0" * 32),
        casino.get("history", headers=EVENT_STREAM | {"last-event-id": "99"}),
        casino.get("history", headers=EVENT_STREAM | {"last-event-id": "x" * 1000}),
    ]
    assert [answer.status for answer in let_in] == [406, 422, 409, 409, 422]
    assert [row[5] for row in recorded(casino)] == ["", "", "", "99", "x" * 100]


def test_what_no_client_could_send_by_http_is_kept_as_text(casino: Casino) -> None:
    casino.api.get("/api/v1/history", casino.key, query=b"player_id=\x00\xc3\xa9")
    assert recorded(casino)[0][4] == "player_id=\\x00\\xc3\\xa9"


def test_tenants_do_not_see_each_other(casino: Casino, new_casino: OpenCasino) -> None:
    other = new_casino()
    casino.get("history")
    other.get("history")
    assert len(other.items("accesses")) == 2
    assert {row["key_id"] for row in other.items("accesses")} == {key_id(other)}
    assert other.items("accesses", key_id=key_id(casino)) == []


# Filters and pages


@pytest.fixture(scope="module")
def visited(database: Database, new_casino: OpenCasino) -> tuple[Casino, list[Any]]:
    """A tenant with accesses of three keys at a few moments, newest first, and none of its own key."""
    casino = new_casino()
    numbers = itertools.count(1)
    for second, keys in enumerate([(1, 2), (3,), (2, 2), (1,), (3, 1, 2)]):
        for key in keys:
            insert(
                database,
                casino,
                next(numbers),
                datetime(2025, 1, 15, 12, 0, second, tzinfo=UTC),
                key,
            )
    whole = casino.items("accesses", to="2026-01-01T00:00:00Z")
    assert [row["number"] for row in whole] == list(range(9, 0, -1))
    return casino, whole


MOMENTS = [f"2025-01-15T11:59:{second}Z" for second in (59,)] + [
    f"2025-01-15T12:00:0{second}{part}Z" for second in range(5) for part in ("", ".5")
]


@given(
    asked=st.fixed_dictionaries(
        {"to": st.sampled_from(MOMENTS)},
        optional={"key_id": st.integers(1, 4), "from": st.sampled_from(MOMENTS)},
    ),
    limit=st.integers(1, 10),
)
@settings(max_examples=60)
def test_filters_let_through_what_they_say(
    visited: tuple[Casino, list[Any]], asked: dict[str, Any], limit: int
) -> None:
    casino, whole = visited

    def wanted(row: Any) -> bool:
        at = row["accessed_at"]
        return (
            asked.get("key_id") in {None, row["key_id"]}
            and _moment(at) < _moment(asked["to"])
            and _moment(at) >= _moment(asked.get("from", "0001-01-01T00:00:00Z"))
        )

    assert casino.all("accesses", limit, **asked) == [row for row in whole if wanted(row)]


def _moment(text: str) -> datetime:
    return as_datetime(Instant.parse(text))


def test_a_walk_shows_what_was_there_once_though_it_is_recorded_itself(casino: Casino) -> None:
    for _ in range(7):
        casino.get("history")
    walked = casino.all("accesses", 2)
    assert [row["number"] for row in walked] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert len(recorded(casino)) == 7 + 4


def test_a_page_of_long_questions_is_bounded_in_bytes(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.accesses, "PAGE_BYTES", 50_000)
    for _ in range(6):
        assert casino.get("history", query="event=" + "x" * 40_000).status == 422
    pages = list(casino.walk("accesses", 100))
    assert [row["number"] for page in pages for row in page] == [7, 6, 5, 4, 3, 2, 1]
    assert [len(page) for page in pages] == [3, 2, 2]


# When it is recorded, and how


def test_times_never_decrease_though_the_clock_does(casino: Casino, database: Database) -> None:
    began = datetime.now(UTC)
    insert(database, casino, 1, began - timedelta(hours=2), 1)
    casino.get("history")
    insert(database, casino, 3, began + timedelta(hours=3), 1)
    casino.get("history")
    times = [_moment(row["accessed_at"]) for row in reversed(casino.items("accesses"))]
    hours = [round((each - began) / timedelta(hours=1)) for each in times]
    assert hours == [-2, 0, 3, 3, 3]


@pytest.fixture(scope="module")
def impatient(database_url: str) -> Iterator[Api]:
    """An application that waits 0.2 s for a lock."""
    with running(create_app(Settings(lock_timeout_s=0.2), database_url)) as served:
        yield served


def test_what_can_not_be_recorded_is_not_answered(impatient: Api, casino: Casino) -> None:
    casino = casino._replace(api=impatient)
    casino.send([deposit()])
    with casino.pool.connection() as connection, connection.transaction(force_rollback=True):
        record_accesses(connection, casino.tenant.tenant_id, [NewAccess(1, "GET", "/", "", "")])
        for headers in ({}, NDJSON, EVENT_STREAM):
            answer = casino.get("history", headers=headers)
            assert answer.status == 503
            assert answer.json["type"] == "urn:roundbook:problem:store-unavailable"
            assert b"position" not in answer.body
            assert "retry-after" in answer.headers
        # Who writes does not wait for who reads.
        casino.send([deposit()])
    assert casino.get("history").status == 200
    assert [row[0] for row in recorded(casino)] == [1]


def test_who_reads_does_not_wait_for_who_writes(impatient: Api, casino: Casino) -> None:
    casino = casino._replace(api=impatient)
    eventually(lambda: casino.get("history").status == 200)  # its connections are there
    before = len(recorded(casino))
    with (
        casino.pool.connection() as connection,
        locked_log(connection, casino.tenant.tenant_id),
    ):
        assert casino.get("history").status == 200
    assert len(recorded(casino)) == before + 1


def test_accesses_that_come_at_once_share_commits_and_each_is_recorded(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = app.accesses.record_accesses
    groups: list[int] = []

    def counted(connection: Any, tenant_id: int, accesses: Any) -> None:
        groups.append(len(accesses))
        record(connection, tenant_id, accesses)

    monkeypatch.setattr(app.accesses, "record_accesses", counted)
    many = 60

    async def ask_all() -> list[Answer]:
        return await asyncio.gather(
            *(
                casino.api.ask("/api/v1/history", casino.key, f"to_position={number}")
                for number in range(many)
            )
        )

    answers = casino.api.portal.call(ask_all)
    assert {answer.status for answer in answers} == {200}
    assert sum(groups) == many
    assert len(groups) < many
    rows = recorded(casino)
    assert [row[0] for row in rows] == list(range(1, many + 1))
    assert sorted(row[4] for row in rows) == sorted(f"to_position={n}" for n in range(many))


def test_nothing_is_recorded_that_no_leaf_can_hold(casino: Casino, pool: Pool) -> None:
    answer = casino.get("history", query="event=" + "x" * 65_530)
    assert answer.status == 500
    assert recorded(casino) == []
    assert casino.get("history", query="event=" + "x" * 65_529).status == 422
    assert [len(row[4]) for row in recorded(casino)] == [65_535]
