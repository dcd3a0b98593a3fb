"""Rows as PostgreSQL writes them by COPY in its text formats, which costs it less than answers to queries."""

from collections.abc import Iterator, Mapping

from postgres.connections import Connection
from postgres.statements import Statement


def copy_lines(
    connection: Connection, statement: Statement, parameters: Mapping[str, object]
) -> Iterator[bytes]:
    """Yield the rows of a statement that says `to stdout (format csv)`, each with the end of its line.

    To be read to the end, else the connection is of no more use.
    """
    # As in postgres.binary: psycopg's own iteration costs more than what is done with a row.
    with connection.cursor() as cursor, cursor.copy(statement.sql, parameters) as source:
        get_copy_data = connection.pgconn.get_copy_data
        while True:
            row = get_copy_data(0)[1]
            if not row:
                break
            yield bytes(row)
        source.read()
