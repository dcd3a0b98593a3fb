"""Whatever is inserted into the log directly, only what goes on at its head goes in."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.tenants import Tenant
from postgres.connections import Connection, Pool, connect
from tests import clusters
from tests.databases import Database
from tests.recording.sending import logins, send

_COLUMNS = "(tenant_id, position, version, recorded_at, stream, topic, state)"
_COPY = f"copy events {_COLUMNS} from stdin"
_UNKNOWN = 2**31 - 1
_TOLERATED = timedelta(minutes=5)

_streams = count()


class Row(NamedTuple):
    """What is chosen of a row: whose it is, how far from the head, its version, its time and its topic."""

    tenant: str
    beyond_head: int
    version: int
    recorded: str
    topic: str


class Head(NamedTuple):
    """Where the log ended, and what the database's clock says."""

    position: int
    recorded_at: datetime | None
    now: datetime


MOMENTS = {
    "now": timedelta(0),
    "a while ago": -timedelta(seconds=200),
    "in a while": timedelta(seconds=200),
    "too long ago": -timedelta(seconds=400),
    "too far ahead": timedelta(seconds=400),
    "another day": timedelta(days=1),
    "in another year": -timedelta(days=1000),
}
AT_HEAD = ("with the head", "before the head")

rows = st.builds(
    Row,
    st.sampled_from(["mine"] * 5 + ["other", "unknown"]),
    st.integers(-3, 4),
    st.sampled_from([1, 1, 1, 2, 0, -1, 100, 2**31 - 1]),
    st.sampled_from(["now"] * 5 + [*MOMENTS, *AT_HEAD]),
    st.sampled_from(["LoggedIn"] * 9 + ["PlayerErased"]),
)


@st.composite
def batches(draw: st.DrawFn) -> list[Row]:
    """What goes on at the head, often with something wrong."""
    when = draw(st.sampled_from([*MOMENTS, *AT_HEAD]))
    batch = [Row("mine", n, 1, when, "LoggedIn") for n in range(1, draw(st.integers(1, 4)) + 1)]
    for odd in draw(st.lists(rows, max_size=2)):
        if draw(st.booleans()):
            batch.append(odd)
        else:
            batch[draw(st.integers(0, len(batch) - 1))] = odd
    return draw(st.permutations(batch))


def moment(row: Row, head: Head) -> datetime:
    if row.recorded in MOMENTS or head.recorded_at is None:
        return head.now + MOMENTS.get(row.recorded, timedelta(0))
    return head.recorded_at - timedelta(microseconds=row.recorded == "before the head")


def goes_on(batch: Sequence[Row], head: Head) -> bool:
    """Say what the wall must: whether rows go on at the head of one log, now. That of another is empty."""
    whose, *others = {row.tenant for row in batch}
    if others or whose == "unknown":
        return False
    end = head if whose == "mine" else Head(0, None, head.now)
    positions = {head.position + row.beyond_head: row for row in batch}
    moments = {moment(row, head) for row in batch}
    recorded_at = max(moments)
    return (
        sorted(positions) == [end.position + n for n in range(1, len(batch) + 1)]
        and all(row.topic == "LoggedIn" for row in batch)
        and all(0 <= row.version <= position for position, row in positions.items())
        and len(moments) == 1
        and (end.recorded_at is None or recorded_at >= end.recorded_at)
        and (recorded_at == end.recorded_at or abs(recorded_at - head.now) <= _TOLERATED)
    )


def head_of(connection: Connection, tenant_id: int) -> Head:
    found = connection.execute(
        "select coalesce(max(position), 0), max(recorded_at), clock_timestamp() from events"
        " where tenant_id = %s",
        [tenant_id],
    ).fetchone()
    assert found is not None
    return Head(*found)


def add(
    connection: Connection, batch: Sequence[Row], ids: dict[str, int], head: Head, way: str
) -> None:
    """Insert rows, each into a stream of its own, by one statement."""
    values = [
        (
            ids[row.tenant],
            head.position + row.beyond_head,
            row.version,
            moment(row, head),
            f"player:{next(_streams)}",
            row.topic,
        )
        for row in batch
    ]
    with connection.cursor() as cursor:
        if way == "copy":
            with cursor.copy(_COPY.encode()) as sink:
                for value in values:
                    sink.write_row((*value, "{}"))
        else:
            places = ", ".join(["(%s, %s, %s, %s, %s, %s, '{}')"] * len(values))
            flat = [each for value in values for each in value]
            cursor.execute(f"insert into events {_COLUMNS} values {places}".encode(), flat)


@pytest.fixture
def service(database: Database) -> Iterator[Connection]:
    with connect(database.service_url) as connection:
        yield connection


@pytest.fixture(params=[0, 3], ids=["an empty log", "a log of three"])
def mine(request: pytest.FixtureRequest, pool: Pool, tenant: Tenant) -> Tenant:
    events: int = request.param
    if events:
        send(pool, tenant, logins([f"e{n}" for n in range(events)]))
    return tenant


@given(batch=batches(), way=st.sampled_from(["copy", "insert"]))
@example(batch=[Row("other", 1, 1, "now", "LoggedIn")], way="copy")
@example(batch=[Row("other", -2, 1, "now", "LoggedIn")], way="copy")
def test_only_what_goes_on_at_the_head_goes_in(
    batch: list[Row],
    way: str,
    service: Connection,
    mine: Tenant,
    new_tenant: Callable[..., Tenant],
) -> None:
    ids = {"mine": mine.tenant_id, "unknown": _UNKNOWN}
    if any(row.tenant == "other" for row in batch):
        ids["other"] = new_tenant().tenant_id
    head = head_of(service, mine.tenant_id)
    lawful = goes_on(batch, head)
    try:
        with service.transaction(force_rollback=True):
            add(service, batch, ids, head, way)
    except clusters.of_copy(
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UniqueViolation,
        psycopg.errors.CheckViolation,
    ):
        assert not lawful
    else:
        assert lawful


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("version", "-1"),
        ("version", "2147483647"),
        ("occurred_at", "'infinity'"),
        ("occurred_at", "'-infinity'"),
        ("stream", "repeat('x', 301)"),
        ("topic", "repeat('x', 101)"),
        ("state", "null"),
    ],
)
def test_what_would_hold_up_all_that_follows_does_not_go_in(
    column: str, value: str, service: Connection, mine: Tenant
) -> None:
    head = head_of(service, mine.tenant_id)
    row = {
        "tenant_id": f"{mine.tenant_id}",
        "position": f"{head.position + 1}",
        "version": "1",
        "recorded_at": "clock_timestamp()",
        "occurred_at": "null",
        "stream": "'player:new'",
        "topic": "'LoggedIn'",
        "state": "'{}'",
    }

    def insert(columns: dict[str, str]) -> None:
        names, values = ", ".join(columns), ", ".join(columns.values())
        with service.transaction(force_rollback=True):
            service.execute(f"insert into events ({names}) values ({values})".encode())

    insert(row)
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)):
        insert(row | {column: value})


def test_a_second_statement_goes_on_where_the_first_ended(
    service: Connection, mine: Tenant
) -> None:
    ids = {"mine": mine.tenant_id}
    head = head_of(service, mine.tenant_id)
    one, two = Row("mine", 1, 1, "now", "LoggedIn"), Row("mine", 2, 1, "now", "LoggedIn")
    with service.transaction(force_rollback=True):
        add(service, [one], ids, head, "copy")
        add(service, [two], ids, head, "copy")
    refused = clusters.of_copy(psycopg.errors.InsufficientPrivilege)
    with pytest.raises(refused, match="at the head"), service.transaction():
        add(service, [two], ids, head, "copy")


def test_nobody_goes_on_beside_who_has_not_committed_yet(
    database: Database, service: Connection, mine: Tenant
) -> None:
    """The lock is taken, though nobody asked for it, so that positions are in the order of commits."""
    ids = {"mine": mine.tenant_id}
    head = head_of(service, mine.tenant_id)
    with connect(database.service_url) as another, service.transaction(force_rollback=True):
        add(service, [Row("mine", 1, 1, "now", "LoggedIn")], ids, head, "insert")
        for beyond_head in (1, 2):
            row = Row("mine", beyond_head, 1, "now", "LoggedIn")
            with another.transaction(force_rollback=True):
                clusters.set_everywhere(another, "lock_timeout", "200ms")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    add(another, [row], ids, head, "insert")


def test_who_copies_nothing_is_not_refused(service: Connection, mine: Tenant) -> None:
    with service.cursor() as cursor, cursor.copy(_COPY.encode()):
        pass
    assert head_of(service, mine.tenant_id).position in {0, 3}


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_older_snapshot_finds_no_other_head(
    level: str, pool: Pool, service: Connection, mine: Tenant
) -> None:
    ids = {"mine": mine.tenant_id}
    with service.transaction(force_rollback=True):
        service.execute(f"set transaction isolation level {level}".encode())
        head = head_of(service, mine.tenant_id)
        send(pool, mine, logins(["meanwhile"], "another"))
        with pytest.raises(psycopg.errors.UniqueViolation):
            add(service, [Row("mine", 1, 1, "now", "LoggedIn")], ids, head, "insert")
