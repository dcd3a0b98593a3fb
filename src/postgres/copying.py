"""Rows as PostgreSQL writes them by COPY in its text formats, which costs it less than answers to queries."""

from collections.abc import Iterator, Mapping

from psycopg import ClientCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from postgres.connections import Connection
from postgres.statements import Statement


def copy_lines(
    connection: Connection, statement: Statement, parameters: Mapping[str, object]
) -> Iterator[bytes]:
    """Yield the rows of a statement that says `to stdout (format csv)`, each with the end of its line.

    Of a session of its own, which is closed where the rows are not read to the end. Raises psycopg.Error.
    """
    # Through libpq itself: what psycopg does for each row costs more than what is done with it.
    link = connection.pgconn
    text = ClientCursor(connection).mogrify(statement.sql, parameters)
    begun = link.exec_(text.encode())
    if begun.status != ExecStatus.COPY_OUT:
        raise error_from_result(begun)
    ended = None
    try:
        while True:
            length, row = link.get_copy_data(0)
            if length < 0:
                break
            yield bytes(row)
        ended = link.get_result()
    finally:
        if ended is None:
            connection.close()
    if ended is not None and ended.status != ExecStatus.COMMAND_OK:
        raise error_from_result(ended)
    while link.get_result() is not None:
        pass
