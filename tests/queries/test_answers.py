"""What every query has in common: keys, media types, isolation, the position."""

import asyncio
import threading
import time
from typing import Any

import psycopg
import pytest

from api.querying.positions import _POLL_INTERVAL_S, Positions
from app.tenants import create_key
from postgres.connections import connect
from tests.http.service import eventually
from tests.queries.asgi import Answer, Api
from tests.queries.casino import Casino, OpenCasino, bet, deposit, item, rollback
from tests.queries.test_parameters import IN_CSV, ROUTES

QUERIES = sorted(set(ROUTES) - {"history"})
AUDITED = {"history", "accesses"}
LOG_BASED = {"conflicts", "status", *AUDITED}


def problem(answer: Answer, status: int, name: str) -> Any:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["type"] == f"urn:roundbook:problem:{name}"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    return answer.json


def one_of_each() -> list[dict[str, Any]]:
    first = deposit(unique_id="d")
    return [first, deposit(unique_id="d", amount=2), bet(), item("game", game_id="g")]


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_no_key_no_answer(route: str, casino: Casino) -> None:
    problem(casino.api.get("/api/v1/" + route), 403, "forbidden")
    problem(casino.api.get("/api/v1/" + route, "rb_unknown", query="x=1"), 403, "forbidden")


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_each_route_asks_for_its_scope(route: str, casino: Casino, database_url: str) -> None:
    needed = "audit" if route in AUDITED else "read"
    others: list[Any] = [s for s in ("ingest", "read", "audit") if s != needed]
    with connect(database_url) as connection:
        created: Any = create_key(connection, casino.tenant, others)
    key = getattr(created, "key", created)
    problem(casino.api.get("/api/v1/" + route, key), 403, "forbidden")


@pytest.mark.parametrize("route", QUERIES)
def test_what_accepts_no_json_is_not_acceptable(route: str, casino: Casino) -> None:
    for accept in (
        "text/html",
        "application/json;q=0",
        "*/*;q=0",
        "*/*;q=1.5",
        "*/*;q=abc",
        "*/*;q=-1",
        "*/*;q=nan",
        "application/json;q=0, application/*",
        "x",
    ):
        answer = casino.get(route, query="unknown=1", headers={"accept": accept})
        problem(answer, 406, "not-acceptable")
        offered = ["application/json", *(["text/csv"] if route in IN_CSV else [])]
        assert answer.json["offered"] == offered
        assert "application/json" in answer.json["detail"]
    for accept in ("", "*/*", "application/*", "text/html, application/json;q=0.1", "*/*;q=0.001"):
        casino.fill(one_of_each())
        answer = casino.get(route, headers={"accept": accept})
        assert answer.status == 200, accept
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_an_empty_log_is_at_position_0(route: str, casino: Casino) -> None:
    answer = casino.get(route)
    assert answer.position == 0
    if "/" in route:
        problem(answer, 404, "not-found")
    else:
        assert answer.status == 200


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_the_position_is_that_of_what_is_shown(route: str, casino: Casino) -> None:
    casino.fill(one_of_each())
    casino.send([deposit(), bet()])
    answer = casino.get(route)
    assert answer.status == 200
    assert answer.position == (5 if route in LOG_BASED else 3)
    casino.project()
    assert casino.get(route).position == 5


def test_rows_and_position_are_of_one_moment(casino: Casino) -> None:
    casino.send([bet(round_id="r") for _ in range(150)])
    projecting = threading.Thread(target=lambda: casino.project(chunk_events=1))
    projecting.start()
    seen = set()
    while projecting.is_alive():
        for route in ("balances", "rounds"):
            answer = casino.get(route, query="round_id=r" if route == "rounds" else "")
            seen.add(answer.position)
            (row,) = answer.json["items"] or [{"counts": {"bets": 0}, "bet_count": 0, "bets": []}]
            if route == "balances":
                assert row["counts"]["bets"] == answer.position
            else:
                assert row["bet_count"] == len(row["bets"]) == answer.position
    projecting.join()
    assert len(seen) > 3


@pytest.mark.parametrize("route", sorted(ROUTES))
def test_at_least_waits_for_its_position(route: str, casino: Casino, patient: Api) -> None:
    casino = casino._replace(api=patient)
    behind = casino.send(one_of_each()) + (1 if route in LOG_BASED else 0)
    later = threading.Timer(0.1, lambda: (casino.send([deposit()]), casino.project()))
    later.start()
    answer = casino.get(route, at_least=behind)
    later.join()
    assert answer.status == 200
    assert answer.position >= behind
    assert casino.get(route, at_least=behind).status == 200


@pytest.mark.parametrize("route", ["rounds", "players/p", "history"])
@pytest.mark.parametrize("position", [4, 2**63 - 1])
def test_at_least_waits_no_longer_than_allowed(route: str, position: int, casino: Casino) -> None:
    casino.send(one_of_each())
    began = time.monotonic()
    answer = casino.get(route, at_least=position)
    waited_s = time.monotonic() - began
    problem(answer, 503, "read-models-behind")
    assert int(answer.headers["retry-after"]) > 0
    assert 0.9 < waited_s < 30


def test_a_store_that_is_away_while_positions_are_read_is_waited_for(
    casino: Casino, patient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    casino = casino._replace(api=patient)
    casino.send([deposit()])
    read = Positions._read
    fails = iter([True] * 5)

    def failing(self: Positions, awaited: Any) -> Any:
        if next(fails, False):
            raise psycopg.OperationalError("the server is away")
        casino.project()
        return read(self, awaited)

    monkeypatch.setattr(Positions, "_read", failing)
    assert casino.get("balances", at_least=1).status == 200
    assert next(fails, None) is None


def test_many_that_wait_hold_up_nobody_and_poll_together(
    new_casino: OpenCasino, patient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = Positions._read

    def counted(self: Positions, awaited: Any) -> Any:
        nonlocal reads
        reads += 1
        return read(self, awaited)

    monkeypatch.setattr(Positions, "_read", counted)
    casinos = [new_casino()._replace(api=patient) for _ in range(3)]
    for each in casinos:
        each.send([deposit()])

    async def ask_all() -> list[Answer]:
        return await asyncio.gather(
            *(
                patient.ask(f"/api/v1/{route}", each.key, "at_least=1")
                for each in casinos
                for route in ("balances", "players", "rounds") * 20
            )
        )

    began = time.monotonic()
    waiting = patient.portal.start_task_soon(ask_all)
    eventually(lambda: reads >= 5)
    assert casinos[0].get("balances").status == 200
    assert not waiting.done()
    for each in casinos:
        each.project()
    answers = waiting.result(timeout=60)
    assert {answer.status for answer in answers} == {200}
    assert {answer.position for answer in answers} == {1}
    # A poll of one tenant's position is one of all.
    assert reads <= 1 + (time.monotonic() - began) / _POLL_INTERVAL_S


@pytest.mark.parametrize("route", sorted(set(ROUTES) - {"players/p", "games/g"}))
def test_a_tenant_sees_nothing_of_another(route: str, new_casino: OpenCasino) -> None:
    full, empty = new_casino(), new_casino()
    full.fill([*one_of_each(), rollback()])
    assert full.get(route).body != empty.get(route).body
    found = empty.get(route)
    assert found.position == 0
    if route == "facets":
        assert not any(found.json.values())
    elif route == "accesses":
        assert [row["number"] for row in found.json["items"]] == [2, 1]  # its own two
    elif route != "status":
        assert found.json == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("route", ["players/p", "games/g"])
def test_a_tenant_knows_no_id_of_another(route: str, new_casino: OpenCasino) -> None:
    full, empty = new_casino(), new_casino()
    full.fill(one_of_each())
    assert full.get(route).status == 200
    problem(empty.get(route), 404, "not-found")


def test_status_tells_how_far_behind_the_projections_are(casino: Casino) -> None:
    casino.fill([deposit()])
    casino.send([deposit(), deposit()])
    time.sleep(0.05)
    status = casino.get("status").json
    assert status["log_position"] == 3
    for each in status["projections"]:
        assert (each["position"], each["lag_events"]) == (1, 2)
        assert 0.05 <= each["lag_seconds"] < 30


def test_other_paths_and_methods_are_problems(casino: Casino) -> None:
    problem(casino.get("nothing"), 404, "not-found")
    problem(casino.get("events"), 405, "method-not-allowed")
