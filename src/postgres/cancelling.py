"""Ending what PostgreSQL does for a read that nobody waits for any more, or that takes too long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import psycopg
import structlog

Connection = psycopg.Connection[tuple[Any, ...]]
V = TypeVar("V")

_PATIENCE_S = 5

_current: ContextVar["Cancellation | None"] = ContextVar("cancellation", default=None)

log = structlog.get_logger()


class Cancellation:
    """Runs a read in a thread of the caller's, and ends it from another one.

    The read's connection is only told to cancel while the read has it: afterwards it may be another's.
    """

    def __init__(self) -> None:
        """Nothing is cancelled yet."""
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._cancelled = False

    def run(self, read: Callable[[], V]) -> V:
        """Read. Raises what `read` raises, and psycopg.errors.QueryCanceled where it was ended."""
        token = _current.set(self)
        try:
            return read()
        finally:
            _current.reset(token)

    def cancel(self) -> None:
        """End the statement at work, and what would follow. Waits for PostgreSQL, some seconds at most."""
        self._cancelled = True
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.cancel_safe(timeout=_PATIENCE_S)
            except psycopg.Error as error:
                log.warning("a statement can't be cancelled", error=str(error))

    @contextmanager
    def at_work(self, connection: Connection) -> Iterator[None]:
        """Mark a connection as the one that the read works with. Raises QueryCanceled if it is to end."""
        with self._lock:
            if self._cancelled:
                raise psycopg.errors.QueryCanceled("the read was ended before it began")
            before, self._connection = self._connection, connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = before


@contextmanager
def cancellable(connection: Connection) -> Iterator[None]:
    """Let the read that this code belongs to, if any, be ended while it has the connection."""
    current = _current.get()
    if current is None:
        yield
        return
    with current.at_work(connection):
        yield
