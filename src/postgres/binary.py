"""Rows in PostgreSQL's binary format for COPY, which costs both sides less than text.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": a header, then for each row the number
of fields and each field behind its length, and -1 in the end.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from postgres.connections import Connection
from postgres.statements import Statement

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
"""What comes before the rows of a COPY."""

TRAILER = struct.pack(">h", -1)
"""What comes after them."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Where the microseconds of a timestamptz begin."""

_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)

# Of an array: its length, dimensions, whether there are nulls, the type, and how many there are from where.
_ARRAY = struct.Struct(">iiiiii")
_ARRAY_HEADER_BYTES = _ARRAY.size - _LENGTH.size
_BIGINT = struct.Struct(">iq")
_BIGINT_TYPE = 20
_NO_BIGINTS = struct.pack(">iiii", 12, 0, 0, _BIGINT_TYPE)


def copy_in(connection: Connection, statement: Statement, rows: Iterable[bytes]) -> None:
    """Copy encoded rows by a statement that says `from stdin (format binary)`."""
    with connection.cursor() as cursor, cursor.copy(statement.sql) as sink:
        sink.write(b"".join((HEADER, *rows, TRAILER)))


def text(value: str) -> bytes:
    """Write a field of type text."""
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def micros(moment: datetime) -> int:
    """Return what a timestamptz holds: microseconds since 2000."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment_or_null(moment: datetime | None) -> bytes:
    """Write a field of type timestamptz, null for None."""
    return _NULL if moment is None else _BIGINT.pack(8, micros(moment))


def bigints(values: Sequence[int]) -> bytes:
    """Write a field of type bigint[]."""
    held = len(values)
    if not held:
        return _NO_BIGINTS
    elements = [_BIGINT.pack(8, value) for value in values]
    length = _ARRAY_HEADER_BYTES + held * _BIGINT.size
    return _ARRAY.pack(length, 1, 0, _BIGINT_TYPE, held, 1) + b"".join(elements)


def copy_out(
    connection: Connection, statement: Statement, parameters: Mapping[str, object]
) -> Iterator[bytes]:
    """Yield the rows of a statement that says `to stdout (format binary)`: of each its fields, see `fields`.

    To be read to the end.
    """
    # Read as libpq gives them, a row each: psycopg's own iteration costs more than what is done with a row.
    with connection.cursor() as cursor, cursor.copy(statement.sql, parameters) as source:
        get_copy_data = connection.pgconn.get_copy_data
        row = bytes(get_copy_data(0)[1]).removeprefix(HEADER)
        while row and row != TRAILER:
            yield row
            row = bytes(get_copy_data(0)[1])
        source.read()


def fields(row: bytes) -> list[bytes | None]:
    """Return the fields of a row in the binary format, None for null."""
    found: list[bytes | None] = []
    at = 2
    while at < len(row):
        (length,) = _LENGTH.unpack_from(row, at)
        at += 4
        found.append(None if length < 0 else row[at : at + length])
        at += max(length, 0)
    return found
