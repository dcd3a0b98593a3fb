"""A session to ask in: with the settings that the role has there, and read-only."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from postgres.connections import Connection, parameters
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting a session that asks."""

    only_ask: Statement


SQL = Sql(__file__)


@contextmanager
def asking(url: str) -> Iterator[Connection]:
    """Connect as the service does, but keep what server, database and role set, so that it can be judged.

    It writes nothing. A statement that does not end, or waits for a lock, is given up in a minute. Raises
    psycopg.Error.
    """
    with psycopg.connect(autocommit=True, **parameters(url)) as connection:
        connection.execute(SQL.only_ask.sql)
        yield connection
