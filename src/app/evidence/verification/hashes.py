"""The hashes that a log has beside its events: those of leaves by commit, those of tiles."""

from collections.abc import Iterator
from typing import NamedTuple

from app.evidence.store import SQL as STORE_SQL
from app.evidence.verification.findings import Findings
from app.evidence.verification.rows import ABSENT
from app.log.leaves import SQL as LEAVES_SQL
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import HASH_BYTES
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Where hashes end."""

    end_of_runs: Statement
    tiles_beyond: Statement


SQL = Sql(__file__)

_UNFIT = "hashes are recorded beside others of the same leaves, or are no whole number of hashes"


class Indexes(NamedTuple):
    """Hashes of one level, from index `first` to `last`, which is not included."""

    level: int
    first: int
    last: int


class _Run(NamedTuple):
    first_position: int
    hashes: bytes


class _Row(NamedTuple):
    first: int
    hashes: bytes


def read_recorded(
    connection: Connection, log: Log, first: int, last: int, findings: Findings
) -> bytes:
    """Return the leaf hashes recorded for positions from `first` to `last`, ABSENT where there is none."""
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "first": first,
        "last": last,
    }
    runs = fetch_all(connection, LEAVES_SQL.leaf_hashes, parameters, _Run, binary=True)
    return _joined(((run.first_position, run.hashes) for run in runs), first, last, findings)


def read_stored(
    connection: Connection, log: Log, tree: Tree, wanted: Indexes, findings: Findings
) -> bytes:
    """Return hashes of tiles, ABSENT where there is none."""
    parameters = {"tenant_id": log.tenant_id, "log_number": log.number, "tree": tree}
    rows = fetch_all(
        connection, STORE_SQL.tile_hashes, {**parameters, **wanted._asdict()}, _Row, binary=True
    )
    hashes = ((row.first, row.hashes) for row in rows)
    return _joined(hashes, wanted.first, wanted.last - 1, findings, wanted.level)


def _joined(
    rows: Iterator[tuple[int, bytes]], first: int, last: int, findings: Findings, level: int = 0
) -> bytes:
    found, following = [], first
    for at, hashes in rows:
        number, rest = divmod(len(hashes), HASH_BYTES)
        if rest or not number or at < following:
            where = min(max(at << 8 * level, 1), last << 8 * level)
            findings.add(where, where, "leaves", _UNFIT)
        skipped = max(following - at, 0)
        if number <= skipped:
            continue
        found += [
            ABSENT * (at + skipped - following),
            hashes[skipped * HASH_BYTES : number * HASH_BYTES],
        ]
        following = at + number
    found.append(ABSENT * (last + 1 - following))
    return b"".join(found)
