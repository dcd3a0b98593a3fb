"""The leaf hashes of the log of accesses, made of its rows."""

import struct
from datetime import datetime
from typing import NamedTuple

from app.evidence.verification.rows import ABSENT
from app.log.leaves import Log
from domain.evidence.accesses import Access, leaf_hashes
from postgres.binary import micros
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading accesses as they are stored."""

    accesses_between: Statement
    number_of_accesses: Statement


SQL = Sql(__file__)


class _Row(NamedTuple):
    number: int
    accessed_at: datetime
    key_id: int
    method: str
    path: str
    query: str
    last_event_id: str


def number_of_accesses(connection: Connection, log: Log) -> int:
    """Return how many accesses there are."""
    return fetch_one(connection, SQL.number_of_accesses, {"tenant_id": log.tenant_id}, int) or 0


def access_hashes(connection: Connection, log: Log, first: int, last: int) -> bytes:
    """Return the leaf hashes [first, last) of accesses, ABSENT where there is none."""
    bounds = {"tenant_id": log.tenant_id, "first": first + 1, "last": last}
    rows = fetch_all(connection, SQL.accesses_between, bounds, _Row, binary=True)
    found = {row.number: _hash(log, row) for row in rows}
    return b"".join(found.get(number, ABSENT) for number in range(first + 1, last + 1))


def _hash(log: Log, row: _Row) -> bytes:
    try:
        return leaf_hashes(log.log_id, [Access(row.number, micros(row.accessed_at), *row[2:])])
    except struct.error:  # of a text, or a number, that no access has
        return ABSENT
