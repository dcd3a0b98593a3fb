"""The trees of a log as they are stored: hashes by level, and the checkpoints that were signed."""

from datetime import datetime
from typing import NamedTuple

from app.log.leaves import Log, read_leaf_hashes
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import HASH_BYTES, Read, Stretch
from postgres.changes import Changes
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading and adding hashes and checkpoints."""

    tile_hashes: Statement
    add_hashes: Statement
    newest_checkpoint: Statement
    checkpoint_of: Statement
    add_checkpoint: Statement
    signed_since: Statement
    tenants_with_logs: Statement


SQL = Sql(__file__)


class Sealed(NamedTuple):
    """A checkpoint that was signed: `note` as it left the signer."""

    size: int
    root: bytes
    note: str
    sealed_at: datetime


class _Row(NamedTuple):
    first: int
    hashes: bytes


def signings() -> Changes:
    """Begin to look for the tenants of whose trees one is signed."""
    return changes(SQL.signed_since)


def changes(since: Statement) -> Changes:
    """Begin to look for the tenants of whose logs a statement says something, or for all that have one."""
    return Changes(since, SQL.tenants_with_logs)


def reader(connection: Connection, log: Log, tree: Tree) -> Read:
    """Return how the hashes of a tree are read by level: indexes [first, last), up to a gap."""

    def read(level: int, first: int, last: int) -> bytes:
        if tree == "log" and level == 0:
            return read_leaf_hashes(connection, log, first + 1, last)
        parameters = {**_of(log, tree), "level": level, "first": first, "last": last}
        found, index = [], first
        for row in fetch_all(connection, SQL.tile_hashes, parameters, _Row, binary=True):
            if row.first != index:
                break
            found.append(row.hashes)
            index += len(row.hashes) // HASH_BYTES
        return b"".join(found)

    return read


def add_hashes(connection: Connection, log: Log, tree: Tree, stretch: Stretch) -> None:
    """Store consecutive hashes of a level, which go on where those that are stored end."""
    row = {"level": stretch.level, "n": stretch.first, "hashes": stretch.hashes}
    connection.execute(SQL.add_hashes.sql, {**_of(log, tree), **row})


def newest_checkpoint(connection: Connection, log: Log, tree: Tree) -> Sealed | None:
    """Return the checkpoint of the greatest size, None where nothing was sealed."""
    return fetch_one(connection, SQL.newest_checkpoint, _of(log, tree), Sealed)


def checkpoint_of(connection: Connection, log: Log, tree: Tree, size: int) -> Sealed | None:
    """Return the checkpoint of exactly that size, None if there was none."""
    return fetch_one(connection, SQL.checkpoint_of, {**_of(log, tree), "size": size}, Sealed)


def add_checkpoint(connection: Connection, log: Log, tree: Tree, sealed: Sealed) -> None:
    """Keep a checkpoint that was signed."""
    connection.execute(SQL.add_checkpoint.sql, {**_of(log, tree), **sealed._asdict()})


def _of(log: Log, tree: Tree) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number, "tree": tree}
