"""Why a database can't be reached, and whether waiting helps.

libpq tells the cause of a failed connection in words alone, in the server's language. What decides is what
the server says beside them: its SQLSTATE, which libpq's trace of the messages shows. Where a server answers,
but not with an error, it is us who can't connect.
"""

import os
import re
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from postgres import libpq
from postgres.connections import OPTIONS, Connection, connect, parameters
from postgres.errors import mends_itself
from postgres.pooling import is_refused_by_pooler

_LIMIT_S = 5
_ERROR = re.compile(rb'^B\t\d+\tErrorResponse\t.*? C "([0-9A-Z]{5})" ', re.MULTILINE)

# What leads to a server. What may stand between, such as TLS, is in the rest.
_WHERE = ("host", "hostaddr", "port", "user", "dbname", "service", "connect_timeout")
_UNENCRYPTED = {"sslmode": "disable", "gssencmode": "disable"}


class UnreachableError(Exception):
    """The database that a setting names can't be reached, and that does not mend itself."""


def connect_as(setting: str, url: str) -> Connection:
    """Connect to the database that a setting names.

    Raises UnreachableError whether that mends itself or not, and postgres.session.SessionError.
    """
    try:
        return connect(url)
    except psycopg.Error as error:
        raise unreachable(setting, error) from None


def reach(setting: str, url: str) -> None:
    """Connect once, and no more.

    Raises psycopg.OperationalError where a later try may succeed by itself, UnreachableError that names
    the `setting` where somebody must do something, and postgres.session.SessionError.
    """
    try:
        connect(url).close()
    except psycopg.Error as error:
        if isinstance(error, psycopg.OperationalError) and may_mend(error, url):
            raise
        raise unreachable(setting, error) from None


def may_mend(error: psycopg.OperationalError, url: str) -> bool:
    """Return whether a connection that failed with this error may succeed later by itself.

    It may while nobody answers (the server, or the name of its host, is still to come) and while the server
    says so (`mends_itself`). It tries again to find out, for seconds at most.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return True
    if is_refused_by_pooler(error):
        return False
    # A server that is up, but not as wanted, may become so.
    asked = {**parameters(url), "connect_timeout": _LIMIT_S, "target_session_attrs": "any"}
    if asked.get("options") == OPTIONS:  # which a pooler may refuse before it says what is wrong
        del asked["options"]
    for _ in range(2):  # a server that has just come is asked again
        found = _attempt(asked)
        if found.connected:
            return True
        if found.states:
            return any(map(mends_itself, found.states))
        if not found.answered and not _attempt(_plain(asked)).answered:
            return _is_valid(asked)
    return False


def unreachable(setting: str, error: psycopg.Error) -> UnreachableError:
    """Say in one line what is wrong with the database of a setting, and what else libpq went by."""
    said: list[str] = []
    for line in filter(None, map(str.strip, str(error).splitlines())):
        # libpq may try twice, with TLS and without.
        if not any(before.endswith(line) for before in said):
            said.append(line)
    others = ", ".join(libpq.variables_in_use())
    beside = f" (libpq goes by {others} of the environment, too)" if others else ""
    return UnreachableError(f"{setting}: {'; '.join(said)}{beside}")


class _Attempt(NamedTuple):
    """What came of an attempt to connect: whether a server answered, and the SQLSTATEs of its errors."""

    connected: bool
    answered: bool
    states: list[str]


def _attempt(asked: Mapping[str, Any]) -> _Attempt:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as trace:
        try:
            os.set_blocking(writer, False)
            connection = pq.PGconn.connect_start(make_conninfo(**asked).encode())
            with suppress(psycopg.NotSupportedError):  # beyond Linux, where all is waited for
                connection.trace(writer)
                connection.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            connected = _poll(connection)
            asked_for_password = connection.needs_password or connection.used_password
            connection.untrace()  # writes what is left
            connection.finish()
        finally:
            os.close(writer)
        states = [state.decode() for state in _ERROR.findall(trace.read())]
    return _Attempt(connected, connected or asked_for_password or bool(states), states)


def _plain(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Lead to the same server, without what may stand between."""
    where = {name: asked[name] for name in _WHERE if name in asked}
    neutral = {name: value for name, value in libpq.defaults().items() if name not in _WHERE}
    return {**neutral, **_UNENCRYPTED, **where}


def _is_valid(asked: Mapping[str, Any]) -> bool:
    """Return whether libpq can begin to connect with these parameters at all."""
    ports = str(asked.get("port") or os.environ.get("PGPORT", "")).split(",")
    if not all(not port or (port.isdecimal() and 0 < int(port) < 65_536) for port in ports):
        return False
    nowhere = make_conninfo(**{**asked, "host": "/", "hostaddr": "", "port": ""})
    return pq.PGconn.ping(nowhere.encode()) != pq.Ping.NO_ATTEMPT


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
