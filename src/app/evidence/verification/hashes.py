"""The hashes that a log has beside its events: those of leaves by commit, those of tiles."""

from collections.abc import Iterable
from typing import NamedTuple

from app.evidence.verification.findings import Findings
from app.evidence.verification.rows import ABSENT
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import HASH_BYTES
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading hashes as they are stored, and where they end."""

    ends: Statement
    recorded_hashes: Statement
    stored_hashes: Statement
    tiles_beyond: Statement
    has_tiles: Statement
    strays: Statement


SQL = Sql(__file__)

_UNFIT = "hashes are recorded beside others of the same leaves, or are no whole number of hashes"


class Indexes(NamedTuple):
    """Hashes of one level, from index `first` to `last`, which is not included."""

    level: int
    first: int
    last: int


class Ends(NamedTuple):
    """The positions of a log's last event and of its last leaf hash, and how many events there are.

    `before`: how many are before position 1, where none belongs.
    """

    head: int
    recorded: int
    events: int
    before: int


class _Tile(NamedTuple):
    tree: str
    level: int


class _Stray(NamedTuple):
    position: int
    what: str


class _Row(NamedTuple):
    first: int
    hashes: bytes
    rest: int
    """How many bytes the whole entry has that are no whole hash."""


def read_ends(connection: Connection, log: Log) -> Ends:
    """Return where a log ends now."""
    of = {"tenant_id": log.tenant_id, "log_number": log.number}
    return fetch_one(connection, SQL.ends, of, Ends) or Ends(0, 0, 0, 0)


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
    runs = fetch_all(connection, SQL.recorded_hashes, parameters, _Row, binary=True)
    return _joined(runs, first, last, findings)


def read_stored(
    connection: Connection, log: Log, tree: Tree, wanted: Indexes, findings: Findings
) -> bytes:
    """Return hashes of tiles, ABSENT where there is none."""
    parameters = {"tenant_id": log.tenant_id, "log_number": log.number, "tree": tree}
    rows = fetch_all(
        connection, SQL.stored_hashes, {**parameters, **wanted._asdict()}, _Row, binary=True
    )
    return _joined(rows, wanted.first, wanted.last - 1, findings, wanted.level)


def check_tiles(connection: Connection, log: Log, size: int, findings: Findings) -> None:
    """Tell, as of all positions up to `size`, of tiles over leaves that were never sealed."""
    of = {"tenant_id": log.tenant_id, "log_number": log.number}
    for tile in fetch_all(connection, SQL.tiles_beyond, of, _Tile):
        words = f"the tree of {tile.tree} has hashes of level {tile.level} over leaves that were not sealed"
        findings.add(1, max(size, 1), "leaves", words)


def check_strays(connection: Connection, log: Log, findings: Findings) -> None:
    """Tell of hashes of the tenant that are of no log, no tree, no level, or of what no log has."""
    for stray in fetch_all(connection, SQL.strays, {"tenant_id": log.tenant_id}, _Stray):
        findings.add(stray.position, stray.position, "leaves", stray.what)


def has_tiles(connection: Connection, log: Log) -> bool:
    """Tell whether any hash of the tree over events is stored, which is so once 256 of them were sealed."""
    of = {"tenant_id": log.tenant_id, "log_number": log.number}
    return bool(fetch_one(connection, SQL.has_tiles, of, bool))


def _joined(
    rows: Iterable[_Row], first: int, last: int, findings: Findings, level: int = 0
) -> bytes:
    found, following = [], first
    for at, hashes, rest in rows:
        number = len(hashes) // HASH_BYTES
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
