"""Whether a server and its settings are such that the service can count on them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from postgres.connections import Connection
from postgres.doctor.findings import Finding, Verdict, duration, size
from postgres.rows import fetch_all, fetch_one
from postgres.session import CHECKED, MINIMUM_VERSION
from postgres.statements import Statement, Statements

_NEWEST_MAJOR = 18  # that the tests run on

_NEEDED_EXTENSION = "plpgsql"  # the language of the functions; part of every PostgreSQL

_CLOCK_WARNING = timedelta(seconds=1)
_CLOCK_WRONG = timedelta(seconds=60)


class Sql(Statements):
    """Asking a server for what it is set to."""

    settings: Statement
    connections: Statement
    extensions: Statement
    is_standby: Statement
    now: Statement
    database_bytes: Statement


SQL = Sql(__file__)


class _Connections(NamedTuple):
    of_server: int
    of_database: int
    of_role: int
    used: int

    @property
    def limit(self) -> int:
        own = [limit for limit in (self.of_database, self.of_role) if limit >= 0]
        return min(self.of_server, *own) if own else self.of_server


class _Extension(NamedTuple):
    name: str
    version: str


def server(connection: Connection, *, connections_needed: int) -> Iterator[Finding]:
    """Check what server, database and role are set to, by the session of the role that serves.

    Raises psycopg.Error.
    """
    yield _version(connection)
    yield _role(connection)
    names = ["synchronous_commit", "full_page_writes", *CHECKED]
    found = dict(fetch_all(connection, SQL.settings, {"names": names}, _setting))
    yield _encoding(connection, found)
    yield from durability(found)
    yield _refused(found)
    yield _connections(connection, connections_needed)
    yield extensions(fetch_all(connection, SQL.extensions, None, _Extension))
    yield clock(_ahead(connection))


def _setting(name: str, value: str | None) -> tuple[str, str | None]:
    return name, value


def _version(connection: Connection) -> Finding:
    number = connection.info.server_version
    written = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number < MINIMUM_VERSION:
        return Finding("version", "wrong", written, "15 or later is needed: upgrade the server")
    if number // 10_000 > _NEWEST_MAJOR:
        what = f"{written}: this version of Roundbook is tested with 15 to {_NEWEST_MAJOR}"
        return Finding("version", "warning", what, "see whether there is a newer one of Roundbook")
    return Finding("version", "ok", written)


def _role(connection: Connection) -> Finding:
    if fetch_one(connection, SQL.is_standby, None, bool):
        return Finding(
            "primary",
            "wrong",
            "it is a standby, where nothing can be recorded",
            "name the primary, or promote this one",
        )
    return Finding("primary", "ok", "it takes what is written")


def _encoding(connection: Connection, found: dict[str, str | None]) -> Finding:
    encoding = found["server_encoding"]
    if encoding != "UTF8":
        return Finding(
            "encoding",
            "wrong",
            f"the database {connection.info.dbname!r} has {encoding}, which can't hold every character",
            "make another with `create database … encoding 'UTF8' template template0`, and move what is there"
            " with pg_dump",
        )
    return Finding("encoding", "ok", "UTF8")


def durability(found: dict[str, str | None]) -> Iterator[Finding]:
    """Judge whether a commit that was confirmed outlasts a crash, by settings and their values."""
    if found["fsync"] != "on":
        yield Finding(
            "durability",
            "wrong",
            f"fsync = {found['fsync']}: what was confirmed is lost with the power, or all of it",
            "set fsync = on for the server, and restart it",
        )
    if found["full_page_writes"] != "on":
        yield Finding(
            "durability",
            "warning",
            f"full_page_writes = {found['full_page_writes']}: after a crash pages may be torn, unless the"
            " file system writes whole ones",
            "set full_page_writes = on for the server, unless you know that it does",
        )
    if found["synchronous_commit"] in {"off", "local", "remote_write"}:
        yield Finding(
            "durability",
            "warning",
            f"synchronous_commit = {found['synchronous_commit']} for the role or the database. Roundbook's"
            " own sessions set it to on",
            "reset it, for whoever else writes by this role: `alter role … reset synchronous_commit`, or"
            " `alter database …`",
        )
    if found["fsync"] == found["full_page_writes"] == "on" and found["synchronous_commit"] in {
        "on",
        "remote_apply",
    }:
        what = "fsync, full_page_writes and synchronous_commit are on"
        yield Finding("durability", "ok", what)


def _refused(found: dict[str, str | None]) -> Finding:
    wrong = [
        f"{name} = {found[name]}, not {value}"
        for name, value in CHECKED.items()
        if found[name] != value and name not in {"server_encoding", "fsync"}
    ]
    if wrong:
        remedy = "set it so for the server, or reset it for database and role: the service does not start"
        return Finding("settings of the server", "wrong", "; ".join(wrong), remedy)
    return Finding(
        "settings of the server", "ok", "those that the service counts on are as they must be"
    )


def _connections(connection: Connection, needed: int) -> Finding:
    found = fetch_one(connection, SQL.connections, None, _Connections)
    if found is None:  # pragma: no cover (the role and the database of a session are there)
        return Finding("connections", "warning", "their limits can't be read")
    return connections(found.limit, found.used, needed)


def connections(limit: int, used: int, needed: int) -> Finding:
    """Judge whether a host's connections fit into those that the server, the database and the role have."""
    what = f"this host needs up to {needed} of {limit}, of which {used} are in use now"
    if needed > limit:
        remedy = (
            "raise max_connections of the server, or the limit of the database or the role; or lower"
            " ROUNDBOOK_POOL_SIZE or the number of workers"
        )
        return Finding("connections", "wrong", what, remedy)
    if used > 0.9 * limit:
        return Finding(
            "connections", "warning", what, "raise max_connections, or see who uses them"
        )
    return Finding("connections", "ok", what)


def extensions(found: list[_Extension]) -> Finding:
    """Judge what is installed: nothing is needed beyond what each database has."""
    listed = ", ".join(f"{each.name} {each.version}" for each in found)
    if not any(each.name == _NEEDED_EXTENSION for each in found):
        remedy = f"`create extension {_NEEDED_EXTENSION}` in the database, as its owner"
        return Finding("extensions", "wrong", f"{_NEEDED_EXTENSION} is missing", remedy)
    return Finding("extensions", "ok", f"all that are needed are there: {listed}")


def _ahead(connection: Connection) -> timedelta:
    """Return how far the database's clock is ahead of this host's, by the quickest of three answers."""
    measured: list[tuple[timedelta, timedelta]] = []
    for _ in range(3):
        before = datetime.now(UTC)
        (now,) = fetch_all(connection, SQL.now, None, _moment)
        after = datetime.now(UTC)
        measured.append((after - before, now - (before + (after - before) / 2)))
    return min(measured)[1]


def _moment(now: datetime) -> datetime:
    return now


def clock(ahead: timedelta) -> Finding:
    """Judge the difference between the database's clock and this host's."""
    off = abs(ahead)
    which = "ahead of" if ahead > timedelta() else "behind"
    what = f"the database's clock is {duration(off.total_seconds())} {which} this host's"
    remedy = "let both follow the same time servers (NTP)"
    verdict: Verdict
    if off > _CLOCK_WRONG:
        verdict = "wrong"
    elif off > _CLOCK_WARNING:
        verdict = "warning"
    else:
        return Finding(
            "clock", "ok", f"the database's and this host's differ by {off.total_seconds():.3f} s"
        )
    return Finding("clock", verdict, what, remedy)


def database_size(connection: Connection) -> Finding:
    """Tell how large the database is, where its disk can't be seen. Raises psycopg.Error."""
    found = fetch_one(connection, SQL.database_bytes, None, int) or 0
    what = (
        f"the database has {size(found)}; its server's disk can't be seen from here: watch it there"
    )
    return Finding("disk", "ok", what)
