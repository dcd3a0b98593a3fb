"""Whenever the log is elsewhere than it was, another history begins, and says up to where both agree."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import psycopg
import pytest

from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.log.append import locked_log
from app.log.histories import (
    HistoryWatch,
    agreed_to,
    begin_another_history,
    notice_history,
    reading_id,
)
from app.log.leaves import Log, current_log
from app.tenants import create_key, find_key, find_tenant
from postgres.connections import Connection, connect, open_pool
from postgres.migrate import Schema, migrate
from tests.databases import Database, new_database
from tests.http.service import eventually

_STEP = 12
_EVENT = "insert into events values (%s, now(), now(), %s, %s, %s, 'player:p', 'LoggedIn', '{}')"


def histories(connection: Connection) -> list[int]:
    return [n for (n,) in connection.execute("select number from histories order by number")]


def log_of(connection: Connection, name: str) -> Log:
    log = current_log(connection, find_tenant(connection, name).tenant_id)
    assert log is not None
    return log


def called(connection: Connection, key: str) -> bytes:
    """What readers with a key are told that the log is called."""
    known = find_key(connection, key)
    assert known is not None
    return reading_id(known.log_id, known.history_id)


def record(owner: Connection, tenant_id: int, events: int) -> None:
    for _ in range(events):
        with locked_log(owner, tenant_id) as head:
            at = head.position + 1
            owner.execute(_EVENT, [at, tenant_id, at, at.to_bytes(16, "big")])


def test_a_copy_goes_on_in_another_history_and_agrees_up_to_where_it_was_made(
    admin_url: str, fresh_database: Database
) -> None:
    with connect(fresh_database.owner_url) as owner, connect(fresh_database.service_url) as service:
        tenant = create_tenant(owner, "acme")
        key = create_key(owner, tenant, ["read"]).key
        record(owner, tenant.tenant_id, 3)
        notice_history(service)
        notice_history(service)
        assert histories(service) == [1]
        log_id = called(service, key)
        assert log_id == log_of(service, "acme").log_id
    with new_database(admin_url, template=fresh_database) as copy:  # noqa: SIM117 (it ends before the copy)
        with connect(copy.owner_url) as owner, connect(copy.service_url) as service:
            notice_history(service)
            notice_history(service)
            assert histories(service) == [1, 2]
            second = called(service, key)
            assert second != log_id
            record(owner, tenant.tenant_id, 2)
            log = log_of(service, "acme")
            assert agreed_to(service, log, log_id) == 3
            assert agreed_to(service, log, log_id[:8]) == 3
            assert agreed_to(service, log, bytes(16)) is None
            begin_another_history(owner)
            # Of several that followed, what all of them have.
            assert agreed_to(service, log, log_id) == 3
            assert agreed_to(service, log, second) == 5
    with connect(fresh_database.service_url) as service:
        notice_history(service)
        assert called(service, key) == log_id


def test_what_is_written_elsewhere_is_of_a_history_that_began_before_it(
    admin_url: str, fresh_database: Database
) -> None:
    """Though nobody looked where the log is: a client may post the moment after a failover."""
    with connect(fresh_database.owner_url) as owner, connect(fresh_database.service_url) as service:
        tenants = [create_tenant(owner, name) for name in ("acme", "idle")]
        for tenant in tenants:
            record(owner, tenant.tenant_id, 3)
        notice_history(service)
        ids = [log_of(service, name).log_id for name in ("acme", "idle")]
    with (
        new_database(admin_url, template=fresh_database) as copy,
        connect(copy.owner_url) as owner,
        connect(copy.service_url) as service,
    ):
        for tenant in tenants:
            record(owner, tenant.tenant_id, 2)
        assert histories(service) == [1, 2]
        for name, log_id in zip(("acme", "idle"), ids, strict=True):
            assert agreed_to(service, log_of(service, name), log_id) == 3


def test_another_history_is_noticed_while_the_service_goes_on(
    admin_url: str, fresh_database: Database
) -> None:
    with connect(fresh_database.service_url) as service:
        notice_history(service)
    stop = Event()
    with (
        new_database(admin_url, template=fresh_database) as copy,
        open_pool(copy.service_url, max_size=1) as pool,
        ThreadPoolExecutor(1) as beside,
        connect(copy.owner_url) as owner,
    ):
        watching = beside.submit(HistoryWatch().run, pool, stop)
        try:
            eventually(lambda: histories(owner) == [1, 2])
        finally:
            stop.set()
        watching.result()


def test_a_history_is_noticed_by_who_serves_but_not_made_up(fresh_database: Database) -> None:
    with connect(fresh_database.service_url) as service:
        notice_history(service)
        for forbidden in (
            "select begin_history()",
            "insert into histories values (7, '\\x00', 'here', now())",
            "insert into history_heads values (1, 7, 0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                service.execute(forbidden.encode())
    with connect(fresh_database.owner_url) as owner:
        for change in ("delete from histories", "update history_heads set head = 0"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(change.encode())


def test_a_log_of_the_version_before_is_called_as_it_was(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [step for step in SCHEMA.migrations() if step.number < _STEP]
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: before)
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    with connect(fresh_database.owner_url) as owner:
        # As the version before does.
        owner.execute("select add_tenant('older', '{}')")
        owner.execute("select begin_log(1, uuid_send(gen_random_uuid()), null, null)")
        key = "rb_older"
        owner.execute("select make_key(sha256('rb_older'), 1, '{read}', '', null)")
    applied = migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert _STEP in {step.number for step in applied}
    with connect(fresh_database.service_url) as service:
        log_id = log_of(service, "older").log_id
        assert called(service, key) == log_id
        notice_history(service)
        assert called(service, key) == log_id
    # One that is restored from a backup of that version is no longer in its first history.
    with connect(fresh_database.owner_url) as owner:
        begin_another_history(owner)
        assert called(owner, key) != log_id
