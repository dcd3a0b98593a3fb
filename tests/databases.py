"""Real databases for tests: the embedded PostgreSQL, or the one that ROUNDBOOK_DATABASE_URL names.

Or a cluster (tests/clusters.py). That URL's role must be able to create databases and roles; the service
under test runs as a role of its own, that can't.
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from api.schema import SCHEMA
from postgres.connections import Connection
from postgres.embedded import EmbeddedServer
from postgres.migrate import MigrationError, Schema, check_current, migrate
from postgres.privileges import SQL
from tests import clusters

SERVICE_ROLE = "roundbook_test_service"
OWNER_ROLE = "roundbook_test_owner"
_PASSWORD = "for-tests-only"

_ROLES_LOCK = 0x726F6C65
_numbers = itertools.count(1)


class Database(NamedTuple):
    """A migrated database: the credential that serves, the one that owns, and the server's master."""

    service_url: str
    owner_url: str
    admin_url: str


@contextmanager
def server_admin_url(data_dir: Path) -> Iterator[str]:
    """Give a superuser's URL of a running PostgreSQL."""
    given = os.environ.get(clusters.VARIABLE, os.environ.get("ROUNDBOOK_DATABASE_URL"))
    if given:
        yield given
        return
    with EmbeddedServer(data_dir, say=lambda _: None) as server:
        yield server.admin_url


@contextmanager
def new_database(
    admin_url: str, *, template: Database | None = None, empty: bool = False
) -> Iterator[Database]:
    """Create a migrated database, or a copy of one, or an empty one, and drop it in the end."""
    name = f"roundbook_test_{os.getpid()}_{next(_numbers)}"
    database = Database(
        _with(admin_url, SERVICE_ROLE, name), _with(admin_url, OWNER_ROLE, name), admin_url
    )
    source = _database_name(template.owner_url) if template else None
    with psycopg.connect(admin_url, autocommit=True) as admin:
        _create_roles(admin)
        if clusters.is_given():
            clusters.create(admin_url, name, OWNER_ROLE, SERVICE_ROLE, source)
        else:
            _create(admin, name, source or "template1")
    try:
        if template is None:
            with psycopg.connect(admin_url, dbname=name, autocommit=True) as admin:
                admin.execute(SQL.no_large_objects.sql)
            if not empty:
                migrate(SCHEMA, database.owner_url, database.service_url)
        yield database
    finally:
        if clusters.is_given():
            clusters.drop(admin_url, name)
        else:
            with psycopg.connect(admin_url, autocommit=True) as admin:
                admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _create(admin: psycopg.Connection, name: str, template: str) -> None:
    create = sql.SQL("create database {} owner {} template {}")
    names = map(sql.Identifier, (name, OWNER_ROLE, template))
    admin.execute(create.format(*names))
    temporary = sql.SQL("revoke temporary on database {} from public")
    admin.execute(temporary.format(sql.Identifier(name)))


def _create_roles(admin: psycopg.Connection) -> None:
    # Roles belong to the cluster: test runs beside each other share them, and one at a time makes them.
    with admin.transaction():
        admin.execute("select pg_advisory_xact_lock(%s)", [_ROLES_LOCK])
        for role in (OWNER_ROLE, SERVICE_ROLE):
            known = admin.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            if known is None:
                create = sql.SQL("create role {} login password {}")
                admin.execute(create.format(sql.Identifier(role), sql.Literal(_PASSWORD)))
        admin.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(OWNER_ROLE)))


def _with(url: str, role: str, database: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{_PASSWORD}@{host}", path=f"/{database}"))


def _database_name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def is_current(schema: Schema, connection: Connection) -> bool:
    """Return whether this version of the code can work with the schema."""
    try:
        check_current(schema, connection)
    except MigrationError:
        return False
    return True
