"""Why a database can't be reached, and whether waiting helps.

libpq tells the cause of a failed connection in words alone, in the server's language. What the server
says beside them is decided by: its SQLSTATE, which libpq's trace of the messages shows. Where the server
says nothing, PQping tells whether it is there and takes connections: then it is us who can't.
"""

import os
import re
import select
import time
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq.abc import PGconn

from postgres.connections import Connection, connect, parameters
from postgres.errors import mends_itself

_LIMIT_S = 5
_ERROR = re.compile(rb'^B\t\d+\tErrorResponse\t.*? C "([0-9A-Z]{5})" ', re.MULTILINE)

# Whom to ask whether they are there; no more, as what stands between may be in the rest.
_WHERE = ("host", "hostaddr", "port", "user", "dbname", "service", "connect_timeout")
_UNENCRYPTED = {"sslmode": "disable", "sslrootcert": "", "gssencmode": "disable"}


class UnreachableError(Exception):
    """The database that a setting names can't be reached, and that does not mend itself."""


def connect_as(setting: str, url: str) -> Connection:
    """Connect to the database that a setting names.

    Raises UnreachableError whether that mends itself or not, and postgres.session.SessionError.
    """
    try:
        return connect(url)
    except psycopg.OperationalError as error:
        raise _unreachable(setting, error) from None


def reach(setting: str, url: str) -> None:
    """Connect once, and no more.

    Raises psycopg.OperationalError where a later try may succeed by itself, UnreachableError that names
    the `setting` where somebody must do something, and postgres.session.SessionError.
    """
    try:
        connect(url).close()
    except psycopg.OperationalError as error:
        if may_mend(error, url):
            raise
        raise _unreachable(setting, error) from None


def may_mend(error: psycopg.OperationalError, url: str) -> bool:
    """Return whether a connection that failed with this error may succeed later by itself.

    It may while nobody answers (the server, or the name of its host, is still to come) and while the server
    says that it may (`mends_itself`). It tries again to find out, for seconds at most.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return True
    # A server of several that is up, but not as wanted, may become so.
    asked = {**parameters(url), "connect_timeout": _LIMIT_S, "target_session_attrs": "any"}
    if not _has_ports(asked):
        return False
    conninfo = make_conninfo(**asked)
    for _ in range(2):  # the second time after it was found to be there: it may just have come
        connected, states = _attempt(conninfo)
        if connected or states:
            return connected or any(map(mends_itself, states))
        if not _answers(conninfo):
            return True
    return False


def _unreachable(setting: str, error: psycopg.Error) -> UnreachableError:
    """Say in one line what is wrong with the database of a setting, and what else libpq went by."""
    said: list[str] = []
    for line in filter(None, map(str.strip, str(error).splitlines())):
        # libpq may try twice, with TLS and without.
        if not any(before.endswith(line) for before in said):
            said.append(line)
    others = [name for name in _libpq_variables() if name in os.environ]
    beside = f" (libpq goes by {', '.join(others)} of the environment, too)" if others else ""
    return UnreachableError(f"{setting}: {'; '.join(said)}{beside}")


def _attempt(conninfo: str) -> tuple[bool, list[str]]:
    """Try to connect; return whether that went well, and the SQLSTATEs that were received."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as trace:
        try:
            os.set_blocking(writer, False)
            connection = pq.PGconn.connect_start(conninfo.encode())
            with suppress(psycopg.NotSupportedError):  # beyond Linux: told by PQping alone
                connection.trace(writer)
                connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            connected = _poll(connection)
            connection.finish()
        finally:
            os.close(writer)
        return connected, [state.decode() for state in _ERROR.findall(trace.read())]


def _poll(connection: PGconn) -> bool:
    """Go through the steps of connecting; return whether that went well, and in time."""
    until_s = time.monotonic() + _LIMIT_S
    while connection.status != pq.ConnStatus.BAD and (left_s := until_s - time.monotonic()) > 0:
        match connection.connect_poll():
            case pq.PollingStatus.READING:
                select.select([connection.socket], [], [], left_s)
            case pq.PollingStatus.WRITING:
                select.select([], [connection.socket], [], left_s)
            case status:
                return bool(status == pq.PollingStatus.OK)
    return False


def _answers(conninfo: str) -> bool:
    """Return whether there is a server that takes connections, or parameters that it can't be asked with."""
    told = pq.Ping(pq.PGconn.ping(conninfo.encode()))
    if told == pq.Ping.NO_RESPONSE:
        given = conninfo_to_dict(conninfo)
        plain: dict[str, Any] = {name: given[name] for name in _WHERE if name in given}
        told = pq.Ping(pq.PGconn.ping(make_conninfo(**plain, **_UNENCRYPTED).encode()))
    return told in {pq.Ping.OK, pq.Ping.NO_ATTEMPT}


def _has_ports(given: dict[str, Any]) -> bool:
    """Return whether all ports are ones: of others libpq says the same as of a server that is away."""
    ports = str(given.get("port") or os.environ.get("PGPORT", "")).split(",")
    return all(not port or (port.isdecimal() and 0 < int(port) < 65_536) for port in ports)


def _libpq_variables() -> list[str]:
    return [option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar]
