"""A row that somebody entered beyond the head of a log, or before its first event, is no part of it."""

import threading
from collections.abc import Iterator

import psycopg
import pytest

from app.log.append import read_head
from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.catching_up import Reach, catch_up
from tests.databases import Database
from tests.evidence.tampering import superuser
from tests.projections.helpers import position, projector, read_models
from tests.projections.rebuilding import Known, known_generations, projecting, rebuild
from tests.recording.sending import logins, send

EVENTS = 300
FAR = 10**12
ENTER = (
    "insert into events (position, tenant_id, version, recorded_at, occurred_at, stream, topic, state)"
    " select %(at)s, tenant_id, 1, recorded_at, occurred_at, 'player:nobody' || %(at)s, topic,"
    " convert_to(replace(convert_from(state, 'UTF8'), '\"player_id\":\"', '\"player_id\":\"nobody'), 'UTF8')"
    " from events where tenant_id = %(tenant_id)s and position = 1"
)


@pytest.fixture
def forger(database: Database) -> Iterator[psycopg.Connection]:
    with superuser(database) as connection:
        # What keeps impossible values out does not keep who may change the table.
        connection.execute("alter table events drop constraint version_is_reached")
        try:
            yield connection
        finally:
            connection.execute(
                "alter table events add constraint version_is_reached"
                " check (version between 0 and position) not valid"
            )


@pytest.fixture
def recorded(pool: Pool, tenant: Tenant) -> Tenant:
    send(pool, tenant, logins(map(str, range(EVENTS))))
    return tenant


def test_it_is_not_projected_and_holds_up_nothing(
    pool: Pool, recorded: Tenant, forger: psycopg.Connection
) -> None:
    whose = {"tenant_id": recorded.tenant_id}
    with projecting(pool, recorded):
        for at in (FAR, 2**63 - 1, EVENTS + 200, 0, -1, -FAR):
            forger.execute(ENTER, {**whose, "at": at})
        # What is recorded after that goes on where the log ends.
        for more in (1, 40):
            send(pool, recorded, logins(f"more-{more}-{each}" for each in range(more)))
        end = EVENTS + 41
        with pool.connection() as connection:
            assert read_head(connection, recorded.tenant_id).position == end
        by_chunks = projector(pool, chunk_events=50)
        reach = catch_up(pool, by_chunks, recorded.tenant_id, stop=threading.Event())
        assert reach == Reach(end, end)
        rebuilt = rebuild(pool, recorded.tenant_id)
    assert (rebuilt.position, rebuilt.differences) == (end, 0)
    assert position(pool, recorded) == end
    assert "nobody" not in str(read_models(pool, recorded))


def test_in_an_empty_log_neither(pool: Pool, tenant: Tenant, forger: psycopg.Connection) -> None:
    forger.execute(
        "insert into events (position, tenant_id, version, recorded_at, stream, topic, state)"
        " select at, %s, at, now(), 'player:p', 'LoggedIn', '' from unnest(array[-7, -6, 0, 9]) as at",
        [tenant.tenant_id],
    )
    assert rebuild(pool, tenant.tenant_id).position == 0
    send(pool, tenant, logins(["a", "b"]))
    assert rebuild(pool, tenant.tenant_id).position == 0
    by_chunks = projector(pool)
    reach = catch_up(pool, by_chunks, tenant.tenant_id, stop=threading.Event())
    assert reach == Reach(2, 2)


def test_an_event_that_is_gone_in_the_middle_moves_no_head(
    pool: Pool, recorded: Tenant, forger: psycopg.Connection
) -> None:
    gone = [recorded.tenant_id, EVENTS - 1]
    forger.execute("delete from events where tenant_id = %s and position = %s", gone)
    send(pool, recorded, logins(["more"]))
    by_chunks = projector(pool, chunk_events=50)
    reach = catch_up(pool, by_chunks, recorded.tenant_id, stop=threading.Event())
    assert reach == Reach(EVENTS + 1, EVENTS + 1)


def test_a_rebuild_brings_back_what_went_beyond_the_end_of_the_log(
    pool: Pool, recorded: Tenant, forger: psycopg.Connection
) -> None:
    whose = {"tenant_id": recorded.tenant_id}
    # As a hash is recorded with it, it passes for the head; then it is gone.
    forger.execute(ENTER, {**whose, "at": FAR})
    forger.execute(
        "insert into leaf_runs select tenant_id, number, %(at)s, sha256('') from logs"
        " where tenant_id = %(tenant_id)s",
        {**whose, "at": FAR},
    )
    by_chunks = projector(pool, chunk_events=50)
    reach = catch_up(pool, by_chunks, recorded.tenant_id, stop=threading.Event())
    assert reach == Reach(FAR, FAR)
    assert "nobody" in str(read_models(pool, recorded))
    for table, column in (("events", "position"), ("leaf_runs", "first_position")):
        forger.execute(
            f"delete from {table} where tenant_id = %(tenant_id)s and {column} = %(at)s".encode(),
            {**whose, "at": FAR},
        )
    rebuilt = rebuild(pool, recorded.tenant_id)
    assert rebuilt.position == EVENTS
    assert rebuilt.differences > 0
    assert known_generations(pool, recorded) == [Known(2, EVENTS, live=True, retired=False)]
    assert "nobody" not in str(read_models(pool, recorded))
    send(pool, recorded, logins(["more"]))
    assert (
        catch_up(pool, by_chunks, recorded.tenant_id, stop=threading.Event()).position == EVENTS + 1
    )
