"""Nothing stands still unseen, and nothing waits for ever."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.databases import Database
from tests.embedded.processes import postmaster
from tests.faults.places import Account, embedded_url, open_account, projectors
from tests.faults.sending import Ledger, Load, items_of, traffic
from tests.faults.silence import LossyNetwork
from tests.http.service import Service, eventually
from tests.http.wire import assert_problem
from tests.processes import command_of, descendants, kill_all, runs, stopped

Start = Callable[..., Service]

_WAITING = "roundbook_projection_waiting_seconds "
_UNSEALED = "roundbook_evidence_waiting_seconds "


def metric(service: Service, name: str) -> float:
    """The value of a metric without labels."""
    lines = httpx.get(service.url + "/metrics", timeout=60).text.splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return float(line.removeprefix(name))


def sealers(service: Service) -> list[int]:
    return [pid for pid in descendants(service.pid) if "api.cli seal" in command_of(pid)]


def test_who_is_stopped_is_seen_from_outside(start: Start, fresh_database: Database) -> None:
    """By a host whose own processes are well, in its health and its metrics; requests are taken meanwhile."""
    account = open_account(fresh_database.service_url, "acme")
    projecting = start(database_url=fresh_database.service_url, owner_url=fresh_database.owner_url)
    watching = start(
        "--no-projections", database_url=fresh_database.service_url, silent_process_s="8"
    )
    ledger = Ledger()
    items = items_of(1)
    with account.client(watching, ledger) as client:
        client.send([next(items)])
        eventually(lambda: metric(watching, _WAITING) == 0.0)
        with stopped(*projectors(projecting), *sealers(projecting)):
            client.send([next(items)])
            eventually(lambda: metric(watching, _WAITING) > 0.5)
            eventually(lambda: metric(projecting, _WAITING) > 0.5)
            eventually(lambda: metric(watching, _UNSEALED) > 0.5)

            def behind() -> dict[str, float]:
                answer = httpx.get(watching.url + "/health/ready", timeout=60)
                found: dict[str, float] = answer.json().get("behind", {})
                return found if answer.status_code == 200 else {}

            eventually(lambda: behind().keys() >= {"projection", "evidence"})
            assert behind()["projection"] > 8
        eventually(lambda: metric(watching, _WAITING) == 0.0)
    account.check(watching, ledger)


def test_who_is_stopped_is_ended_and_started_again(start: Start, fresh_database: Database) -> None:
    account = open_account(fresh_database.service_url, "acme")
    service = start(
        "--workers",
        "2",
        database_url=fresh_database.service_url,
        owner_url=fresh_database.owner_url,
        silent_process_s="8",
    )
    each: list[Callable[[], list[int]]] = [
        service.workers,
        lambda: projectors(service),
        lambda: sealers(service),
    ]
    ledger = Ledger()
    with account.client(service, ledger) as client:
        client.send([next(items_of(1))])
    # Who was never heard has longer, to begin.
    eventually(lambda: metric(service, _WAITING) == metric(service, _UNSEALED) == 0.0)
    before = [find()[0] for find in each]
    with stopped(*before):
        eventually(lambda: not any(map(runs, before)), within_s=120)
        eventually(lambda: [len(find()) for find in each] == [2, 1, 1])
        with account.client(service, ledger) as client:
            client.send([next(items_of(2))])
        account.check(service, ledger)
    assert service.log().count("a process is silent and is killed") >= len(before)


def test_lost_answers_are_not_waited_for_for_ever(
    start: Start, shared: Database, account: Account
) -> None:
    """By no process of the service, wherever it was when they were lost; and nothing is lost with them."""
    with LossyNetwork(shared.service_url) as network:
        service = start(
            database_url=network.through(shared.service_url),
            owner_url=shared.owner_url,
            lock_timeout_s="3",
            statement_timeout_s="2",
            query_timeout_s="2",
            stalled_writer_s="2",
        )
        with Load() as load:
            for seed in range(3):
                load.add(service.url, account.key, traffic(seed), timeout_s=60)
            for _ in range(2):
                load.goes_on(10)
                network.lose_what_is_connected()
                load.is_refused(1)
                load.goes_on(10)
        assert load.ledger.refused.keys() <= {"store-unavailable"}
        account.check(service, load.ledger)
        eventually(lambda: metric(service, _WAITING) == 0.0)
        assert "is silent" not in service.log()


def test_while_the_store_stands_still_requests_are_answered_503_at_their_deadline(
    start: Start, folder: Path
) -> None:
    service = start(data_dir=str(folder / "data"), request_timeout_s="2", query_timeout_s="60")
    account = open_account(embedded_url(folder / "data"), "acme")
    ledger = Ledger()
    items = items_of(1)
    batch = [next(items), next(items)]
    headers = {"x-api-key": account.key}
    with account.client(service, ledger, timeout_s=60) as client:
        client.send([next(items)])
        server = postmaster(folder / "data")
        with stopped(server, *descendants(server)):
            began_s = time.monotonic()
            assert client.send_once(batch).status_code == 503
            assert client.send_once(batch).status_code == 503
            for path in ("/api/v1/players", "/api/v1/status"):
                answer = httpx.get(service.url + path, headers=headers, timeout=60)
                assert_problem(answer, "store-unavailable")
                assert int(answer.headers["retry-after"]) >= 1
            # Four deadlines. Without them the first one alone takes longer than all of them.
            assert time.monotonic() - began_s < 22
        client.send(batch)
    account.check(service, ledger)


def test_a_service_that_was_killed_answers_from_the_first_moment_of_its_next_start(
    start: Start, folder: Path
) -> None:
    data_dir = folder / "data"
    service = start(data_dir=str(data_dir))
    account = open_account(embedded_url(data_dir), "acme")
    with Load() as load:
        for seed in range(3):
            load.add(service.url, account.key, traffic(seed))
        load.goes_on(20)
        family = service.family()
        kill_all(family)
        service.ended()
        eventually(lambda: not any(map(runs, family)))
        next_one = start("--port", str(service.address[1]), data_dir=str(data_dir))
        load.goes_on(20)
    # Clients came back while it was not ready, and were told so.
    assert load.ledger.refused["starting"] > 0
    account.check(next_one, load.ledger)
