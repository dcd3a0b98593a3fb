"""Positions and cursors belong to one log: where another goes on, they are refused by name."""

from collections.abc import Iterator
from typing import Any

import pytest

from api.asgi import create_app
from app.settings import Settings
from tests.queries.asgi import Answer, Api, running
from tests.queries.casino import Casino, OpenCasino, bet, deposit, item
from tests.queries.ndjson import NDJSON

COLLECTIONS = (
    *("players", "balances", "rounds", "transactions", "games", "activity", "conflicts"),
    "history",
)
SINGLE = (
    "players/p0",
    "games/g0",
    "facets",
    "status",
    "balances?player_id=p0&at_position=3",
    "balances/history?player_id=p0&currency=EUR",
)
EVENT_STREAM = {"accept": "text/event-stream"}


def played(casino: Casino) -> Casino:
    """Fill a log with two of each, so that there is a next page of each."""
    items = []
    for number in range(2):
        items += [
            item("player", player_id=f"p{number}"),
            item("game", game_id=f"g{number}"),
            bet(player_id=f"p{number}", game_id=f"g{number}", round_id=f"r{number}"),
            deposit(unique_id=f"d{number}", player_id=f"p{number}"),
        ]
    casino.fill(items)
    casino.send([deposit(unique_id=f"d{number}", amount=7) for number in range(2)])
    return casino


@pytest.fixture(scope="module")
def current(new_casino: OpenCasino) -> Casino:
    """A tenant whose log was never restored."""
    return played(new_casino())


class Restored(dict[str, str]):
    """A tenant whose log was restored, and the cursors that its first log gave."""

    def __init__(self, casino: Casino) -> None:
        super().__init__(
            (route, casino.get(route, limit=1).json["next_cursor"]) for route in COLLECTIONS
        )
        self.casino = casino
        self.first = casino.log_id.hex()
        self.second = casino.restart().hex()


@pytest.fixture(scope="module")
def patient(database_url: str) -> Iterator[Api]:
    """An application that looks keys up each time, and so knows at once that another log goes on."""
    with running(create_app(Settings(key_cache_s=0), database_url)) as served:
        yield served


@pytest.fixture(scope="module")
def restored(new_casino: OpenCasino, patient: Api) -> Restored:
    return Restored(played(new_casino())._replace(api=patient))


def refused(answer: Answer, log_id: str) -> None:
    assert answer.status == 409, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["type"] == "urn:roundbook:problem:other-log"
    assert problem["log_id"] == log_id
    assert log_id in problem["detail"]


def ask(casino: Casino, route: str, **asked: Any) -> Answer:
    path, _, own = route.partition("?")
    return casino.get(path, **dict(pair.split("=") for pair in own.split("&") if pair), **asked)


@pytest.mark.parametrize("route", [*COLLECTIONS, *SINGLE])
def test_an_answer_says_of_which_log_its_position_is(route: str, current: Casino) -> None:
    answer = ask(current, route)
    assert answer.status == 200
    assert answer.headers["log-id"] == current.log_id.hex()
    assert ask(current, route, log_id=answer.headers["log-id"]).status == 200


@pytest.mark.parametrize("form", [NDJSON, EVENT_STREAM])
def test_a_stream_says_so_too(form: dict[str, str], current: Casino) -> None:
    answer = current.get("history", headers=form, to_position=2)
    assert answer.headers["log-id"] == current.log_id.hex()
    assert (
        current.get("history", headers=form, to_position=2, log_id=answer.headers["log-id"]).body
        == answer.body
    )


def test_so_does_what_is_not_found_and_what_is_beyond_the_head(current: Casino) -> None:
    for answer in (
        current.get("players/nobody"),
        current.get("history", headers=EVENT_STREAM | {"last-event-id": "1000"}),
        current.get("history", headers=EVENT_STREAM | {"last-event-id": "3"}, to_position=3),
    ):
        assert answer.status in {204, 404, 409}
        assert "log-position" in answer.headers
        assert answer.headers["log-id"] == current.log_id.hex()


def test_answers_without_a_position_name_no_log(current: Casino) -> None:
    for answer in (current.get("rounds", limit=0), current.api.get("/health/live")):
        assert not {"log-id", "log-position"} & answer.headers.keys()


def test_the_status_shows_the_log(current: Casino, restored: Restored) -> None:
    assert current.get("status").json["log_id"] == current.log_id.hex()
    assert restored.casino.get("status").json["log_id"] == restored.second


@pytest.mark.parametrize("route", COLLECTIONS)
def test_a_cursor_of_another_log_is_refused_by_name(route: str, restored: Restored) -> None:
    refused(restored.casino.get(route, limit=1, cursor=restored[route]), restored.second)
    anew = restored.casino.get(route, limit=1).json["next_cursor"]
    assert restored.casino.get(route, cursor=anew).status == 200


@pytest.mark.parametrize("route", [*COLLECTIONS, *SINGLE])
@pytest.mark.parametrize("at_least", [None, 1, 10**6])
def test_positions_of_another_log_are_refused_by_name(
    route: str, at_least: int | None, restored: Restored
) -> None:
    """At once: whoever waited for a position that another log gave would wait in vain."""
    answer = ask(restored.casino, route, log_id=restored.first, at_least=at_least)
    refused(answer, restored.second)


def test_what_a_stream_goes_on_after_is_refused_by_name(restored: Restored) -> None:
    def listen(last: str, **asked: Any) -> Answer:
        headers = EVENT_STREAM | {"last-event-id": last}
        return restored.casino.get("history", headers=headers, to_position=3, **asked)

    first, second = restored.first, restored.second
    refused(listen(f"{first}:1"), second)
    refused(listen(f"{second}:1", log_id=first), second)
    refused(listen(f"{first}:1", log_id=second), second)
    # As an EventSource does that has the id in its URL: it sends the `id` that it got, a plain number.
    refused(listen("1", log_id=first), second)
    whole = listen("1")
    ids = [line for line in whole.body.splitlines() if line.startswith(b"id")]
    assert ids == [b"id: 2", b"id: 3", b"id: 3"]  # two events, and where the stream ends
    for answer in (listen(f"{second}:1"), listen("1", log_id=second)):
        assert answer.status == 200
        assert answer.body == whole.body
    assert listen(f"{second}:3").status == 204


@pytest.mark.parametrize("last", ["0" * 32, "0" * 32 + ":", ":1", "0" * 31 + ":1", "A" * 32 + ":1"])
def test_a_last_event_id_that_names_no_log_is_a_fault(last: str, current: Casino) -> None:
    answer = current.get("history", headers=EVENT_STREAM | {"last-event-id": last})
    assert answer.status == 422
    assert answer.json["errors"][0]["parameter"] == "Last-Event-ID"


def test_faults_of_parameters_come_first(restored: Restored) -> None:
    assert restored.casino.get("rounds", log_id=restored.first, limit=0).status == 422
    assert restored.casino.get("rounds", cursor=restored["games"]).status == 422


def test_what_the_new_log_gave_is_not_refused_where_the_old_one_is_remembered(
    api: Api, patient: Api, new_casino: OpenCasino
) -> None:
    """`api` trusts what it knows of a key for seconds, and another process knows better."""
    casino = played(new_casino())
    assert casino.get("rounds").headers["log-id"] == casino.log_id.hex()
    second = casino.restart()
    elsewhere = casino._replace(api=patient).get("rounds", limit=1)
    assert elsewhere.headers["log-id"] == second.hex()
    following = casino.get("rounds", cursor=elsewhere.json["next_cursor"], log_id=second.hex())
    assert following.status == 200
    assert following.headers["log-id"] == second.hex()


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.log.history._LINES_AT_ONCE", 2)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize("form", [NDJSON, EVENT_STREAM])
def test_a_stream_does_not_go_on_in_another_log(
    form: dict[str, str], patient: Api, new_casino: OpenCasino
) -> None:
    casino = new_casino()._replace(api=patient)
    casino.send([deposit() for _ in range(10)])
    restarted: list[bytes] = []

    def restart(_: int) -> None:
        if not restarted:
            restarted.append(casino.restart())

    answer = casino.get("history", headers=form, between=restart)
    assert answer.status == 200
    assert not answer.whole
    assert answer.error is not None
    assert answer.body.count(b'"position"') == 2


def test_a_listener_that_waits_is_let_go(patient: Api, new_casino: OpenCasino) -> None:
    casino = new_casino()._replace(api=patient)
    casino.send([deposit()])
    pieces: list[int] = []

    def restart(piece: int) -> None:
        pieces.append(piece)
        if len(pieces) == 2:  # a comment and the event: from now on it waits
            casino.restart()

    answer = casino.get("history", headers=EVENT_STREAM, between=restart)
    assert not answer.whole
    assert answer.body.count(b"id: ") == 1
