"""The database becomes read-only, or can't write, under load: it is waited for, and nothing is lost."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psycopg
import pytest
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.tenants import Tenant
from postgres.connections import Pool, connect, open_pool
from postgres.embedded import EmbeddedServer
from postgres.embedded.cluster import DATABASE
from postgres.embedded.place import find_place
from postgres.errors import UNAVAILABLE
from projections.engine.projector import FAILING
from projections.engine.upkeep import Upkeep
from projections.models.registry import READ_MODELS
from tests.database.test_starting import both
from tests.databases import Database
from tests.embedded.processes import kept_alive, postmaster
from tests.faults.places import embedded_url, open_account, starting
from tests.faults.sending import Load, traffic
from tests.http.service import Running, Service, eventually
from tests.processes import runs
from tests.projections.helpers import position, projector, scope_of
from tests.recording.sending import logins, send, stored_events


def in_recovery(url: str) -> bool | None:
    """Whether the server is a standby; None while it doesn't answer."""
    try:
        with connect(url) as connection:
            found = connection.execute("select pg_is_in_recovery()").fetchone()
    except psycopg.OperationalError:
        return None
    assert found is not None
    return bool(found[0])


def stop_for_standby(data_dir: Path) -> None:
    """Stop the server; it comes back as a standby, as after a failover: it answers, and writes nothing."""
    place = find_place(data_dir, lambda _: None)
    sign = place.pgdata / "standby.signal"
    sign.touch()
    os.chown(sign, place.account.uid, place.account.gid)
    pid = postmaster(data_dir)
    os.kill(pid, signal.SIGINT)
    eventually(lambda: not runs(pid))


def promote(admin_url: str) -> None:
    with connect(admin_url) as admin:
        assert admin.execute("select pg_promote()").fetchone() == (True,)


def test_a_database_that_is_a_standby_for_a_while_is_waited_for_and_nothing_is_lost_or_doubled(
    folder: Path, tmp_path: Path
) -> None:
    data_dir = folder / "data"
    with starting(tmp_path) as start:
        service: Service = start("--workers", "2", data_dir=str(data_dir), lock_timeout_s="2")
        account = open_account(embedded_url(data_dir), "acme")
        admin_url = find_place(data_dir, lambda _: None).url("postgres", "postgres")
        with Load() as load:
            for seed in range(3):
                load.add(service.url, account.key, traffic(seed))
            superuser = find_place(data_dir, lambda _: None).url("postgres", DATABASE)
            with closing(psycopg.connect(superuser)) as held:
                # Or the projector may have nothing to write when it can't.
                held.execute("select from roundbook.tracking for update")
                load.goes_on(20)
                stop_for_standby(data_dir)
            eventually(lambda: in_recovery(admin_url) is True)
            load.is_refused(10)
            eventually(lambda: "projector waits for the store" in service.log())
            metrics = httpx.get(f"{service.url}/metrics", timeout=60).text
            promote(admin_url)
            load.goes_on(20)
        account.check(service, load.ledger)
        after = httpx.get(f"{service.url}/metrics", timeout=60).text
    for text in (metrics, after):
        failing = [line for line in text.splitlines() if "projection_failing{" in line]
        assert all(line.endswith(" 0.0") for line in failing), failing
    assert "Traceback" not in service.log()
    assert "stands still" not in service.log()


def test_a_service_that_starts_on_a_standby_waits_until_it_may_write(
    folder: Path, tmp_path: Path
) -> None:
    data_dir = folder / "data"
    with EmbeddedServer(data_dir) as server:
        stop_for_standby(data_dir)
        kept_alive(server, within_s=60)
        assert in_recovery(server.admin_url)
        settings = both(server.service_url, server.owner_url)
        running = Running(tmp_path, "serve", "--port", "0", settings=settings)
        try:
            eventually(lambda: "waiting for the database" in running.log())
            promote(server.admin_url)
            assert running.line().startswith("Roundbook serves on ")
        finally:
            running.stop()


# What PostgreSQL says of a server in trouble, raised by PostgreSQL itself in the middle of a chunk.
IN_TROUBLE = ["XX000", "53100", "53400", "58030", "57P05"]


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    """Connections to a database in which nobody else's tenants are."""
    with open_pool(fresh_database.service_url, max_size=6) as pool:
        yield pool


@pytest.fixture
def trouble(fresh_database: Database) -> Callable[..., Callable[[], int]]:
    """A function that lets PostgreSQL raise a SQLSTATE for each row that a table is to take.

    It gives a function that ends that, and says how often it was.
    """

    def begin(state: str, table: str) -> Callable[[], int]:
        with connect(fresh_database.owner_url) as owner:
            owner.execute("create sequence attempts")
            owner.execute(
                "create function refuse() returns trigger language plpgsql security definer as $$"
                " begin perform nextval('roundbook.attempts');"
                f" raise exception 'out of order' using errcode = '{state}'; end $$".encode()
            )
            owner.execute(
                f"create trigger refuse before insert or update on {table}"
                " for each statement execute function refuse()".encode()
            )

        def end() -> int:
            with connect(fresh_database.owner_url) as owner:
                owner.execute(f"drop trigger refuse on {table}".encode())
                found = owner.execute("select last_value, is_called from attempts").fetchone()
            assert found is not None
            return int(found[0]) if found[1] else 0

        return end

    return begin


@pytest.fixture
def tenant(fresh_database: Database, own_pool: Pool) -> Tenant:
    with connect(fresh_database.owner_url) as owner:
        number = 800_001  # no other test's, as metrics go by the number
        owner.execute("insert into tenants values (%s, 'before', now())", [number])
    with own_pool.connection() as connection:
        return create_tenant(connection, "acme")


def failed_position(pool: Pool, tenant: Tenant) -> int | None:
    with pool.connection() as connection:
        found = connection.execute(
            "select failed_position from tracking where tenant_id = %s", [tenant.tenant_id]
        ).fetchone()
    assert found is not None
    return None if found[0] is None else int(found[0])


@pytest.mark.parametrize("table", ["players", "tracking"])
@pytest.mark.parametrize("state", [*IN_TROUBLE, "25006"])
def test_a_chunk_that_the_server_can_not_write_is_neither_divided_nor_recorded_as_poison(
    state: str,
    table: str,
    own_pool: Pool,
    tenant: Tenant,
    trouble: Callable[..., Callable[[], int]],
) -> None:
    send(own_pool, tenant, logins([str(number) for number in range(64)]))
    running = projector(own_pool)
    end = trouble(state, table)
    with capture_logs() as lines:
        if state == "25006":
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                running.project_all(now_s=1_000)
        else:
            assert not running.project_all(now_s=1_000)
    assert end() == 1
    assert [line["log_level"] for line in lines if line["log_level"] == "error"] == []
    assert failed_position(own_pool, tenant) is None
    assert FAILING.labels(tenant.tenant_id)._value.get() == 0
    assert position(own_pool, tenant) == 0
    while running.project_all(now_s=1_010):
        pass
    assert position(own_pool, tenant) == 64


@pytest.mark.parametrize("state", [*IN_TROUBLE, "25006"])
def test_a_batch_that_the_server_can_not_write_is_unconfirmed_and_can_be_sent_again(
    state: str, own_pool: Pool, tenant: Tenant, trouble: Callable[..., Callable[[], int]]
) -> None:
    end = trouble(state, "events")
    with pytest.raises(UNAVAILABLE):
        send(own_pool, tenant, logins(["a", "b"]))
    end()
    assert send(own_pool, tenant, logins(["a", "b"])).stored == 2
    assert len(stored_events(own_pool, tenant)) == 2


@pytest.mark.parametrize("state", [*IN_TROUBLE, "25006"])
def test_a_rebuild_that_the_server_can_not_write_is_waited_for(
    state: str,
    own_pool: Pool,
    tenant: Tenant,
    trouble: Callable[..., Callable[[], int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(own_pool, tenant, logins(["a", "b"]))
    running = projector(own_pool)
    assert running.project_chunk(scope_of(tenant)) == 2
    newer = READ_MODELS["balances"]._replace(version=99)
    monkeypatch.setitem(READ_MODELS, "balances", newer)
    stop = threading.Event()
    upkeep = Upkeep(own_pool, running)
    end = trouble(state, "tracking")
    with capture_logs() as lines, pytest.raises(UNAVAILABLE):
        upkeep.look(stop, now_s=1_000)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == []
    end()
    upkeep.look(stop, now_s=1_000)
    with own_pool.connection() as connection:
        live = connection.execute("select generation from tracking where live").fetchone()
    assert live == (2,)
