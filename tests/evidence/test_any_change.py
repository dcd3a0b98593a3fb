"""Whatever single value of a log or of its evidence is changed, that is found."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from psycopg import sql

from api.tenancy import create_tenant
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
}
# When something was done beside the log; what was done says no time.
NOT_COMMITTED = {"created_at", "added_at", "sealed_at", "made_at"}
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
        with superuser(database) as connection:
            for table in TABLES:
                kept = sql.SQL("create table {} as table {}")
                connection.execute(kept.format(_kept(table), sql.Identifier(table)))
        assert case.found(anchored=True) == []
        yield case


def _kept(table: str) -> sql.Identifier:
    return sql.Identifier(f"kept_{table}")


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


@settings(max_examples=60)
@given(data=st.data())
def test_a_single_value_that_was_changed_is_found(case: Case, data: st.DataObject) -> None:
    with superuser(case.database) as connection:
        table = data.draw(st.sampled_from(sorted(TABLES)))
        column, kind, nullable = data.draw(st.sampled_from(columns(connection, table)))
        changes = [*CHANGES[kind], *["null"] * nullable]
        change = data.draw(st.sampled_from(changes))
        byte = data.draw(st.integers(0, 10_000))
        [rows] = connection.execute(
            sql.SQL("select count(*) from {}").format(_kept(table))
        ).fetchall()
        row = data.draw(st.integers(0, rows[0] - 1))
        update = sql.SQL(
            "update {table} set {column} = {value} where ctid = (select ctid from {table}"
            " order by {order} limit 1 offset {row}) and {column} is distinct from {value}"
        ).format(
            table=sql.Identifier(table),
            column=sql.Identifier(column),
            value=sql.SQL(change.format(column, byte)),
            order=sql.SQL(TABLES[table]),
            row=row,
        )
        try:
            changed = connection.execute(update).rowcount
        except (psycopg.errors.IntegrityError, psycopg.errors.DataError):
            reject()
        try:
            if not changed:
                reject()
            assert case.verify(anchored=True).findings.total, (table, column, change, row)
        finally:
            restore = "truncate {0}; insert into {0} table {1}"
            connection.execute(sql.SQL(restore).format(sql.Identifier(table), _kept(table)))


def columns(connection: psycopg.Connection, table: str) -> list[tuple[str, str, bool]]:
    """List a table's columns: name, type, and whether it may be null."""
    found = connection.execute(
        "select column_name, data_type, is_nullable = 'YES' from information_schema.columns"
        " where table_schema = 'roundbook' and table_name = %s order by ordinal_position",
        [table],
    ).fetchall()
    left_out = NOT_COMMITTED | MAY_BE_GONE.get(table, set())
    return [(name, kind, nullable) for name, kind, nullable in found if name not in left_out]
