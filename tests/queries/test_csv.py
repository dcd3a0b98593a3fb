"""Collections and history as CSV: whole, as JSON has them, of one moment, and safe to open."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from api.asgi import create_app
from api.querying import tables
from app.refused import Register
from app.settings import Settings
from app.tenants import Tenant, revoke_key
from app.wire.faults import Fault
from app.wire.forms import LeftOut
from postgres.connections import Pool
from tests.http.service import eventually
from tests.queries.asgi import Answer, Api, running
from tests.queries.casino import Casino, bet, deposit, item, open_casino, rollback

CSV = {"accept": "text/csv"}
RAW = {"headers": CSV, "raw": True}


def rows_of(answer: Answer) -> list[dict[str, str]]:
    """Read a table as a program would that knows nothing but RFC 4180."""
    assert answer.status == 200, answer.body
    assert answer.whole
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    text = answer.body.decode()
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Take an item of JSON apart into cells."""
    match value:
        case dict() if name in {"data", "recorded.data"}:
            yield name, "…"
        case dict():
            for member, inner in value.items():
                yield from flat(inner, f"{name}.{member}" if name else member)
        case [dict(), *_]:
            inners = [dict(flat(each)) for each in value]
            for member in inners[0]:
                yield f"{name}.{member}", "|".join(each[member] for each in inners)
        case list():
            yield name, "|".join(value)
        case None:
            yield name, ""
        case bool():
            yield name, str(value).lower()
        case _:
            yield name, str(value)


def without_data(row: dict[str, str]) -> dict[str, str]:
    """What was sent is told by JSON that was decoded and by text as it was: that is compared elsewhere."""
    return {name: "…" if name.endswith("data") else cell for name, cell in row.items()}


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("players", {}),
        ("players", {"tag": "diamond"}),
        ("balances", {}),
        ("balances", {"player_id": "StQ-1"}),
        ("balances", {"player_id": "StQ-1", "as_of": "2025-01-15T07:00:00Z"}),
        ("balances", {"player_id": "StQ-1", "at_position": 100}),
        ("rounds", {}),
        ("rounds", {"round_id": "r1"}),
        ("transactions", {}),
        ("games", {}),
        ("activity", {}),
        ("activity", {"group_by": "currency"}),
        ("activity", {"group_by": "day,game", "currency": "EUR"}),
        ("conflicts", {}),
        ("history", {"player_id": "StQ-1"}),
        ("history", {}),
    ],
)
@pytest.mark.parametrize("at_once", [7, 5_000])
def test_a_table_is_what_json_is(
    path: str, asked: dict[str, Any], at_once: int, day: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", at_once)
    answer = day.get(path, **RAW, **asked)
    shown = [dict(flat(each)) for each in day.all(path, 1_000, **asked)]
    found = [without_data(row) for row in rows_of(answer)]
    assert found
    columns = list(found[0])
    assert found == [{name: row.get(name, "") for name in columns} for row in shown]
    assert {name for row in shown for name in row if row[name]} <= set(columns)
    assert answer.position == day.get(path, **asked).position
    name = f"{path}-{answer.position}.csv"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "no-store"


def test_refused_items_are_a_table(casino: Casino, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 2)
    faults = [Fault("/data/amount", "negative", "=1"), Fault("/data/x", "unknown", "a|b")]
    for n in range(5):
        left_out = LeftOut(n, "", "events", f"+{n}", "bet", ["p"], b'{"n": %d}' % n, faults)
        Register(casino.pool).add(casino.tenant.tenant_id, [left_out])
    found = rows_of(casino.get("refused", **RAW))
    assert [row["data"] for row in found] == [f'{{"n": {n}}}' for n in reversed(range(5))]
    shown = [dict(flat(each)) for each in casino.all("refused", 1_000)]
    assert list(map(without_data, found)) == shown
    assert {row["errors.code"] for row in found} == {"negative|unknown"}
    assert rows_of(casino.get("refused", headers=CSV))[0]["unique_id"] == "'+4"


def test_what_was_taken_back_is_a_table_and_stands_in_others(casino: Casino) -> None:
    bets = [bet(unique_id=f"b{n}", amount=n, round_id=f"{n}") for n in range(1, 4)]
    back = [
        rollback(reference=f"b{n}", amount=n, round_id=f"{n}", reason="=1", unique_id=f"r{n}")
        for n in range(1, 3)
    ]
    casino.fill([*bets, *back])
    for path, asked in (
        ("rollbacks", {}),
        *((each, {}) for each in ("balances", "rounds", "activity")),
        ("rounds", {"round_id": "1"}),
    ):
        shown = [dict(flat(each)) for each in casino.all(path, 100, **asked)]
        found = rows_of(casino.get(path, **RAW, **asked))
        assert found == [{name: row.get(name, "") for name in found[0]} for row in shown], path
    assert {row["reason"] for row in rows_of(casino.get("rollbacks", headers=CSV))} == {"'=1"}
    (row,) = rows_of(casino.get("rounds", headers=CSV, round_id="1"))
    assert (row["sums.rolled_back.bet_real"], row["bets.rolled_back_by"]) == ("1", "r1")


def test_facets_are_a_table_too(day: Casino) -> None:
    shown = day.get("facets").json
    assert [tuple(row.values()) for row in rows_of(day.get("facets", headers=CSV))] == [
        (facet, each["value"], str(each["count"])) for facet in shown for each in shown[facet]
    ]


def test_what_was_sent_stands_in_a_cell_as_it_was(casino: Casino) -> None:
    sent = '{"unique_id": "a\\"b", "timestamp":"2025-01-15T12:00:00Z",\n"player_id":"p", "x": 1.50}'
    casino.send_body(b'{"items": [{"event": "login", "data": %b}]}' % sent.encode())
    (row,) = rows_of(casino.get("history", headers=CSV))
    assert row["data"] == sent
    assert row["type"] == "LoggedIn"


HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@a",
    "\ta",
    "\ra",
    '="a,b"',
    "a=1",
    "",
    'a"b',
    "a,b",
    "a\nb",
    "a\r\nb",
]


def test_no_text_is_taken_for_a_formula_unless_it_is_asked_for(casino: Casino) -> None:
    casino.fill([item("player", player_id=f"{n}", username=u) for n, u in enumerate(HOSTILE)])
    by_id = {row["player_id"]: row for row in rows_of(casino.get("players", headers=CSV))}
    for number, name in enumerate(HOSTILE):
        safe = f"'{name}" if name[:1] in set("=+-@\t\r") else name
        assert by_id[str(number)]["username"] == safe
    assert {row["username"] for row in rows_of(casino.get("players", **RAW))} == set(HOSTILE)


def test_amounts_below_zero_are_no_formulas_and_lists_of_texts_are(casino: Casino) -> None:
    casino.fill(
        [bet(amount=12.5, player_id="-p"), item("player", player_id="-p", tags=["=x", "y"])]
    )
    (row,) = rows_of(casino.get("balances", headers=CSV))
    assert (row["player_id"], row["real"], row["counts.bets"]) == ("'-p", "-12.5", "1")
    (row,) = rows_of(casino.get("players", headers=CSV))
    assert row["tags"] == "'=x|y"
    (row,) = rows_of(casino.get("rounds", headers=CSV))
    assert row["sums.net_real"] == "-12.5"


def test_null_and_an_empty_text_are_told_apart(casino: Casino) -> None:
    casino.fill([item("player", player_id="a", username=""), item("player", player_id="b")])
    lines = casino.get("players", headers=CSV).body.decode().splitlines()
    assert lines[1].startswith('a,"",,')
    assert lines[2].startswith("b,,,")


def test_a_table_of_nothing_is_its_header(casino: Casino) -> None:
    for path in ("players", "balances", "rounds", "transactions", "games", "conflicts", "history"):
        answer = casino.get(path, headers=CSV)
        assert rows_of(answer) == []
        assert answer.body.count(b"\r\n") == 1
    header = casino.get("activity", headers=CSV, group_by="currency").body
    assert header.startswith(b"currency,rounds,bets,wins,")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/csv", "text/csv; charset=utf-8"),
        ("text/*", "text/csv; charset=utf-8"),
        ("*/*", "application/json"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv; charset=utf-8"),
        ("application/json;q=0, */*", "text/csv; charset=utf-8"),
        ("text/csv;header=present", "text/csv; charset=utf-8"),
    ],
)
def test_the_client_chooses(accept: str, expected: str, casino: Casino) -> None:
    answer = casino.get("balances", headers={"accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"] == expected
    assert answer.headers["vary"] == "Accept"


def test_what_is_no_table_is_given_as_json_alone(casino: Casino) -> None:
    casino.fill([deposit()])
    for path in ("players/p", "status"):
        answer = casino.get(path, headers=CSV)
        assert answer.status == 406
        assert answer.json["offered"] == ["application/json"]
    answer = casino.get("players", headers={"accept": "text/html"})
    assert answer.json["offered"] == ["application/json", "text/csv"]


def test_a_table_is_whole_and_has_no_pages(casino: Casino) -> None:
    for asked in ({"limit": 1}, {"cursor": "x"}):
        (fault,) = casino.get("players", headers=CSV, **asked).json["errors"]
        assert (fault["parameter"], fault["code"]) == (*asked, "pages_only")
    assert casino.get("players", headers=CSV, query="raw=true").status == 200
    for headers in ({}, {"accept": "application/x-ndjson"}):
        (fault,) = casino.get("history", headers=headers, raw=True).json["errors"]
        assert (fault["parameter"], fault["code"]) == ("raw", "csv_only")


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 2)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize(
    "path", ["players", "balances", "rounds", "transactions", "activity", "games"]
)
def test_all_of_a_table_is_of_one_moment(path: str, casino: Casino) -> None:
    def play(n: int) -> list[Any]:
        who = {"player_id": f"p{n % 7}", "timestamp": f"2025-01-15T12:{n:02}:00Z"}
        return [deposit(**who), bet(**who, game_id=f"g{n % 5}", round_id=f"r{n % 9}", amount=n)]

    casino.fill([each for n in range(10) for each in play(n)])
    before, position = casino.all(path, 1_000), casino.get(path).position
    more = itertools.count(10)
    answer = casino.get(path, **RAW, between=lambda _: casino.fill(play(next(more))) and None)
    assert next(more) > 12  # it came in pieces, and there was more after each
    assert answer.position == position
    assert rows_of(answer) == [dict(flat(each)) for each in before]
    assert casino.all(path, 1_000) != before


@pytest.mark.usefixtures("in_small_pieces")
def test_the_register_of_conflicts_ends_where_it_began(casino: Casino) -> None:
    def refuse(n: int) -> None:
        casino.send([deposit(unique_id=f"c{n}"), deposit(unique_id=f"c{n}", amount=2)])

    for n in range(5):
        refuse(n)
    more = itertools.count(5)
    answer = casino.get("conflicts", headers=CSV, between=lambda _: refuse(next(more)))
    assert len(rows_of(answer)) == answer.position == 5


@pytest.fixture(scope="module")
def limited(database_url: str) -> Iterator[Api]:
    """An application that reads two long answers at once, and trusts no key for long."""
    settings = Settings(max_long_answers=2, key_cache_s=0, query_timeout_s=2)
    with running(create_app(settings, database_url)) as served:
        yield served


@pytest.fixture
def long(
    limited: Api,
    pool: Pool,
    database_url: str,
    new_tenant: Callable[..., Tenant],
    monkeypatch: pytest.MonkeyPatch,
) -> Casino:
    """A tenant of it, whose transactions are five pieces."""
    monkeypatch.setattr(tables, "_ROWS_AT_ONCE", 2)
    opened = open_casino(limited, pool, database_url, new_tenant())
    opened.fill([deposit() for _ in range(10)])
    return opened


def kept(pool: Pool) -> int:
    """How many sessions keep a moment."""
    with pool.connection() as connection:
        found = connection.execute(
            "select count(*) from pg_stat_activity"
            " where application_name = 'roundbook long answer' and xact_start is not null"
            " and datname = current_database()"
        ).fetchone()
    assert found is not None
    return int(found[0])


def test_a_tenant_reads_as_many_long_answers_as_leave_room_for_others(
    long: Casino, limited: Api, pool: Pool, database_url: str, new_tenant: Callable[..., Tenant]
) -> None:
    other = open_casino(limited, pool, database_url, new_tenant())
    other.fill([deposit() for _ in range(10)])
    # One of before that was left early is let go a moment later.
    eventually(lambda: kept(pool) == 0)
    seen = []

    def meanwhile(piece: int) -> None:
        if piece == 1:
            seen.append(kept(pool))
            refused = long.get("transactions", headers=CSV)
            assert refused.status == 429
            assert refused.json["type"] == "urn:roundbook:problem:too-many-streams"
            assert int(refused.headers["retry-after"]) > 0
            assert long.get("transactions").status == 200
            assert len(rows_of(long.get("players", headers=CSV))) == 1  # which is short
            assert len(rows_of(other.get("transactions", headers=CSV))) == 10

    assert len(rows_of(long.get("transactions", headers=CSV, between=meanwhile))) == 10
    assert seen == [1]
    eventually(lambda: kept(pool) == 0)
    assert len(rows_of(long.get("transactions", headers=CSV))) == 10


def test_a_moment_is_not_kept_for_who_has_all_or_is_gone(long: Casino, pool: Pool) -> None:
    at_the_last_piece = []

    def look(piece: int) -> None:
        if piece == 5:
            eventually(lambda: kept(pool) == 0)
            at_the_last_piece.append(piece)

    long.get("transactions", headers=CSV, between=look)
    assert at_the_last_piece
    for _ in range(3):
        long.get("transactions", headers=CSV, leave_after=1)
        eventually(lambda: kept(pool) == 0)
    assert long.get("transactions", headers=CSV).status == 200


def broken_off(answer: Answer) -> bool:
    return answer.status == 200 and not answer.whole and answer.error is not None


def test_a_table_that_can_not_go_on_is_broken_off(
    long: Casino, pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_the_session(_: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where application_name = 'roundbook long answer' and datname = current_database()"
            )

    assert broken_off(long.get("transactions", headers=CSV, between=end_the_session))
    assert long.get("transactions", headers=CSV).whole

    def revoke(_: int) -> None:
        with pool.connection() as connection:
            key_id = connection.execute(
                "select max(key_id) from api_keys where tenant_id = %s", [long.tenant.tenant_id]
            ).fetchone()
            assert key_id is not None
            revoke_key(connection, key_id[0])

    assert broken_off(long.get("transactions", headers=CSV, between=revoke))
    eventually(lambda: kept(pool) == 0)
