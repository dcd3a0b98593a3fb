"""Brings the schema up to date: numbered steps, each applied once, in order, in a transaction."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import NamedTuple

import psycopg
from psycopg import sql

from postgres.connections import Connection, connect
from postgres.pooling import require_session
from postgres.recovery import check_recovered
from postgres.statements import Statement, Statements, scripts

_MIGRATION_LOCK = 0x526F756E64626F6F

_STEP = re.compile(r"step_(?P<number>\d{4})_(?P<name>\w+)")

REMEDY = (
    "run `roundbook migrate` with ROUNDBOOK_OWNER_URL set to the credential that owns the database"
)


class Sql(Statements):
    """Migrating: what is done already, and the locks beside it."""

    applied: Statement
    has_schema: Statement
    create_schema: Statement
    create_migrations: Statement
    migrated: Statement
    begin_migrating: Statement
    end_migrating: Statement
    take_lock: Statement
    try_lock: Statement


SQL = Sql(__file__)


class MigrationError(Exception):
    """The schema can't be brought up to date."""


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

    With one URL for both, no right is needed where nothing is missing. Raises MigrationError for a schema
    that this version can't work with, for a role that may not migrate, and for two URLs that lead to
    different databases; then nothing was done. Raises postgres.recovery.InRecoveryError for a server that
    takes no writes, postgres.pooling.PoolerError where the owner is led through a pooler, and psycopg.Error
    where PostgreSQL refuses.
    """
    with connect(service_url) as service:
        check_recovered("ROUNDBOOK_DATABASE_URL", service)
        if owner_url == service_url:
            return _apply_missing(schema, service) if missing(schema, service) else []
        with connect(owner_url) as owner:
            check_same_database(owner, service)
            applied = _apply_missing(schema, owner)
            role = _role(service)
            if _role(owner) != role:
                with owner.transaction():
                    for grants in schema.grants():
                        owner.execute(sql.SQL(grants).format(service=sql.Identifier(role)))
    return applied


def check_same_database(owner: Connection, service: Connection) -> None:
    """Make sure that both are in one database, by a lock that only sessions of one database share.

    Names, addresses and even a server's own identifier can be the same for two of them, such as a copy.
    """
    number = secrets.randbits(63)
    with owner.transaction(), service.transaction():
        owner.execute(SQL.take_lock.sql, {"number": number})
        if service.execute(SQL.try_lock.sql, {"number": number}).fetchone() == (True,):
            raise MigrationError(
                f"ROUNDBOOK_OWNER_URL leads to the database {_place(owner)}, and ROUNDBOOK_DATABASE_URL to"
                f" {_place(service)}: both must lead to the same one; nothing was done"
            )


def _place(connection: Connection) -> str:
    info = connection.info
    return f"{info.dbname!r} on {info.host or info.hostaddr}, port {info.port}"


def _role(connection: Connection) -> str:
    found = connection.execute("select current_user").fetchone()
    return str(found and found[0])


def _apply_missing(schema: Schema, owner: Connection) -> list[Migration]:
    require_session(owner, "migrating")
    # Held until the connection is closed: hosts which start together migrate, and grant, one by one.
    owner.execute(SQL.begin_migrating.sql, {"number": _MIGRATION_LOCK})
    steps = missing(schema, owner)
    if not steps:
        return []
    try:
        # `if not exists` needs the right to make a schema also where there is one.
        if not has_schema(owner):
            owner.execute(SQL.create_schema.sql)
        owner.execute(SQL.create_migrations.sql)
        for migration in steps:
            with owner.transaction():
                owner.execute(migration.statements.encode())
                owner.execute(
                    SQL.migrated.sql, {"number": migration.number, "name": migration.name}
                )
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"the schema is not up to date, and the role {owner.info.user!r} may not migrate it"
            f" ({error.diag.message_primary}): {REMEDY}"
        ) from None
    return steps


@contextmanager
def no_migration(owner: Connection) -> Iterator[None]:
    """Keep everybody from migrating the database of a session until the block ends. Raises PoolerError."""
    require_session(owner, "restoring")
    number = {"number": _MIGRATION_LOCK}
    owner.execute(SQL.begin_migrating.sql, number)
    try:
        yield
    finally:
        owner.execute(SQL.end_migrating.sql, number)


def has_schema(connection: Connection) -> bool:
    """Return whether the database of a session has a schema of Roundbook, of whatever version."""
    return connection.execute(SQL.has_schema.sql).fetchone() == (True,)


def applied_steps(connection: Connection) -> list[int]:
    """List the numbers of the steps that were applied. Raises psycopg.Error."""
    return sorted(number for (number,) in connection.execute(SQL.applied.sql))


def check_current(schema: Schema, connection: Connection) -> None:
    """Make sure that the schema is the one that this version of the code expects. Raises MigrationError."""
    if missing(schema, connection):
        raise MigrationError(f"the database's schema is not up to date: {REMEDY}")


def is_current(schema: Schema, connection: Connection) -> bool:
    """Return whether the schema is the one that this version of the code expects."""
    try:
        return not missing(schema, connection)
    except MigrationError:
        return False


def missing(schema: Schema, connection: Connection) -> list[Migration]:
    """List the steps that are to be applied. Raises MigrationError for a schema of a newer version."""
    try:
        done = set(applied_steps(connection))
    except psycopg.errors.UndefinedTable:
        done = set()
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationError(
            f"the role {connection.info.user!r} may not read the schema of Roundbook: {REMEDY}"
        ) from None
    known = schema.migrations()
    if unknown := done - {migration.number for migration in known}:
        raise MigrationError(f"the schema is newer than this version: it has step {max(unknown)}")
    return [migration for migration in known if migration.number not in done]
