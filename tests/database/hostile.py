"""Settings that would change what the service says or finds, and where they may come from."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from api.schema import SCHEMA
from postgres.migrate import migrate
from tests.databases import Database

ROLE = f"roundbook_test_hostile_{os.getpid()}"
OTHER_ROLE = f"roundbook_test_other_{os.getpid()}"
_PASSWORD = "for-tests-only"

SETTINGS = {
    "role": OTHER_ROLE,
    "application_name": "another",
    "client_encoding": "LATIN1",
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Pacific/Auckland",
    "timezone_abbreviations": "Australia",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "lc_monetary": "POSIX",
    "lc_numeric": "POSIX",
    "lc_time": "POSIX",
    "xmlbinary": "hex",
    "xmloption": "document",
    "search_path": "misleading, pg_catalog",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "escape_string_warning": "off",
    "array_nulls": "off",
    "quote_all_identifiers": "on",
    "transform_null_equals": "on",
    "row_security": "on",
    "gin_fuzzy_search_limit": "1",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "synchronous_commit": "off",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "transaction_timeout": "1min",
    "idle_session_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "exit_on_error": "on",
    "tcp_keepalives_idle": "1000",
    "tcp_keepalives_interval": "1000",
    "tcp_keepalives_count": "100",
    "tcp_user_timeout": "1s",
    "client_min_messages": "debug5",
    "jit": "on",
    "plan_cache_mode": "force_custom_plan",
    "constraint_exclusion": "on",
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
    "enable_nestloop": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_hashagg": "off",
    "enable_sort": "off",
    "enable_incremental_sort": "off",
    "enable_material": "off",
    "enable_memoize": "off",
}

# A schema before PostgreSQL's own: with tables and functions of the names that our statements use.
_MISLEADING = """
    create schema misleading;
    create table misleading.events (position bigint);
    create table misleading.tenants (tenant_id int);
    create function misleading.set_config(text, text, boolean) returns text
        language sql as 'select ''misled''';
    create function misleading.current_setting(text, boolean) returns text
        language sql as 'select ''misled''';
    create function misleading.unnest(text[]) returns setof text language sql as 'select ''misled''';
    grant usage on schema misleading to public;
    grant all on all tables in schema misleading to public;
"""


class Victim(NamedTuple):
    """A database, and a role of a test's own that serves it; both may be altered."""

    database: Database
    name: str
    url: str
    settings: Mapping[str, str]

    def as_admin(self, *statements: sql.Composed) -> None:
        """Run statements as the server's master, from another database."""
        with psycopg.connect(self.database.admin_url, autocommit=True) as admin:
            for statement in statements:
                admin.execute(statement)

    def alter(self, what: sql.Composable) -> None:
        """Give a database, or a role, or one in the other, all hostile settings."""
        self.as_admin(
            *(
                sql.SQL("alter {} set {} to {}").format(
                    what,
                    sql.Identifier(name),
                    sql.SQL(", ").join(map(sql.Literal, value.split(", "))),
                )
                for name, value in self.settings.items()
            )
        )


@contextmanager
def victim(database: Database) -> Iterator[Victim]:
    """Make a role that serves `database`, and may become another."""
    parts = urlsplit(database.service_url)
    name = parts.path.removeprefix("/")
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{ROLE}:{_PASSWORD}@{host}"))
    names = {"role": sql.Identifier(ROLE), "other": sql.Identifier(OTHER_ROLE)}
    with psycopg.connect(database.admin_url, dbname=name, autocommit=True) as admin:
        admin.execute(_MISLEADING)
        create = "create role {role} login password {password}; create role {other};"
        admin.execute(sql.SQL(create).format(**names, password=sql.Literal(_PASSWORD)))
        try:
            admin.execute(sql.SQL("grant {other} to {role}").format(**names))
            migrate(SCHEMA, database.owner_url, url)
            known = {
                setting: value
                for setting, value in SETTINGS.items()
                if admin.execute("select current_setting(%s, true)", [setting]).fetchone()
                != (None,)
            }
            yield Victim(database, name, url, known)
        finally:
            admin.execute(
                sql.SQL("drop owned by {role}; drop role {role}, {other}").format(**names)
            )


def _environment(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("PGOPTIONS", options(found.settings))
    for variable, value in {
        "PGCLIENTENCODING": "LATIN1",
        "PGDATESTYLE": "German",
        "PGTZ": "Pacific/Auckland",
        "PGGEQO": "off",
        "PGAPPNAME": "another",
        "PGHOSTADDR": "192.0.2.1",
        "PGTARGETSESSIONATTRS": "standby",
        "PGSERVICE": "there-is-none",
        "PGSERVICEFILE": "/nowhere/at/all",
    }.items():
        patch.setenv(variable, value)
    return found.url


def _refused_environment(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    """What PostgreSQL or libpq would not take."""
    for variable, value in {
        "PGOPTIONS": "-c there.is no",
        "PGCLIENTENCODING": "none-such",
        "PGDATESTYLE": "none-such",
        "PGTZ": "Nowhere/At_all",
        "PGGEQO": "none-such",
        "PGTARGETSESSIONATTRS": "none-such",
    }.items():
        patch.setenv(variable, value)
    return found.url


def _service_file(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    # A line of the file may have a thousand characters; what ends a session before it is ours comes below.
    said = {
        name: value
        for name, value in found.settings.items()
        if not name.startswith("enable_") and value != "1ms"
    }
    file = folder / "services.conf"
    file.write_text(
        f"[hostile]\noptions={options(said)}\nclient_encoding=LATIN1\napplication_name=another\n"
    )
    patch.setenv("PGSERVICEFILE", str(file))
    return with_query(found.url, "service=hostile")


def _connection_string(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    asked = {
        "options": options(found.settings),
        "client_encoding": "LATIN1",
        "application_name": "another",
    }
    return with_query(found.url, "&".join(f"{key}={quote(text)}" for key, text in asked.items()))


def _database(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    found.alter(sql.SQL("database {}").format(sql.Identifier(found.name)))
    return found.url


def _role(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    found.alter(sql.SQL("role {}").format(sql.Identifier(ROLE)))
    found.as_admin(
        sql.SQL("alter role {} set session_authorization to {}").format(
            sql.Identifier(ROLE), sql.Literal(OTHER_ROLE)
        )
    )
    return found.url


def _role_in_database(found: Victim, folder: Path, patch: pytest.MonkeyPatch) -> str:
    names = sql.Identifier(ROLE), sql.Identifier(found.name)
    found.alter(sql.SQL("role {} in database {}").format(*names))
    return found.url


SOURCES: dict[str, Callable[[Victim, Path, pytest.MonkeyPatch], str]] = {
    "the environment": _environment,
    "an environment that PostgreSQL refuses": _refused_environment,
    "a service file": _service_file,
    "the connection string": _connection_string,
    "the database": _database,
    "the role": _role,
    "the role in the database": _role_in_database,
}
"""Functions that make the settings hostile, and give the URL with which to meet them."""


def options(settings: Mapping[str, str]) -> str:
    """Write settings as PGOPTIONS has them."""
    return " ".join(
        f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in settings.items()
    )


def with_query(url: str, more: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, [parts.query, more]))))
