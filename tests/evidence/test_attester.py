"""When statements of heads are made: once a day where a log grew, and out of everybody's way."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.evidence import attesting
from app.evidence.attester import EACH, Attester
from app.evidence.keys import key_path
from app.evidence.status import read_evidence_status
from postgres.connections import Pool, connect, open_pool
from tests.databases import Database
from tests.evidence.stating import Attested, KilledError, check_proof
from tests.evidence.tampering import superuser

NOT_STOPPED = threading.Event()


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    """Connections to a database in which there are no other logs."""
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        yield pool


@pytest.fixture
def new_log(own_pool: Pool, tmp_path: Path) -> Callable[[], Attested]:
    """A function that makes a log; all are signed with keys in one folder."""
    numbers = iter(range(9))

    def make() -> Attested:
        with own_pool.connection() as connection:
            tenant = create_tenant(connection, f"t{next(numbers)}")
        return Attested(own_pool, tenant, tmp_path / "keys")

    return make


def age() -> float | None:
    return REGISTRY.get_sample_value("roundbook_evidence_statement_age_seconds")


def test_the_first_follows_the_first_checkpoint_and_others_a_day_later_where_the_log_grew(
    new_log: Callable[[], Attested],
) -> None:
    log, idle, empty = new_log(), new_log(), new_log()
    attester = Attester(log.pool, log.settings)

    def after(days: float) -> tuple[int, int, int]:
        now = datetime.now(UTC) + days * EACH
        attester.attest_all(NOT_STOPPED, now=now, now_s=0)
        return len(log.stated()), len(idle.stated()), len(empty.stated())

    log.fill("ab")
    assert after(0) == (0, 0, 0)  # nothing is sealed
    log.seal()
    idle.fill("a")
    idle.seal()
    assert after(0) == (1, 1, 0)
    assert after(2) == (1, 1, 0)
    log.fill("c")
    assert after(2) == (1, 1, 0)
    log.seal()
    assert after(0.9) == (1, 1, 0)
    assert age() == pytest.approx(0.9 * EACH.total_seconds(), abs=600)
    assert after(1) == (2, 1, 0)
    after(0)
    assert age() == 0
    assert log.statements()[-1] == log.naive(3)
    assert idle.statements() == [idle.naive(1)]


def test_a_statement_without_a_signature_gets_it_though_the_log_rests(
    new_log: Callable[[], Attested], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = new_log()
    log.fill("ab")
    log.seal()
    with monkeypatch.context() as patched:

        def killed(*_: object) -> None:
            raise KilledError

        patched.setattr(attesting, "sign", killed)
        with pytest.raises(KilledError):
            log.attest()
    assert len(log.stated()) == 1
    Attester(log.pool, log.settings).attest_all(NOT_STOPPED, now=datetime.now(UTC), now_s=0)
    assert log.statements() == [log.naive(2)]


def test_a_log_that_can_not_be_stated_rests_and_holds_up_no_other(
    new_log: Callable[[], Attested],
) -> None:
    logs = [new_log() for _ in range(3)]
    for log in logs:
        log.fill("ab")
        log.seal()
    path = key_path(logs[1].settings.signing_path, logs[1].log.log_id)
    kept = path.read_bytes()
    path.unlink()
    attester = Attester(logs[0].pool, logs[0].settings)

    def at(now_s: float) -> list[bool]:
        attester.attest_all(NOT_STOPPED, now=datetime.now(UTC), now_s=now_s)
        return [log.is_signed() for log in logs]

    assert at(0) == [True, False, True]
    path.write_bytes(kept)
    assert at(30) == [True, False, True]
    assert at(61) == [True, True, True]
    assert logs[1].statements() == [logs[1].naive(2)]


def test_bytes_that_are_no_statement_do_not_end_the_process(
    new_log: Callable[[], Attested], fresh_database: Database
) -> None:
    log, other = new_log(), new_log()
    for each in (log, other):
        each.fill("ab")
        each.seal()
        each.attest()
        each.fill("c")
        each.seal()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("alter table head_statements disable trigger user")
        owner.execute(
            "update head_statements set statement = 'x' where tenant_id = %s",
            [log.tenant.tenant_id],
        )
    later = datetime.now(UTC) + timedelta(days=2)
    Attester(log.pool, log.settings).attest_all(NOT_STOPPED, now=later, now_s=0)
    assert len(other.statements()) == 2


def test_it_makes_way_between_some_thousand_streams_and_ends_there(
    new_log: Callable[[], Attested],
) -> None:
    log = new_log()
    log.fill([f"{number:04}" for number in range(3000)])
    log.seal()
    attester, stop = Attester(log.pool, log.settings), threading.Event()
    thread = threading.Thread(target=attester.run, args=[stop], kwargs={"clock": lambda: 0.0})
    thread.start()
    log.until(lambda: bool(log.pages()))
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    # Whether it came to its end or not, the next one does.
    log.attest()
    assert log.statements() == [log.naive(3000)]
    assert log.pages() == [(0, 12)]


def delete_pages(log: Attested, *tables: str) -> None:
    with log.pool.connection() as connection:
        for table in tables:
            connection.execute(f"delete from {table}".encode())


@pytest.mark.parametrize("gone", [["head_pages"], ["head_tiles"], ["head_pages", "head_tiles"]])
def test_pages_that_were_deleted_are_made_again_though_the_log_rests_or_was_just_stated(
    new_log: Callable[[], Attested], gone: list[str]
) -> None:
    log = new_log()
    log.fill([f"{number:04}" for number in range(600)])
    size = log.seal()
    log.attest()
    pages = log.pages()
    delete_pages(log, *gone)
    attester, now = Attester(log.pool, log.settings), datetime.now(UTC)
    attester.attest_all(NOT_STOPPED, now=now, now_s=0)
    assert log.pages() == pages
    log.fill("x")
    later = log.seal()
    delete_pages(log, *gone)
    attester.attest_all(NOT_STOPPED, now=now, now_s=60)
    assert log.pages() == pages
    assert len(log.stated()) == 1
    with log.pool.connection() as connection:
        proof = log.prove("player:0300", later)
        assert check_proof(connection, log.log, proof, later).size == size
    # Asked for by hand, too.
    log.attest()
    delete_pages(log, *gone)
    log.attest()
    assert log.prove("player:x").version == 1


def test_pages_that_would_not_be_what_was_stated_are_not_made(
    new_log: Callable[[], Attested], fresh_database: Database
) -> None:
    log = new_log()
    log.fill("abca")
    log.seal()
    log.attest()
    delete_pages(log, "head_pages", "head_tiles")
    with superuser(fresh_database) as connection:
        connection.execute("delete from events where position = 4")
    Attester(log.pool, log.settings).attest_all(NOT_STOPPED, now=datetime.now(UTC), now_s=0)
    assert log.pages() == []
    assert "not what statement 0 says" in (unstated(log) or "")


def unstated(log: Attested) -> str | None:
    """Return why the log's heads are not stated, as the status has it."""
    with log.pool.connection() as connection:
        failure = read_evidence_status(connection, log.tenant.tenant_id).statement_failure
    return failure.reason if failure else None


def test_a_damaged_number_is_said_once_and_shown_as_long_as_it_is_so(
    new_log: Callable[[], Attested], fresh_database: Database
) -> None:
    log, other = new_log(), new_log()
    for each in (log, other):
        each.fill("ab")
        each.seal()
        each.attest()
    sealed = signed_trees(log)
    renumber = "update head_statements set n = %s where tenant_id = %s"
    tenant_id = log.tenant.tenant_id
    with superuser(fresh_database) as connection:
        connection.execute(renumber, [5, tenant_id])
    attester, now = Attester(log.pool, log.settings), datetime.now(UTC)
    with capture_logs() as said:
        for now_s in range(0, 200, 10):
            attester.attest_all(NOT_STOPPED, now=now, now_s=now_s)
    told = [line for line in said if line["log_level"] in {"warning", "error"}]
    assert [(line["event"], line["tenant_id"]) for line in told] == [
        ("no statement of a log's heads", tenant_id)
    ]
    assert not [line for line in said if line["event"] == "stated a log's heads"]
    assert signed_trees(log) == sealed
    assert unstated(log) == told[0]["reason"]
    assert "after the 1 statements that are signed comes number 5" in told[0]["reason"]
    assert unstated(other) is None
    assert failing(log) == 1
    assert not failing(other)  # there is no series of it, or it is 0
    with superuser(fresh_database) as connection:
        connection.execute(renumber, [0, tenant_id])
    for now_s in (300, 301):
        attester.attest_all(NOT_STOPPED, now=now, now_s=now_s)
    assert unstated(log) is None
    assert failing(log) == 0


def signed_trees(log: Attested) -> list[Any]:
    with log.pool.connection() as connection:
        return connection.execute(
            "select tree, size, note from checkpoints where tenant_id = %s order by 1, 2",
            [log.tenant.tenant_id],
        ).fetchall()


def failing(log: Attested) -> float | None:
    labels = {"tenant": str(log.tenant.tenant_id)}
    return REGISTRY.get_sample_value("roundbook_evidence_statement_failing", labels)
