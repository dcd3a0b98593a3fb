"""Connections that wait for an answer of PostgreSQL so long and no longer.

None of PostgreSQL's own time-outs ends the wait of a client whose answers are lost on their way, nor do
keepalives where what loses them, such as a proxy, acknowledges what it gets.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from postgres.pooling import PoolableConnection

V = TypeVar("V")

_INTERVAL_S = 0.1

ANSWER_GRACE_S = 3.0
"""How much longer an answer is waited for than PostgreSQL may take to find it."""


class NoAnswerError(psycopg.OperationalError):
    """PostgreSQL did not answer in time. What was asked for may be done or not."""


class AnsweringConnection(PoolableConnection):
    """A connection that is closed, and says so by NoAnswerError, where an answer takes too long."""

    answer_within_s: float | None = None
    """How long each answer may take; None: as long as it takes."""

    def wait(self, gen: PQGen[V], interval: float = _INTERVAL_S, timeout: float | None = None) -> V:
        """Wait for an answer. Raises NoAnswerError."""
        limit_s = self.answer_within_s
        if timeout is not None or limit_s is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, limit_s)
        except _WaitTimeout:
            # An answer that came later would be taken for that to the next statement.
            self.close()
            raise NoAnswerError(f"PostgreSQL did not answer within {limit_s:g} s") from None


@contextmanager
def answering_within(connection: psycopg.Connection[Any], limit_s: float) -> Iterator[None]:
    """Let the statements of the transaction at hand take so long, however long others may.

    Raises psycopg.Error.
    """
    setting = "select set_config('statement_timeout', %s, true)"
    connection.execute(setting, [f"{round(limit_s * 1000)}ms"])
    if not isinstance(connection, AnsweringConnection):
        yield
        return
    before_s, connection.answer_within_s = connection.answer_within_s, limit_s + ANSWER_GRACE_S
    try:
        yield
    finally:
        connection.answer_within_s = before_s
