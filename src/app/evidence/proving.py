"""What auditors ask of a sealed log: checkpoints, tiles and proofs, by few short reads each."""

from datetime import datetime
from typing import NamedTuple

from app.evidence.proof_rows import read_for_proof
from app.evidence.store import Sealed, checkpoint_of, reader
from app.log.committed import leaf_of, read_committed, read_leaves
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree
from domain.evidence.leaves import CommittedEvent
from domain.evidence.merkle import MissingHashesError, Read, read_row
from domain.evidence.notes import Note, parse_note, parse_signatures
from domain.evidence.proofs import Tree as StoredTree
from domain.evidence.tiles import Tile
from postgres.connections import Connection, Pool
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements

_LENGTH_BYTES = 2


class Sql(Statements):
    """Reading checkpoints and what anchors gave for them."""

    sealed_size: Statement
    sealed_log: Statement
    cosignatures: Statement
    witnessed: Statement
    time_stamps: Statement


SQL = Sql(__file__)


class NotSealedError(Exception):
    """What was asked for is not sealed yet: to be asked again soon. `size` is what is sealed."""

    def __init__(self, size: int) -> None:
        super().__init__(
            f"The log is sealed up to size {size}." if size else "Nothing of the log is sealed yet."
        )
        self.size = size


class NoSuchCheckpointError(Exception):
    """No checkpoint of that size was issued; greater ones were."""


class SealedLog(NamedTuple):
    """The log of a tenant that goes on, and its newest checkpoint."""

    log: Log
    newest: Sealed

    def check(self, size: int) -> None:
        """Raise NotSealedError unless that much of the log is sealed."""
        if size > self.newest.size:
            raise NotSealedError(self.newest.size)


class _Found(NamedTuple):
    number: int
    log_id: bytes
    size: int
    root: bytes
    note: str
    sealed_at: datetime


class Inclusion(NamedTuple):
    """That the leaf of an event is in a tree. `checkpoint` is None where none of that size is kept."""

    size: int
    leaf_hash: bytes
    """As it was sealed."""
    event: CommittedEvent | None
    """As its row is now; None where there is no such row."""
    leaf: bytes | None
    """Of that event."""
    proof: list[bytes]
    checkpoint: Note | None


class TimeStamp(NamedTuple):
    """What a time stamping authority gave for a checkpoint, as it came (RFC 3161)."""

    target: str
    size: int
    receipt: bytes


def sealed_size(connection: Connection, tenant_id: int) -> int:
    """Return how many events of a tenant's log are sealed, 0 if none are."""
    return fetch_one(connection, SQL.sealed_size, {"tenant_id": tenant_id}, int) or 0


def sealed_log(connection: Connection, tenant_id: int) -> SealedLog:
    """Return what is sealed of a tenant's log. Raises NotSealedError where nothing is."""
    found = fetch_one(connection, SQL.sealed_log, {"tenant_id": tenant_id}, _Found)
    if found is None:
        raise NotSealedError(0)
    newest = Sealed(found.size, found.root, found.note, found.sealed_at)
    return SealedLog(Log(tenant_id, found.number, found.log_id), newest)


def issued_note(pool: Pool, tenant_id: int, size: int | None) -> Note:
    """Return the checkpoint of a size, or the newest, with what witnesses signed of it.

    Raises NotSealedError, NoSuchCheckpointError.
    """
    with pool.connection() as connection:
        sealed = sealed_log(connection, tenant_id)
        note = _note(connection, sealed, sealed.newest.size if size is None else size)
    if note is None:
        raise NoSuchCheckpointError
    return note


def read_tile(pool: Pool, tenant_id: int, tile: Tile) -> bytes:
    """Return what is in a tile: hashes, or entries, each after its length.

    Raises NotSealedError, and MissingHashesError where what was sealed is not there any more.
    """
    with pool.connection() as connection:
        sealed = sealed_log(connection, tenant_id)
        if not tile.is_in(sealed.newest.size):
            raise NotSealedError(sealed.newest.size)
        if not tile.is_entries:
            read = reader(connection, sealed.log, "log")
            return read_row(read, tile.level, tile.first, tile.last)
    leaves = read_leaves(pool, sealed.log, tile.first + 1, tile.last)
    if len(leaves) != tile.width:
        raise MissingHashesError(f"of the {tile.width} entries of {tile.path} some are gone")
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def prove_inclusion(pool: Pool, tenant_id: int, position: int, size: int | None) -> Inclusion:
    """Prove that the event at a position is in the tree of a size, the newest one if that is None.

    `position` is at most `size`. Raises NotSealedError, MissingHashesError.
    """
    with pool.connection() as connection:
        sealed = sealed_log(connection, tenant_id)
        sealed.check(size or position)
        index, of_size = position - 1, size or sealed.newest.size
        read = read_for_proof(connection, sealed.log, of_size, index)
        proof = StoredTree(of_size, read).inclusion(index)
        event = read_committed(connection, sealed.log, position)
        note = _note(connection, sealed, of_size)
    leaf = None if event is None else leaf_of(sealed.log, event)
    return Inclusion(of_size, read(0, index, position), event, leaf, proof, note)


def prove_consistency(pool: Pool, tenant_id: int, older: int, newer: int) -> list[bytes]:
    """Prove that the log of a size continues the one of an older size, `older` being at most `newer`.

    Raises NotSealedError, MissingHashesError.
    """
    with pool.connection() as connection:
        sealed = sealed_log(connection, tenant_id)
        sealed.check(newer)
        read = read_for_proof(connection, sealed.log, newer, older - 1)
        return StoredTree(newer, read).consistency(older)


def cosigned(connection: Connection, log: Log, tree: Tree, sealed: Sealed) -> Note:
    """Return a checkpoint as a note, with what witnesses signed of it."""
    parameters = {**_of(log, tree), "size": sealed.size}
    receipts = fetch_all(connection, SQL.cosignatures, parameters, bytes, binary=True)
    lines = [line for receipt in receipts for line in parse_signatures(receipt.decode())]
    return parse_note(sealed.note.encode()).signed(lines)


def witnessed_checkpoint(connection: Connection, log: Log, at_least: int) -> Sealed | None:
    """Return the newest checkpoint of a log, of at least a size, that a witness signed; None without one."""
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "at_least": at_least,
    }
    size = fetch_one(connection, SQL.witnessed, parameters, int)
    return None if size is None else checkpoint_of(connection, log, "log", size)


def time_stamps(
    connection: Connection, log: Log, tree: Tree, first: int, last: int
) -> list[TimeStamp]:
    """Return of each authority that stamped a tree one time stamp.

    It is the earliest of a size from `first` to `last`, else the latest before these.
    """
    parameters = {**_of(log, tree), "first": first, "last": last}
    return fetch_all(connection, SQL.time_stamps, parameters, TimeStamp, binary=True)


def pooled_reader(pool: Pool, log: Log, tree: Tree) -> Read:
    """Return how the hashes of a tree are read, by a connection that is held for each read alone."""

    def read(level: int, first: int, last: int) -> bytes:
        with pool.connection() as connection:
            return reader(connection, log, tree)(level, first, last)

    return read


def _note(connection: Connection, sealed: SealedLog, size: int) -> Note | None:
    sealed.check(size)
    found = sealed.newest
    if size != found.size:
        issued = checkpoint_of(connection, sealed.log, "log", size)
        if issued is None:
            return None
        found = issued
    return cosigned(connection, sealed.log, "log", found)


def _of(log: Log, tree: Tree) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number, "tree": tree}
