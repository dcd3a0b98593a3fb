"""`roundbook erase` and `roundbook hold`, beside a running service."""

import json

import pytest

from api.tenancy import create_tenant
from app.tenants import find_tenant
from postgres.connections import connect, open_pool
from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, on, roundbook
from tests.http.wire import EVENTS, new_key
from tests.projections.rebuilding import rebuild
from tests.queries.casino import Item, bet, deposit, item

PERSON = "Ada Example"
LONG_AGO = "2010-01-15T12:00:00Z"
TENANT = "erasing"


def day(player_id: str, timestamp: str) -> list[Item]:
    whose = {"player_id": player_id, "timestamp": timestamp}
    return [
        item("player", username=PERSON, **whose),
        deposit(amount=5, **whose),
        bet(amount=2, round_id=f"r-{timestamp}", **whose),
        item("login", **whose),
    ]


@pytest.fixture(scope="module")
def key(served: Database, service: Service) -> str:
    """The key of a tenant with two players, of long ago and of late."""
    with connect(served.service_url) as connection:
        create_tenant(connection, TENANT)
    made = new_key(served, TENANT, "ingest", "read", "audit")
    sent = [each for at in (LONG_AGO, "2025-01-15T12:00:00Z") for each in day("p", at)]
    with service.client(made) as client:
        body = json.dumps({"items": [*sent, *day("q", LONG_AGO)]})
        assert client.post(EVENTS, content=body).is_success
        assert client.get("/api/v1/players?at_least=12").is_success
    return made


def test_a_player_is_erased_for_good(
    served: Database, service: Service, key: str, run: Run, refused: Run
) -> None:
    asked = (TENANT, "p", "--reason", "asked by the player")
    # Held first.
    run("hold", TENANT, "p", "--reason", "a dispute", "--by", "legal")
    [line] = run("hold", TENANT, "--list").splitlines()
    assert line.split("\t")[::2] == ["p", "legal"]
    assert line.endswith("\ta dispute")
    assert "on hold" in refused("erase", *asked)
    run("hold", TENANT, "p", "--reason", "settled", "--release")
    assert run("hold", TENANT, "--list") == ""

    assert run("erase", *asked) == "record\t13\nevents\t4\nconflicts\t0\nsnapshots\t0\n"
    with service.client(key) as client:
        # The command brought the read models up to the record.
        shown = client.get("/api/v1/players/p").json()
        assert (shown["username"], shown["logins"]) == (None, 2)
        balance = client.get("/api/v1/balances?player_id=p").json()["items"][0]
        assert balance["deposited"] == "10"
        assert PERSON not in client.get("/api/v1/history?player_id=p").text
        again = client.post(EVENTS, content=json.dumps({"items": day("q", LONG_AGO)[:1]}))
        assert again.is_success
    ended = roundbook("erase", *asked, settings=on(served))
    assert ended.stdout == ""
    assert "nothing was erased" in ended.stderr

    # Money of long ago too, on which the read models are made anew.
    told = run("erase", *asked, "--by", "an officer", "--before", "2010-02-01")
    assert told == "record\t15\nevents\t2\nconflicts\t0\nsnapshots\t0\n"
    with service.client(key) as client:
        [balance] = client.get("/api/v1/balances?player_id=p&at_least=15").json()["items"]
        assert (balance["deposited"], balance["bet_real"]) == ("5", "2")
        assert (
            client.get(f"/api/v1/rounds?round_id=r-{LONG_AGO}").json()["items"][0]["player_id"]
            == "q"
        )
        [record, other] = client.get("/api/v1/history?event=erased").json()["items"]
        assert other["data"]["by"] == "an officer"
        assert record["data"]["by"] == "roundbook_test_owner"
        assert other["data"]["positions"] == [[2, 3]]
    with connect(served.service_url) as connection:
        tenant_id = find_tenant(connection, TENANT).tenant_id
    with open_pool(served.service_url, max_size=5) as pool:
        assert rebuild(pool, tenant_id, check=True, patience_s=30).differences == 0


def test_what_must_be_kept_is_not_erased(served: Database, key: str) -> None:
    ended = roundbook(
        *("erase", TENANT, "q", "--reason", "r", "--before", "2020-01-01"),
        settings=on(served) | {"ROUNDBOOK_RETENTION_YEARS": "100"},
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "kept for 100 years (ROUNDBOOK_RETENTION_YEARS)" in ended.stderr


def test_the_owners_credential_is_needed(served: Database, key: str, refused: Run) -> None:
    settings = {"ROUNDBOOK_DATABASE_URL": served.service_url}
    for words in (
        ("erase", TENANT, "q", "--reason", "r"),
        ("hold", TENANT, "q", "--reason", "r"),
        ("hold", TENANT, "--list"),
    ):
        assert "set ROUNDBOOK_OWNER_URL" in refused(*words, settings=settings)


@pytest.mark.parametrize("command", ["erase", "hold"])
def test_an_unknown_tenant_is_refused(command: str, key: str, refused: Run) -> None:
    assert "there is no tenant 'nobody'" in refused(command, "nobody", "p", "--reason", "r")
