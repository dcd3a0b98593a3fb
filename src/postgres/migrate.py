"""Brings the schema up to date: numbered steps, each applied once, in order, in a transaction.

Hosts are upgraded one by one, so the schema may be newer than the code that uses it. Each step says by its
first line which older code can go on with it:

    -- Code that knows step 0013 goes on.

This is kept in the database, for that older code to read. Code that knows less than a step asks for, or that
meets a step without that line, stops with SchemaNewerError.
"""

import re
import secrets
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import NamedTuple

import psycopg
from psycopg import sql

from postgres.connections import Connection, connect
from postgres.distribution import (
    begin_changing,
    distribute,
    is_cluster,
    one_by_one,
    undistributed,
)
from postgres.migration_turn import WAIT_S, in_turn
from postgres.pooling import require_session
from postgres.recovery import check_recovered
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements, scripts

_COMPATIBLE = re.compile(r"-- Code that knows step (\d{4}) goes on\.")
_GRANTS = "grants.sql"
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
    compatible: Statement
    take_lock: Statement
    try_lock: Statement


SQL = Sql(__file__)


class MigrationError(Exception):
    """The schema can't be brought up to date."""


class SchemaNewerError(MigrationError):
    """A newer version migrated the schema, to what this version can't go on with."""


class Migration(NamedTuple):
    """One step of a schema. `number` orders the steps and is never given twice."""

    number: int
    name: str
    statements: str

    @property
    def compatible_since(self) -> int | None:
        """Return the step that code must know at least to go on after this one; None: this one."""
        said = _COMPATIBLE.match(self.statements)
        return int(said[1]) if said else None


class SchemaState(NamedTuple):
    """What this version lacks of a schema (`missing`), and the newest step beyond what it knows (`newer`).

    With steps beyond it this version goes on, or there is none of these: see `look`.
    """

    missing: list[Migration]
    newer: int | None


class Schema(NamedTuple):
    """What a database is to hold: the steps and the grants of `packages`.

    A step is a numbered file in a folder `migrations`, or a block of the .sql file beside the module that
    it is for (`-- name: step_0003_rounds()#`). Numbers are given once over all packages.

    `grants.sql` of a package says what the service's role (`{service}`) may do; the `derived` tables it
    may write and delete as it likes, for they can be made anew from the log.

    On a cluster each node has the `shared` tables whole, in an order in which none refers to a later one;
    what is otherwise there say the files of a package's folder `cluster`, and `grants.sql` in that what more
    is granted.
    """

    packages: tuple[str, ...]
    derived: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    def migrations(self) -> list[Migration]:
        """List all steps, in order. Raises MigrationError where two have one number."""
        return list(_migrations(self.packages))

    def on_clusters(self) -> list[str]:
        """List what is to be run after every migration of a cluster, each a text of statements."""
        folders = [files(package).joinpath("cluster") for package in self.packages]
        found = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
        kept = sorted((file for file in found if file.name != _GRANTS), key=lambda file: file.name)
        return [file.read_text("utf-8") for file in kept]

    def grants_on_clusters(self) -> list[str]:
        """List what is to be granted there beside `grants`, each a text of statements."""
        return self._texts("cluster", _GRANTS)

    def grants(self) -> list[str]:
        """List what is to be granted after every migration, each a text of statements."""
        texts = self._texts(_GRANTS)
        if self.derived:
            tables = ", ".join(self.derived)
            texts.append(f"grant insert, update, delete on {tables} to {{service}};")
        return texts

    def _texts(self, *path: str) -> list[str]:
        found = [files(package).joinpath(*path) for package in self.packages]
        return [file.read_text("utf-8") for file in found if file.is_file()]


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


def migrate(
    schema: Schema,
    owner_url: str,
    service_url: str,
    *,
    wait_s: float = WAIT_S,
    say: Callable[[str], None] = lambda _: None,
) -> list[Migration]:
    """Apply what is missing, then grant the service's role what it needs. Returns what was applied.

    With one URL for both, no right is needed where nothing is missing. A schema that a newer version migrated
    is left as it is, its grants too. Others who migrate, or use what is changed, are waited for by `in_turn`.

    Raises MigrationError for a schema that this version can't work with, for a role that may not migrate, and
    for two URLs that lead to different databases; then nothing was done. Raises
    postgres.migration_turn.MigrationBusyError, of which the steps before stay;
    postgres.recovery.InRecoveryError for a server that takes no writes, postgres.pooling.PoolerError where
    the owner is led through a pooler, and psycopg.Error where PostgreSQL refuses.
    """
    turn = partial(in_turn, wait_s=wait_s, say=say)
    with connect(service_url) as service:
        check_recovered("ROUNDBOOK_DATABASE_URL", service)
        if owner_url == service_url:
            return _apply_missing(schema, service, turn)
        with connect(owner_url) as owner:
            check_same_database(owner, service)
            require_session(owner, "migrating")
            applied = _apply_missing(schema, owner, turn)
            role = _role(service)
            if _role(owner) != role:
                turn(owner, partial(_grant, schema, owner, role))
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


def _apply_missing(
    schema: Schema, owner: Connection, turn: Callable[..., Migration | None]
) -> list[Migration]:
    applied: list[Migration] = []
    try:
        # Hosts that start together migrate in turns, each step once.
        while look(schema, owner).missing:
            require_session(owner, "migrating")
            step = turn(owner, partial(_apply_next, schema, owner))
            if step is not None:
                applied.append(step)
        if is_cluster(owner) and undistributed(owner, schema.shared):
            require_session(owner, "migrating")
            turn(owner, partial(_distribute, schema, owner))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"the schema is not up to date, and the role {owner.info.user!r} may not migrate it"
            f" ({error.diag.message_primary}): {REMEDY}"
        ) from None
    return applied


def _apply_next(schema: Schema, owner: Connection) -> Migration | None:
    """Apply the first step that is missing and return it, None where there is none."""
    steps = look(schema, owner).missing
    if not steps:
        return None
    step, *others = steps
    on_cluster = is_cluster(owner)
    if on_cluster:
        begin_changing(owner)
    # `if not exists` needs the right to make a schema also where there is one.
    if not has_schema(owner):
        owner.execute(SQL.create_schema.sql)
    owner.execute(SQL.create_migrations.sql)
    owner.execute((one_by_one(step.statements) if on_cluster else step.statements).encode())
    owner.execute(SQL.migrated.sql, {"number": step.number, "name": step.name})
    if step.compatible_since is not None:
        since = {"number": step.number, "since": step.compatible_since}
        owner.execute(SQL.compatible.sql, since)
    if on_cluster and not others:
        _distribute(schema, owner)
    return step


def _distribute(schema: Schema, owner: Connection) -> None:
    begin_changing(owner)
    distribute(owner, schema.shared)
    for text in schema.on_clusters():
        owner.execute(text.encode())
    distribute(owner, schema.shared)


def _grant(schema: Schema, owner: Connection, role: str) -> None:
    # What an older version grants is what an older version revokes.
    if look(schema, owner).newer is None:
        texts = schema.grants()
        if is_cluster(owner):
            begin_changing(owner)
            texts += schema.grants_on_clusters()
        for grants in texts:
            owner.execute(sql.SQL(grants).format(service=sql.Identifier(role)))


def has_schema(connection: Connection) -> bool:
    """Return whether the database of a session has a schema of Roundbook, of whatever version."""
    return connection.execute(SQL.has_schema.sql).fetchone() == (True,)


class _Applied(NamedTuple):
    number: int
    compatible_since: int | None


def _applied(connection: Connection) -> list[_Applied]:
    with connection.transaction():  # what fails in it fails alone
        return fetch_all(connection, SQL.applied, None, _Applied)


def applied_steps(connection: Connection) -> list[int]:
    """List the numbers of the steps that were applied. Raises psycopg.Error."""
    return sorted(step.number for step in _applied(connection))


def check_current(schema: Schema, connection: Connection) -> None:
    """Make sure that this version of the code can work with the schema. Raises MigrationError."""
    if look(schema, connection).missing:
        raise MigrationError(f"the database's schema is not up to date: {REMEDY}")


def look(schema: Schema, connection: Connection) -> SchemaState:
    """Tell what is missing of a schema, and whether it is newer than this version, which then goes on.

    Raises SchemaNewerError for one that this version can't go on with, MigrationError for a role that may not
    look, psycopg.Error.
    """
    try:
        done = {step.number: step for step in _applied(connection)}
    except psycopg.errors.UndefinedTable:
        done = {}
    except psycopg.errors.InsufficientPrivilege:
        raise MigrationError(
            f"the role {connection.info.user!r} may not read the schema of Roundbook: {REMEDY}"
        ) from None
    known = {migration.number for migration in schema.migrations()}
    missing = [migration for migration in schema.migrations() if migration.number not in done]
    newer = [step for number, step in done.items() if number not in known]
    newest = max((step.number for step in newer), default=None)
    for step in sorted(newer):
        if missing or not step.compatible_since or step.compatible_since > max(known):
            raise SchemaNewerError(
                f"the schema is newer than this version: it has step {step.number:04d}, and this version,"
                f" which knows the steps up to {max(known):04d}, can't go on with it. Run the version that"
                " migrated the schema, or a later one"
            )
    return SchemaState(missing, newest)
