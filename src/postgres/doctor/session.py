"""A session to ask in: with the settings that the role has there, and read-only."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from postgres.connections import Connection, parameters
from postgres.pooling import PoolerError
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting a session that asks."""

    who_answers: Statement
    only_ask: Statement


SQL = Sql(__file__)


@contextmanager
def asking(url: str) -> Iterator[Connection]:
    """Connect as the service does, but keep what server, database and role set, so that it can be judged.

    It writes nothing. A statement that does not end, or waits for a lock, is given up in a minute. Raises
    postgres.pooling.PoolerError, and psycopg.Error.
    """
    with psycopg.connect(autocommit=True, **parameters(url)) as connection:
        if fetch_one(connection, SQL.who_answers, None, int) != connection.info.backend_pid:
            raise PoolerError(connection, "judging the server")
        connection.execute(SQL.only_ask.sql)
        yield connection
