"""A rebuild amid queries: cursors go on, what waits is served, pages stay quick."""

import threading

import pytest
from eventsourcing.persistence import StoredEvent

from app.log.recorder import TenantLog
from projections.entries import PoisonError
from tests.projections.rebuilding import rebuild, repeating
from tests.queries.asgi import Api
from tests.queries.casino import Casino, OpenCasino, deposit, play_casino_day

ROUTES = ["players", "balances", "rounds", "transactions", "games", "conflicts"]


@pytest.fixture(scope="module")
def rebuilt(new_casino: OpenCasino) -> Casino:
    """A tenant with the sample day, rebuilt by the tests."""
    casino = new_casino()
    play_casino_day(casino)
    return casino


@pytest.mark.parametrize("route", ROUTES)
def test_a_cursor_given_before_a_switch_goes_on_after_it(route: str, rebuilt: Casino) -> None:
    whole = rebuilt.all(route, 1_000)
    pages = rebuilt.walk(route, 3)
    found = list(next(pages))
    for number, page in enumerate(pages):
        if number < 2:
            rebuild(rebuilt.pool, rebuilt.tenant.tenant_id)
        found += page
    assert found == whole


def test_answers_and_their_positions_stay_the_same_all_the_time(rebuilt: Casino) -> None:
    wanted = {route: rebuilt.get(route, limit=1_000) for route in ROUTES}

    def ask() -> None:
        for route, answer in wanted.items():
            again = rebuilt.get(route, limit=1_000)
            assert again.status == 200
            assert again.json == answer.json
            assert again.headers["log-position"] == answer.headers["log-position"]

    with repeating(ask):
        for _ in range(3):
            rebuild(rebuilt.pool, rebuilt.tenant.tenant_id)
    assert rebuilt.get("status").json["rebuild"] is None


def test_a_query_that_waits_over_a_switch_is_served(casino: Casino, patient: Api) -> None:
    casino = casino._replace(api=patient)
    casino.fill([deposit()])
    position = casino.send([deposit(player_id="late")])

    def catch_up() -> None:
        rebuild(casino.pool, casino.tenant.tenant_id)
        casino.project()

    later = threading.Timer(0.1, catch_up)
    later.start()
    answer = casino.get("balances", player_id="late", at_least=position)
    later.join()
    assert answer.status == 200
    assert len(answer.json["items"]) == 1


def test_status_names_what_failed_the_reason_and_since_when(casino: Casino) -> None:
    casino.fill([deposit()])
    assert {each["failure"] for each in casino.get("status").json["projections"]} == {None}
    log = TenantLog(casino.pool, casino.tenant.tenant_id)
    log.insert_events([StoredEvent("player:poison", 1, "BetPlaced.v2", b"{}")])
    with pytest.raises(PoisonError):
        casino.project()
    status = casino.get("status").json
    for each in status["projections"]:
        assert (each["position"], each["lag_events"]) == (1, 1)
        assert each["failure"]["position"] == 2
        assert "BetPlaced.v2" in each["failure"]["reason"]
        assert each["failure"]["since"].endswith("Z")
    assert status["rebuild"] is None
    assert casino.get("balances").status == 200
    assert casino.get("balances", at_least=2).status == 503
