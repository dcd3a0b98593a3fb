"""Whatever single value of a log or of its evidence is changed, that is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

import psycopg
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from psycopg import sql

from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.evidence.attesting import attest
from app.log.erasure import Why, erase
from postgres.connections import connect, open_pool
from tests.databases import Database, new_database
from tests.evidence.tampering import Case, build, seal, superuser

TABLES = {
    "events": "position",
    "erased": "position",
    "logs": "number",
    "leaf_runs": "first_position",
    "log_keys": "number",
    "tiles": "tree, level, n",
    "checkpoints": "tree, size",
    "head_statements": "n",
    "head_pages": "n, page",
    "head_tiles": "n, level, tile",
    "accesses": "number",
}
# What else is read, and when it was done.
BESIDE = {
    "anchors": "tree, size",
    "conflicts": "number",
    "holds": "number",
    "sealing": "tenant_id",
    "tenants": "tenant_id",
}
# When something was done beside the log; what was done says no time. By `xid` who waits is woken, no more.
NOT_COMMITTED = {"created_at", "added_at", "sealed_at", "made_at", "xid"}
# Of these tables a row may be gone: a crash can take an older checkpoint, and pages are made again.
MAY_BE_GONE = {
    "checkpoints": {"tenant_id", "log_number", "tree"},
    "head_pages": {"tenant_id", "log_number", "n", "page"},
    "head_tiles": {"tenant_id", "log_number", "n", "level", "tile"},
}


@pytest.fixture(scope="module")
def case(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """A log with all that there can be, in a database of its own, and a copy of each of its tables."""
    with new_database(admin_url, template=template) as database:
        with connect(database.service_url) as connection:
            tenant = create_tenant(connection, "changed")
        folder = tmp_path_factory.mktemp("changed")
        with open_pool(database.service_url, max_size=2) as pool:
            case = build(pool, database, tenant, folder, [200, 520], players=290)
            with connect(database.owner_url) as owner:
                assert erase(
                    owner, tenant.tenant_id, "p-43", Why("asked", "support")
                ).record_position
            with connect(database.service_url) as connection:
                attest(connection, case.log, case.settings)
            assert seal(pool, case) == 521
            with connect(database.service_url) as connection:
                attest(connection, case.log, case.settings)
                record_accesses(connection, tenant.tenant_id, ACCESSES)
            assert seal(pool, case) == 521
        case.tamper(*ENTERED_BESIDE, *UNCHECKED)
        with superuser(database) as connection:
            for table in [*TABLES, *BESIDE]:
                kept = sql.SQL("create table {} as table {}")
                connection.execute(kept.format(_kept(table), sql.Identifier(table)))
        assert case.found(anchored=True) == []
        yield case


def _kept(table: str) -> sql.Identifier:
    return sql.Identifier(f"kept_{table}")


ACCESSES = [NewAccess(7, "GET", "/api/v1/history", f"after={n}", "") for n in range(20)]
ENTERED_BESIDE: tuple[LiteralString, ...] = (
    "insert into anchors select tenant_id, log_number, tree, 'file:/a', size, '', sealed_at from checkpoints",
    "insert into holds values (%(tenant_id)s, 1, 'p-1', true, 'asked', 'support', now())",
    "insert into conflicts values (%(tenant_id)s, 1, 7, now(), '', '', 'u-1', 'LoggedIn', '{}')",
)
# What keeps impossible values out does not keep who may change the table.
UNCHECKED: tuple[LiteralString, ...] = (
    "alter table events drop constraint version_is_reached",
    "alter table events drop constraint time_is_one",
    "alter table events drop constraint names_have_room",
)

CHANGES: dict[str, list[str]] = {
    "smallint": ["{0} + 1", "-{0}"],
    "integer": ["{0} + 1", "-{0}", "{0} + 1000000"],
    "bigint": ["{0} + 1", "-{0}", "{0} + 1000000"],
    "boolean": ["not {0}"],
    "text": ["{0} || ' '", "reverse({0})", "upper({0})", "''"],
    "bytea": [
        "set_byte({0}, {1} % length({0}), get_byte({0}, {1} % length({0})) # 1)",
        r"{0} || '\x00'",
        "substr({0}, 2)",
        "''",
        "decode(repeat('00', 16), 'hex')",
    ],
    "timestamp with time zone": ["{0} + interval '1 microsecond'", "{0} - interval '1 year'"],
}
EXTREMES: dict[str, list[str]] = {
    "smallint": ["32767", "-32768", "0"],
    "integer": ["2147483647", "-2147483648", "0"],
    "bigint": ["9223372036854775807", "-9223372036854775808", "0", "1000000000000"],
    "xid8": ["'0'", "'9223372036854775807'"],
    "boolean": ["true", "false"],
    "text": [
        "repeat('x', 300000)",
        "{0} || repeat(chr(10), 70000)",
        "chr(1) || {0}",
        "chr(1114111) || {0}",
        "replace({0}, chr(10), chr(13))",
        "''",
    ],
    "bytea": [
        r"decode(repeat('ff', 3000000), 'hex')",
        r"{0} || decode(repeat('00', 320000), 'hex')",
        r"'\x00'",
        r"'\xff00ff'",
        "''",
    ],
}
NO_TIMES = [
    "'infinity'",
    "'-infinity'",
    "'4713-01-01 00:00:00+00 BC'",
    "'0001-01-01 00:00:00+00 BC'",
    "'10000-01-01 00:00:00+00'",
    "'294276-12-31 23:59:59.999999+00'",
]


@settings(max_examples=60)
@given(data=st.data())
def test_a_single_value_that_was_changed_is_found(case: Case, data: st.DataObject) -> None:
    with superuser(case.database) as connection:
        table = data.draw(st.sampled_from(sorted(TABLES)))
        left_out = NOT_COMMITTED | MAY_BE_GONE.get(table, set())
        there = [each for each in columns(connection, table) if each[0] not in left_out]
        column, kind, nullable = data.draw(st.sampled_from(there))
        changes = [*CHANGES[kind], *["null"] * nullable]
        change = data.draw(st.sampled_from(changes))
        byte = data.draw(st.integers(0, 10_000))
        [rows] = connection.execute(
            sql.SQL("select count(*) from {}").format(_kept(table))
        ).fetchall()
        row = data.draw(st.integers(0, rows[0] - 1))
        value = change.format(column, byte)
        with changed(connection, table, column, value, row):
            assert case.verify(anchored=True).findings.total, (table, column, change, row)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_a_value_is_changed_to_keeps_nobody_from_verifying(
    case: Case, data: st.DataObject
) -> None:
    with superuser(case.database) as connection:
        table = data.draw(st.sampled_from(sorted(TABLES | BESIDE)))
        column, kind, nullable = data.draw(st.sampled_from(columns(connection, table)))
        value = data.draw(st.sampled_from([*EXTREMES.get(kind, NO_TIMES), *["null"] * nullable]))
        row = data.draw(st.integers(0, 3))
        with changed(connection, table, column, f"({value.format(column)})::{kind}", row):
            found = case.verify(anchored=True).findings.total
            left_out = NOT_COMMITTED | MAY_BE_GONE.get(table, set())
            assert found or table in BESIDE or column in left_out, (table, column, value, row)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("events", "version", "-2147483648"),
        ("events", "position", "9223372036854775807"),
        ("leaf_runs", "first_position", "9223372036854775807"),
        ("logs", "number", "0"),
        ("checkpoints", "size", "-9223372036854775808"),
        ("tiles", "n", "9223372036854775807"),
        ("head_statements", "n", "9223372036854775807"),
    ],
)
def test_a_number_at_the_end_of_its_type_is_found(
    case: Case, table: str, column: str, value: str
) -> None:
    with superuser(case.database) as connection, changed(connection, table, column, value, 0):
        assert case.verify().findings.total


def test_a_time_that_no_clock_shows_is_found_wherever_it_is(case: Case) -> None:
    looked_at = 0
    with superuser(case.database) as connection:
        for table in TABLES | BESIDE:
            for column, kind, _ in columns(connection, table):
                if kind != "timestamp with time zone":
                    continue
                for value in NO_TIMES:
                    with changed(connection, table, column, value, 0):
                        assert case.verify().findings.total, (table, column, value)
                    looked_at += 1
    assert looked_at == 15 * len(NO_TIMES)


@contextmanager
def changed(
    connection: psycopg.Connection, table: str, column: str, value: str, row: int
) -> Iterator[None]:
    """Change a value of a row to an expression; afterwards the table is as before."""
    update = sql.SQL(
        "update {table} set {column} = {value} where ctid = (select ctid from {table}"
        " order by {order} limit 1 offset {row}) and {column} is distinct from {value}"
    ).format(
        table=sql.Identifier(table),
        column=sql.Identifier(column),
        value=sql.SQL(value),
        order=sql.SQL((TABLES | BESIDE)[table]),
        row=row,
    )
    try:
        rows = connection.execute(update).rowcount
    except (
        psycopg.errors.IntegrityError,
        psycopg.errors.DataError,
        psycopg.errors.ProgramLimitExceeded,
    ):
        reject()
    if not rows:
        reject()
    try:
        yield
    finally:
        # To tenants there are references.
        empty = "delete from {0};" if table == "tenants" else "truncate {0};"
        restore = sql.SQL(empty + "insert into {0} table {1}")
        connection.execute(restore.format(sql.Identifier(table), _kept(table)))


def columns(connection: psycopg.Connection, table: str) -> list[tuple[str, str, bool]]:
    """List a table's columns: name, type, and whether it may be null."""
    found = connection.execute(
        "select column_name, data_type, is_nullable = 'YES' from information_schema.columns"
        " where table_schema = 'roundbook' and table_name = %s order by ordinal_position",
        [table],
    ).fetchall()
    return [(name, kind, nullable) for name, kind, nullable in found]
