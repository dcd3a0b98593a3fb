"""Another log goes on after a restore: what is said of it over HTTP, within the seconds that are promised."""

import time

import httpx
import pytest

from app.tenants import find_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import eventually
from tests.http.test_live_history import listening
from tests.http.wire import EVENTS, assert_problem, body, login
from tests.logs import begin_another_log


def restart(database: Database, tenant_name: str) -> str:
    """Let another log go on; gives its id."""
    with connect(database.service_url) as connection:
        tenant_id = find_tenant(connection, tenant_name).tenant_id
        return begin_another_log(connection, tenant_id).hex()


def test_a_batch_is_answered_with_the_log_that_it_is_recorded_in(
    client: httpx.Client, served: Database, tenant_name: str
) -> None:
    """Not with what is remembered beside the key: with what its transaction found."""
    first = client.get("/api/v1/status").headers["log-id"]
    assert client.post(EVENTS, content=body(login("a"))).headers["log-id"] == first
    second = restart(served, tenant_name)
    assert second != first
    for batch in (body(login("b")), body(login("a")), body()):
        answer = client.post(EVENTS, content=batch, headers={"prefer": "return=representation"})
        assert answer.status_code == 200
        assert (answer.headers["log-position"], answer.headers["log-id"]) == ("2", second)


def test_a_listener_is_let_go_and_refused_within_ten_seconds(
    client: httpx.Client, served: Database, tenant_name: str
) -> None:
    client.post(EVENTS, content=body(login("a")))
    first = client.get("/api/v1/status").headers["log-id"]
    with listening(client, log_id=first) as events:
        assert next(events)[0] == 1
        second = restart(served, tenant_name)
        began = time.monotonic()
        with pytest.raises((StopIteration, httpx.RemoteProtocolError)):
            next(events)
        # The promise is 10 s; the rest is for a machine that is busy with other tests.
        assert time.monotonic() - began < 30
    eventually(
        lambda: client.get("/api/v1/rounds", params={"log_id": first}).status_code == 409,
        within_s=10,
    )
    headers = {"accept": "text/event-stream", "last-event-id": f"{first}:1"}
    problem = assert_problem(client.get("/api/v1/history", headers=headers), "other-log")
    assert problem["log_id"] == second
