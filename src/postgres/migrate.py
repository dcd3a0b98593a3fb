"""Brings the schema up to date: numbered steps, each applied once, in order, in a transaction."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import NamedTuple

import psycopg
from psycopg import sql

from postgres.connections import Connection, connect
from postgres.statements import scripts

_MINIMUM_VERSION = 150_000
_APPEND_ONLY_TABLES = ("events", "conflicts")

# One number for the whole cluster, so that hosts which start together migrate one after the other.
_MIGRATION_LOCK = 0x526F756E64626F6F

_STEP = re.compile(r"step_(?P<number>\d{4})_(?P<name>\w+)")

# Whether the service may change a table as itself or as any role it may become (`has_table_privilege`
# counts only what is inherited). Who owns the schema or the database may drop the table; who may create
# roles may, before PostgreSQL 16, join any; who runs programs on the server may do anything.
_MAY_CHANGE = """
    select exists (
           select from pg_roles r
            where pg_has_role(current_user, r.oid, 'member')
              and (r.rolsuper or r.rolcreaterole
                   or r.rolname in ('pg_execute_server_program', 'pg_write_server_files')
                   or r.oid in (c.relowner, n.nspowner, d.datdba)
                   or has_table_privilege(r.oid, c.oid, 'update, delete, truncate, trigger')
                   or has_any_column_privilege(r.oid, c.oid, 'update')))
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_database d on d.datname = current_database()
     where n.nspname = 'roundbook' and c.relname = %(table)s
"""


class MigrationError(Exception):
    """The schema can't be brought up to date."""


class TooMuchPrivilegeError(Exception):
    """The service's credential may change the log; it must only be able to add to it."""


class Migration(NamedTuple):
    """One step of a schema. `number` orders the steps and is never given twice."""

    number: int
    name: str
    statements: str


class Schema(NamedTuple):
    """What a database is to hold: the steps and the grants of `packages`.

    A step is a numbered file in a folder `migrations`, or a block of the .sql file beside the module that
    it is for (`-- name: step_0003_rounds()#`). Numbers are given once over all packages.

    `grants.sql` of a package says what the service's role (`{service}`) may do; the `derived` tables it
    may write and delete as it likes, for they can be made anew from the log.
    """

    packages: tuple[str, ...]
    derived: tuple[str, ...] = ()

    def migrations(self) -> list[Migration]:
        """List all steps, in order. Raises MigrationError where two have one number."""
        return list(_migrations(self.packages))

    def grants(self) -> list[str]:
        """List what is to be granted after every migration, each a text of statements."""
        grants = [files(package).joinpath("grants.sql") for package in self.packages]
        texts = [file.read_text("utf-8") for file in grants if file.is_file()]
        if self.derived:
            tables = ", ".join(self.derived)
            texts.append(f"grant insert, update, delete on {tables} to {{service}};")
        return texts


# Whoever asks whether the service is ready asks for all steps, and they don't change while it runs.
@cache
def _migrations(packages: tuple[str, ...]) -> tuple[Migration, ...]:
    found = sorted(step for package in packages for step in _steps(files(package)))
    for one, other in pairwise(found):
        if one.number == other.number:
            raise MigrationError(f"{one.name} and {other.name} are both step {one.number}")
    return tuple(found)


def _steps(folder: Traversable) -> Iterator[Migration]:
    for file in folder.iterdir():
        if file.is_dir():
            yield from _steps(file)
        elif file.name.endswith(".sql") and folder.name == "migrations":
            number, _, name = file.name.removesuffix(".sql").partition("_")
            yield Migration(int(number), name, file.read_text("utf-8"))
        elif file.name.endswith(".sql"):
            for script, text in scripts(file).items():
                numbered = _STEP.fullmatch(script)
                if numbered is None:
                    raise MigrationError(f"{file.name}: {script} is no name of a step")
                yield Migration(int(numbered["number"]), numbered["name"], text)


def migrate(schema: Schema, owner_url: str, service_url: str) -> list[Migration]:
    """Apply what is missing, then grant the service's role what it needs. Returns what was applied.

    Raises MigrationError for a server or a schema that this version can't work with, and
    psycopg.Error where PostgreSQL refuses.
    """
    with connect(service_url) as service:
        service_role = service.info.user
    with connect(owner_url) as owner:
        if owner.info.server_version < _MINIMUM_VERSION:
            raise MigrationError(
                f"PostgreSQL 15 or later is needed, not {owner.info.server_version}"
            )
        owner.execute("select pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        applied = _apply_missing(schema, owner)
        if owner.info.user != service_role:
            with owner.transaction():
                for grants in schema.grants():
                    owner.execute(sql.SQL(grants).format(service=sql.Identifier(service_role)))
    return applied


def _apply_missing(schema: Schema, owner: Connection) -> list[Migration]:
    owner.execute("create schema if not exists roundbook")
    owner.execute(
        "create table if not exists migrations"
        " (number int primary key, name text not null, applied_at timestamptz not null)"
    )
    done = {number for (number,) in owner.execute("select number from migrations")}
    known = schema.migrations()
    if unknown := done - {migration.number for migration in known}:
        raise MigrationError(f"the schema is newer than this version: it has step {max(unknown)}")
    missing = [migration for migration in known if migration.number not in done]
    for migration in missing:
        with owner.transaction():
            owner.execute(migration.statements.encode())
            owner.execute(
                "insert into migrations values (%s, %s, now())", [migration.number, migration.name]
            )
    return missing


def check_service_privileges(service_url: str) -> None:
    """Make sure that the service's own credential can't alter the log, nor become someone who can.

    Raises TooMuchPrivilegeError that says which table it could change.
    """
    with connect(service_url) as service:
        for table in _APPEND_ONLY_TABLES:
            found = service.execute(_MAY_CHANGE, {"table": table}).fetchone()
            if found is None:
                raise MigrationError(f"table roundbook.{table} is missing: run `roundbook migrate`")
            if found[0]:
                raise TooMuchPrivilegeError(
                    f"the role {service.info.user!r} of ROUNDBOOK_DATABASE_URL can change"
                    f" roundbook.{table}; give the service a role of its own, not the owner"
                )


def is_current(schema: Schema, connection: Connection) -> bool:
    """Tell whether the schema is the one that this version of the code expects."""
    try:
        done = {number for (number,) in connection.execute("select number from migrations")}
    except psycopg.errors.UndefinedTable:
        return False
    return done == {migration.number for migration in schema.migrations()}
