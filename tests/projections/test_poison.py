"""An event that can't be projected stops its tenant, loudly, and nobody else."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.log.recorder import TenantLog
from app.tenants import Tenant
from domain import events
from postgres.connections import Pool, connect, open_pool
from projections import entries
from projections.engine.projector import FAILING, Projector
from projections.entries import Scope
from projections.models.registry import READ_MODELS
from projections.status import FailureView, read_status
from projections.tracking import advance
from tests.databases import Database
from tests.model import Model
from tests.projections.helpers import (
    CopyRefused,
    assert_as_the_model,
    position,
    project,
    projector,
    scope_of,
)
from tests.recording.sending import logins, send
from tests.strategies import WireItem, body

POISON = {
    "rubbish": ("BetPlaced", b"rubbish"),
    "nothing": ("Deposited", b""),
    "another event's state": ("BetPlaced", logins(["u"])[0].data_text.encode()),
    "an amount that is none": (
        "Withdrawn",
        b'{"unique_id":"u","timestamp":"2025-01-01T00:00:00Z","player_id":"p","amount":"a"}',
    ),
    "a registration date that is none": (
        "PlayerUpdated",
        b'{"unique_id":"u","timestamp":"2025-01-01T00:00:00Z","player_id":"p","registration_date":"1"}',
    ),
    "a topic of the future": ("BetPlaced.v2", b"{}"),
    "text that no column takes": (
        "LoggedIn",
        b'{"unique_id":"u","timestamp":"2025-01-01T00:00:00Z","player_id":"a\\u0000b"}',
    ),
}

# Tenants of these tests share numbers with those of other databases, and metrics go by the number.
_numbers = count(900_001)


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    """Connections to a database in which nobody else's tenants are."""
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        yield pool


@pytest.fixture
def tenants(fresh_database: Database, own_pool: Pool) -> list[Tenant]:
    """Three tenants; the tests poison the second."""
    with connect(fresh_database.owner_url) as owner:
        before = next(_numbers) * 10
        owner.execute("insert into tenants values (%s, 'before all others', now())", [before])
    with own_pool.connection() as connection:
        return [create_tenant(connection, name) for name in "abc"]


def poison(pool: Pool, tenant: Tenant, topic: str, state: bytes) -> None:
    """Put an event into the log past all checks, as only a bug or a newer version could."""
    version = (TenantLog(pool, tenant.tenant_id).max_notification_id() or 0) + 1
    TenantLog(pool, tenant.tenant_id).insert_events(
        [StoredEvent("player:poison", version, topic, state)]
    )


def failures(pool: Pool, tenant: Tenant) -> list[FailureView | None]:
    with pool.connection() as connection:
        status = read_status(connection, tenant.tenant_id, datetime.now(UTC))
    return [each.failure for each in status.projections]


def failed_position(pool: Pool, tenant: Tenant) -> int | None:
    failure = failures(pool, tenant)[0]
    return None if failure is None else failure.position


def failing(tenant: Tenant) -> float:
    return float(FAILING.labels(tenant.tenant_id)._value.get())


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def turns(self, running: Projector) -> None:
        """Let the projector do all it finds to do now."""
        while running.project_all(now_s=self.now_s):
            pass


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def digestible(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that brings the version of the code that can read the poison."""

    def mend() -> None:
        def decode(topic: str, state: bytes, stream: str) -> events.Event:
            try:
                return events.decode(topic, state, stream)
            except Exception:  # noqa: BLE001  # whatever the poison is
                antidote = logins(["poison"], "poison")[0].data_text.encode()
                return events.decode("LoggedIn", antidote)

        monkeypatch.setattr(entries, "decode", decode)

    return mend


@pytest.mark.parametrize("kind", POISON)
def test_poison_stops_its_tenant_alone(
    kind: str, own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    running = projector(own_pool, chunk_events=3)
    for tenant in tenants:
        send(own_pool, tenant, logins(["1", "2", "3", "4"]))
    poison(own_pool, tenants[1], *POISON[kind])
    for tenant in tenants:
        send(own_pool, tenant, logins(["6", "7"]))
    clock.turns(running)
    assert [position(own_pool, tenant) for tenant in tenants] == [6, 4, 6]
    assert [failing(tenant) for tenant in tenants] == [0, 1, 0]
    assert [failed_position(own_pool, tenant) for tenant in tenants] == [None, 5, None]

    for tenant in tenants:
        send(own_pool, tenant, logins(["8"]))
    clock.now_s += 60
    clock.turns(running)
    assert [position(own_pool, tenant) for tenant in tenants] == [7, 4, 7]
    assert [failing(tenant) for tenant in tenants] == [0, 1, 0]


@pytest.mark.parametrize("chunk_events", [1, 3, 1_000])
@pytest.mark.parametrize("kind", ["rubbish", "text that no column takes"])
def test_all_that_stood_before_the_poison_is_shown(
    kind: str, chunk_events: int, own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    model = Model()
    batch = logins(["1", "2", "3", "4", "5"])
    send(own_pool, tenants[1], batch)
    model.ingest_body(body(batch))
    poison(own_pool, tenants[1], *POISON[kind])
    send(own_pool, tenants[1], logins(["7", "8"]))
    clock.turns(projector(own_pool, chunk_events=chunk_events))
    assert position(own_pool, tenants[1]) == 5
    assert_as_the_model(own_pool, tenants[1], model)


def test_every_process_sees_what_failed_and_since_when(
    own_pool: Pool, tenants: list[Tenant], clock: Clock, digestible: Callable[[], None]
) -> None:
    send(own_pool, tenants[1], logins(["1"]))
    before = datetime.now(UTC)
    poison(own_pool, tenants[1], *POISON["a topic of the future"])
    clock.turns(projector(own_pool))
    first = failures(own_pool, tenants[1])
    clock.now_s += 60
    clock.turns(projector(own_pool))
    assert failures(own_pool, tenants[1]) == first
    failure = first[0]
    assert failure is not None
    assert failure.position == 2
    assert "BetPlaced.v2" in failure.reason
    assert before <= failure.since <= datetime.now(UTC)
    assert len(first) == len(READ_MODELS)
    assert set(failures(own_pool, tenants[0])) == {None}

    digestible()
    clock.now_s += 60
    clock.turns(projector(own_pool))
    assert set(failures(own_pool, tenants[1])) == {None}
    assert position(own_pool, tenants[1]) == 2


def test_a_reason_that_is_no_text_for_the_database_is_kept(
    own_pool: Pool, tenants: list[Tenant], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(own_pool, tenants[1], logins(["1"]))
    refuse_for(tenants[1], RuntimeError("a\0b\ud800c" + "x" * 10_000), monkeypatch)
    clock.turns(projector(own_pool))
    failure = failures(own_pool, tenants[1])[0]
    assert failure is not None
    assert failure.reason.startswith("RuntimeError: a\N{REPLACEMENT CHARACTER}b?c")
    assert len(failure.reason) == 500


def test_the_log_names_the_position_and_the_reason(
    own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    send(own_pool, tenants[1], logins(["1"]))
    poison(own_pool, tenants[1], *POISON["rubbish"])
    with capture_logs() as lines:
        clock.turns(projector(own_pool))
    [line] = [line for line in lines if line["event"] == "projection stands still"]
    assert (line["tenant_id"], line["position"]) == (tenants[1].tenant_id, 2)
    assert line["reason"]
    assert line["log_level"] == "error"


def test_another_process_shows_the_failure_in_its_metric_too(
    own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    poison(own_pool, tenants[1], *POISON["rubbish"])
    clock.turns(projector(own_pool))
    FAILING.labels(tenants[1].tenant_id).set(0)  # as it is where another process found it
    resting = projector(own_pool)
    with own_pool.connection() as other, other.transaction():
        other.execute(
            "select 1 from tracking where tenant_id = %s for update", [tenants[1].tenant_id]
        )
        clock.turns(resting)
    assert failing(tenants[1]) == 1


def test_a_tenant_goes_on_where_it_stood_when_the_cause_is_mended(
    own_pool: Pool, tenants: list[Tenant], clock: Clock, digestible: Callable[[], None]
) -> None:
    running = projector(own_pool)
    send(own_pool, tenants[1], logins(["1", "2"]))
    poison(own_pool, tenants[1], *POISON["rubbish"])
    send(own_pool, tenants[1], logins(["4"]))
    clock.turns(running)
    digestible()
    clock.turns(running)
    assert position(own_pool, tenants[1]) == 2, "it rests for a while"
    clock.now_s += 60
    clock.turns(running)
    assert position(own_pool, tenants[1]) == 4
    assert failing(tenants[1]) == 0


def test_a_projector_sees_that_another_one_has_mended_it(
    own_pool: Pool, tenants: list[Tenant], clock: Clock, digestible: Callable[[], None]
) -> None:
    stuck = projector(own_pool)
    poison(own_pool, tenants[1], *POISON["rubbish"])
    clock.turns(stuck)
    assert failing(tenants[1]) == 1
    digestible()
    assert project(own_pool, tenants[1]) == 1
    clock.turns(stuck)
    assert failing(tenants[1]) == 0


def test_a_tenant_that_another_projector_has_in_hand_is_not_mended_by_that(
    own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    stuck = projector(own_pool)
    poison(own_pool, tenants[1], *POISON["rubbish"])
    clock.turns(stuck)
    clock.now_s += 60
    with own_pool.connection() as other, other.transaction():
        other.execute(
            "select 1 from tracking where tenant_id = %s for update", [tenants[1].tenant_id]
        )
        clock.turns(stuck)
    assert failing(tenants[1]) == 1


@pytest.mark.parametrize(
    "error",
    [
        psycopg.errors.ProgramLimitExceeded("index row requires 60016 bytes"),
        psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
        psycopg.errors.QueryCanceled("canceling statement due to statement timeout"),
        psycopg.errors.NumericValueOutOfRange("bigint out of range"),
        CopyRefused("duplicate key"),
        RuntimeError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_postgresql_refuses_of_one_tenant_stops_that_tenant_alone(
    error: Exception,
    own_pool: Pool,
    tenants: list[Tenant],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for tenant in tenants:
        send(own_pool, tenant, logins(["1"]))
    refuse_for(tenants[1], error, monkeypatch)
    clock.turns(projector(own_pool))
    assert [position(own_pool, tenant) for tenant in tenants] == [1, 0, 1]
    assert [failing(tenant) for tenant in tenants] == [0, 1, 0]


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("server closed the connection unexpectedly"),
        psycopg.InterfaceError("the connection is closed"),
        psycopg.errors.AdminShutdown("terminating connection"),
        psycopg.errors.DiskFull("no space left on device"),
        psycopg.errors.TooManyConnections("too many clients already"),
        psycopg.errors.InternalError_("quota exceeded"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_chunk_that_the_store_breaks_off_is_no_tenants_fault_and_holds_up_no_other(
    error: Exception,
    own_pool: Pool,
    tenants: list[Tenant],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for tenant in tenants:
        send(own_pool, tenant, logins(["1"]))
    with monkeypatch.context() as patched:
        refuse_for(tenants[1], error, patched)
        running = projector(own_pool)
        clock.turns(running)
    assert [failing(tenant) for tenant in tenants] == [0, 0, 0]
    assert [position(own_pool, tenant) for tenant in tenants] == [1, 0, 1]
    clock.now_s += 1
    clock.turns(running)
    assert [position(own_pool, tenant) for tenant in tenants] == [1, 1, 1]


def refuse_for(tenant: Tenant, error: Exception, patched: pytest.MonkeyPatch) -> None:
    def fail(connection: Any, scope: Scope, *args: Any) -> None:
        if scope == scope_of(tenant):
            raise error
        advance(connection, scope, *args)

    patched.setattr("projections.engine.projector.advance", fail)


def test_a_tag_of_any_length_holds_up_nobody(
    own_pool: Pool, tenants: list[Tenant], clock: Clock
) -> None:
    tag = "".join(chr(0x4E00 + number * 2_654_435_761 % 20_000) for number in range(20_000))
    data = (
        f'{{"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","player_id":"p","tags":["{tag}"]}}'
    )
    send(own_pool, tenants[0], [WireItem("player", data)])
    send(own_pool, tenants[1], logins(["1"]))
    clock.turns(projector(own_pool))
    assert [position(own_pool, tenant) for tenant in tenants] == [1, 1, 0]
