"""History as a stream of lines: when it is chosen, where it ends, and how it breaks off."""

import itertools
from typing import Any

import psycopg
import pytest

from api.http.sending import SLICE_BYTES
from api.querying.cursors import belonging
from api.querying.parameters import Asked
from api.routes.history import QUERY
from app.log import history
from app.log.history import HistoryFilters
from app.log.history_lines import read_lines, replay
from postgres.connections import Pool
from tests.queries.casino import Casino, bet, deposit, item
from tests.queries.ndjson import NDJSON, entries, lines


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json, application/x-ndjson", "application/json"),
        ("application/x-ndjson, */*;q=0.9", "application/x-ndjson"),
        ("application/json;q=0.8, application/x-ndjson", "application/x-ndjson"),
        ("application/x-ndjson;q=0.5, application/json;q=0.4", "application/x-ndjson"),
        ("application/json;q=0, */*", "application/x-ndjson"),
        ("APPLICATION/X-NDJSON", "application/x-ndjson"),
        ("text/html, application/json;q=0.1", "application/json"),
    ],
)
def test_the_client_chooses_between_pages_and_a_stream(
    accept: str | None, expected: str, casino: Casino
) -> None:
    casino.send([deposit()])
    answer = casino.get("history", headers={"accept": accept} if accept else {})
    assert answer.status == 200
    assert answer.headers["content-type"] == expected
    assert answer.headers["vary"] == "Accept"
    assert answer.position == 1


@pytest.mark.parametrize("accept", ["text/html", "application/x-ndjson;q=0"])
def test_history_is_given_as_nothing_else(accept: str, casino: Casino) -> None:
    answer = casino.get("history", headers={"accept": accept})
    assert answer.status == 406
    assert answer.json["type"] == "urn:roundbook:problem:not-acceptable"
    forms = ["application/json", "application/x-ndjson", "text/event-stream", "text/csv"]
    assert answer.json["offered"] == forms
    assert all(form in answer.json["detail"] for form in forms)


def test_an_empty_stream_is_empty(casino: Casino) -> None:
    assert lines(casino.get("history", headers=NDJSON)) == []
    casino.send([deposit()])
    assert lines(casino.get("history", headers=NDJSON, player_id="q")) == []


def test_limit_and_cursor_belong_to_pages(casino: Casino) -> None:
    casino.send([deposit(), deposit()])
    cursor = casino.get("history", limit=1).json["next_cursor"]
    for asked in ({"limit": 1}, {"cursor": cursor}):
        answer = casino.get("history", headers=NDJSON, **asked)
        assert answer.status == 422
        (fault,) = answer.json["errors"]
        assert (fault["parameter"], fault["code"]) == (*asked, "pages_only")


def test_a_cursor_beyond_the_head_is_told_from_nothing_new(casino: Casino) -> None:
    casino.send([deposit(), deposit()])
    asked: Any = Asked(
        casino.tenant.tenant_id,
        casino.log_id,
        HistoryFilters(),
        at_least=0,
        limit=1,
        after=None,
        belongs_to=belonging(QUERY.name, casino.tenant.tenant_id, HistoryFilters()),
    )
    for position, status in ((2, 200), (3, 409), (10**15, 409)):
        answer = casino.get("history", cursor=QUERY.cursor(asked, position))
        assert answer.status == status
        assert answer.position == 2
    assert answer.json["type"] == "urn:roundbook:problem:beyond-head"
    assert answer.json["log_position"] == 2


@pytest.mark.usefixtures("in_small_pieces")
def test_a_stream_ends_at_the_head_it_began_with(casino: Casino) -> None:
    casino.send([deposit() for _ in range(10)])
    answer = casino.get(
        "history", headers=NDJSON, between=lambda _: casino.send([deposit()]) and None
    )
    assert [entry["position"] for entry in entries(answer)] == list(range(1, 11))
    assert answer.position == 10


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_LINES_AT_ONCE", 2)


@pytest.mark.usefixtures("in_small_pieces")
def test_a_store_that_fails_on_the_way_breaks_the_stream_off(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.send([deposit() for _ in range(10)])
    read = history.read_stretch
    reads = itertools.count(1)

    def failing(*args: Any, **named: Any) -> Any:
        if next(reads) == 3:
            raise psycopg.OperationalError("the server is gone")
        return read(*args, **named)

    monkeypatch.setattr(history, "read_stretch", failing)
    answer = casino.get("history", headers=NDJSON)
    assert answer.status == 200
    assert answer.error is not None
    assert not answer.whole
    assert len(answer.body.splitlines()) == 4


def test_a_store_that_fails_at_the_beginning_is_a_problem(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_args: Any, **_named: Any) -> Any:
        raise psycopg.OperationalError("the server is gone")

    monkeypatch.setattr(history, "read_stretch", failing)
    answer = casino.get("history", headers=NDJSON)
    assert answer.status == 503
    assert answer.json["type"] == "urn:roundbook:problem:store-unavailable"


@pytest.mark.usefixtures("in_small_pieces")
def test_nothing_is_read_for_a_client_that_left(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.send([deposit() for _ in range(100)])
    read = history.read_stretch
    reads = []

    def counted(*args: Any, **named: Any) -> Any:
        reads.append(named["after"])
        return read(*args, **named)

    monkeypatch.setattr(history, "read_stretch", counted)
    answer = casino.get("history", headers=NDJSON, leave_after=3)
    assert not answer.whole
    assert len(reads) <= 5


def test_large_events_come_in_pieces_of_bounded_size(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    filler = "x" * 1_500_000
    for _ in range(8):
        casino.send([item("login", player_id="p", more=filler)])
    pages = list(casino.walk("history", 100))
    assert [entry["position"] for page in pages for entry in page] == list(range(1, 9))
    assert [len(page) for page in pages] == [3, 3, 2]
    sizes: list[int] = []

    def measured(*args: Any, **named: Any) -> tuple[bytes, int | None]:
        lines, after = read_lines(*args, **named)
        sizes.append(len(lines))
        return lines, after

    monkeypatch.setattr("api.querying.history_streams.read_lines", measured)
    sent: list[int] = []
    answer = casino.get("history", headers=NDJSON, between=sent.append)
    assert len(entries(answer)) == 8
    assert len(sizes) == 8  # of half a MiB each, but for the event that goes beyond
    assert max(sizes) < len(filler) + 1_000
    assert len(sent) > len(answer.body) // SLICE_BYTES


def test_replay_gives_the_lines_of_the_stream(casino: Casino, pool: Pool) -> None:
    casino.send([deposit(), bet(), deposit(player_id="q")])
    tenant_id = casino.tenant.tenant_id
    for asked in ({}, {"player_id": "p"}, {"event": "deposit"}, {"from_position": 2}):
        given = b"".join(replay(pool, tenant_id, HistoryFilters(**asked)))
        assert given == casino.get("history", headers=NDJSON, **asked).body


def test_stretches_of_which_nothing_is_left_are_no_silence(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STRETCH_EVENTS", 10)
    casino.send([*(bet() for _ in range(35)), deposit()])
    events = {"accept": "text/event-stream"}
    answer = casino.get("history", headers=events, to_position=35, player_id="nobody")
    late = casino.get("history", headers=events, to_position=36, from_="2999-01-01T00:00:00Z")
    assert answer.body == b":\n\n" + b"id: 35\n\n"
    assert late.body == 4 * b":\n\n" + b"id: 36\n\n"
