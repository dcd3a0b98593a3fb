"""A standby answers queries, and takes over: real servers, one following the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx

from app.tenants import find_tenant
from postgres.connections import connect
from tests.database.standby import Pair, replayed, replicating
from tests.databases import Database, new_database
from tests.faults.places import Account, open_account
from tests.faults.sending import Ledger, Load, traffic
from tests.http.service import Service, eventually, on, roundbook, serving

FROM_REPLICA = "queries are answered from the replica"
FROM_PRIMARY = "queries are answered from the primary"


@contextmanager
def replicated() -> Iterator[tuple[Pair, Database, Account]]:
    """A database on a server with a standby, with a tenant in it."""
    with replicating() as pair, new_database(pair.primary.admin_url) as database:
        yield pair, database, open_account(database.service_url, "acme")


def send(service: Service, account: Account, batches: int = 1, *, seed: int = 1) -> int:
    """Record some batches; gives the position of the last one."""
    with account.client(service, Ledger()) as client:
        for batch in islice(traffic(seed, (10,)), batches):
            answer = client.send(batch)
    return int(answer.headers["Log-Position"])


def at(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(answer.headers["Log-Position"])


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_queries_are_answered_from_a_standby_that_is_as_far_and_else_from_the_primary(
    tmp_path: Path,
) -> None:
    with replicated() as (pair, database, account):
        settings = on(database) | {
            "ROUNDBOOK_REPLICA_URL": pair.standby.url(database.service_url),
            "ROUNDBOOK_AT_LEAST_TIMEOUT_S": "1",
        }
        with serving(tmp_path, settings=settings) as service, service.client(account.key) as client:
            eventually(lambda: FROM_REPLICA in service.log())
            first = send(service, account)
            known = {"at_least": first}
            # The projector begins beside it, and has longer than those have who ask.
            eventually(lambda: client.get("/api/v1/balances", params=known).is_success)
            assert at(client.get("/api/v1/balances", params=known)) >= first
            eventually(lambda: replayed(pair))

            # It stands still, and says what it has; who asks for more is waited for, then asked elsewhere.
            pair.standby.ask("select pg_wal_replay_pause()")
            eventually(
                lambda: pair.standby.ask("select pg_get_wal_replay_pause_state()") == "paused"
            )
            last = send(service, account, 2, seed=2)
            assert last > first
            assert at(client.get("/api/v1/balances")) == first
            assert at(client.get("/api/v1/history")) == first
            shown = {"at_least": last}
            eventually(lambda: client.get("/api/v1/balances", params=shown).is_success)
            assert at(client.get("/api/v1/history", params={"at_least": last})) == last
            assert at(client.get("/api/v1/balances", params={"at_least": last})) == last
            # Who operates the service is told how it is where it writes.
            looked = client.get("/api/v1/system/tenants/acme").json()
            assert looked["log_position"] == last
            # Who knows a position from elsewhere is not told that the log went back.
            page = client.get("/api/v1/history", params={"at_least": last, "limit": last - 1})
            rest = {"cursor": page.json()["next_cursor"], "limit": 100}
            entries = client.get("/api/v1/history", params=rest).json()["items"]
            assert [entry["position"] for entry in entries] == [last]
            streaming = {"accept": "text/event-stream", "last-event-id": str(last - 1)}
            with client.stream(
                "GET", f"/api/v1/history?to_position={last}", headers=streaming
            ) as live:
                assert live.status_code == 200
                assert f"id: {last}\n" in "".join(live.iter_text())
            beyond = client.get(
                f"/api/v1/history?to_position={last + 9}",
                headers={"accept": "text/event-stream", "last-event-id": str(last + 9)},
            )
            assert problem(beyond) == (409, "beyond-head")
            missing = client.get("/api/v1/balances", params={"at_least": last + 1_000})
            assert problem(missing) == (503, "read-models-behind")
            pair.standby.ask("select pg_wal_replay_resume()")
            eventually(lambda: at(client.get("/api/v1/balances")) == last)

            # Gone, and there again.
            pair.standby.end()
            assert at(client.get("/api/v1/balances", params={"at_least": last})) == last
            eventually(lambda: FROM_PRIMARY in service.log())
            newest = send(service, account, seed=3)
            wanted = {"at_least": newest}
            eventually(lambda: client.get("/api/v1/balances", params=wanted).is_success)
            assert at(client.get("/api/v1/balances", params=wanted)) == newest
            pair.standby.start()
            eventually(lambda: service.log().count(FROM_REPLICA) == 2)
            assert at(client.get("/api/v1/balances", params={"at_least": newest})) == newest
            assert "Traceback" not in service.log()


def test_a_host_that_only_reads_serves_from_a_standby_and_refuses_the_rest_by_name(
    tmp_path: Path,
) -> None:
    with replicated() as (pair, database, account):
        operator = open_account(database.service_url, "operators").key
        roundbook(
            "tenant",
            "limit",
            "acme",
            "--requests-per-second",
            "2",
            "--burst-s",
            "2",
            settings=on(database),
        )
        with serving(tmp_path, settings=on(database)) as writing:
            last = send(writing, account)
            with writing.client(account.key) as client:
                shown = client.get("/api/v1/balances", params={"at_least": last})
                assert at(shown) == last
        eventually(lambda: replayed(pair))
        refused = roundbook("serve", "--read-only", "--demo", settings=on(database), check=False)
        assert refused.returncode == 2
        pair.primary.end()  # so it is for all that is needed
        settings = {
            "ROUNDBOOK_DATABASE_URL": pair.standby.url(database.service_url),
            "ROUNDBOOK_AT_LEAST_TIMEOUT_S": "1",
        }
        with (
            serving(tmp_path, "--read-only", settings=settings) as service,
            service.client(account.key) as client,
        ):
            same = client.get("/api/v1/balances", params={"at_least": last})
            assert same.json() == shown.json()
            assert at(same) == last
            assert len([pid for pid in service.family() if pid in service.workers()]) == 1
            assert len(service.family()) == 2, "it runs more than a worker"
            posted = client.post("/api/v1/events", content=b'{"items":[]}')
            assert problem(posted) == (503, "read-only")
            assert problem(client.get("/api/v1/history")) == (503, "read-only")
            looked = client.get("/api/v1/system/tenants/acme", headers={"x-api-key": operator})
            assert (looked.status_code, looked.json()["log_position"]) == (200, last)
            limited = [client.get("/api/v1/status").status_code for _ in range(20)]
            assert set(limited) == {200, 429}
            eventually(lambda: client.get("/api/v1/status").status_code == 200)
            ahead: dict[str, str | int] = {"player_id": "nobody", "at_position": last + 1}
            eventually(lambda: client.get("/api/v1/balances", params=ahead).status_code == 503)
            assert client.get("/health/ready").status_code == 200
            assert "Traceback" not in service.log()
        pair.primary.start()


def test_a_failover_to_a_standby_that_has_all_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with replicated() as (pair, database, account):
        pair.primary.wait_for(pair.standby)
        urls = {
            name: _both(url, pair) for name, url in on(database).items() if name.endswith("_URL")
        }
        settings = on(database) | urls | {"ROUNDBOOK_LOCK_TIMEOUT_S": "2"}
        with serving(tmp_path, "--workers", "2", settings=settings) as service:
            with Load() as load:
                for seed in range(3):
                    load.add(service.url, account.key, traffic(seed))
                load.goes_on(40)
                pair.primary.end()
                load.is_refused(5)
                assert pair.standby.ask("select pg_promote()") is True
                load.goes_on(40)
            moved = account._replace(database_url=pair.standby.url(account.database_url))
            moved.check(service, load.ledger)
            with connect(moved.database_url) as connection:
                histories = connection.execute("select count(*) from histories").fetchone()
                assert find_tenant(connection, "acme").tenant_id == account.tenant_id
            assert histories == (2,)
            assert "Traceback" not in service.log()
        pair.primary.start().wait_for_none()


def _both(url: str, pair: Pair) -> str:
    """Return a URL that names both servers, of which the one that takes writes is meant."""
    parts = urlsplit(url)
    role = parts.netloc.rpartition("@")[0]
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in pair)
    return urlunsplit(
        parts._replace(netloc=f"{role}@{hosts}", query="target_session_attrs=read-write")
    )
