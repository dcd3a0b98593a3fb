"""Sealing a log: what was appended since goes into its tree, whose root is signed."""

from datetime import UTC, datetime

from app.accesses import hash_accesses
from app.evidence.guard import GuardedSigner
from app.evidence.store import (
    Sealed,
    add_checkpoint,
    add_hashes,
    newest_checkpoint,
    reader,
)
from app.log.leaves import Log, add_missing, hash_events, read_leaf_hashes
from domain.evidence.checkpoints import Checkpoint, Tree
from domain.evidence.merkle import Edge, MissingHashesError, Stretch
from domain.evidence.proofs import Tree as StoredTree
from postgres.connections import Connection

LEAVES_AT_ONCE = 100_000
"""What one transaction seals at most."""
_ACCESSES_AT_ONCE = 1_000
_LOOKED_AT_ONCE = 1_000


class UnsoundError(Exception):
    """The log or its hashes are not what was signed: nothing is signed until people have looked at it."""


def open_tree(connection: Connection, log: Log, tree: Tree) -> Edge:
    """Return the edge of a tree as it was last sealed, put together from what is stored.

    Raises UnsoundError where that does not give the root that was signed.
    """
    sealed = newest_checkpoint(connection, log, tree)
    if sealed is None:
        return Edge()
    try:
        edge = Edge.load(sealed.size, reader(connection, log, tree))
    except MissingHashesError as error:
        raise UnsoundError(
            f"hashes under the checkpoint of size {sealed.size} are gone: {error}"
        ) from None
    if edge.root() != sealed.root:
        raise UnsoundError(
            f"the hashes that are stored do not give the root that was signed at size {sealed.size}"
        )
    return edge


def grow(connection: Connection, log: Log, edge: Edge, most: int = LEAVES_AT_ONCE) -> int:
    """Take up to `most` leaves more of a log into its tree, and store the hashes over them; gives how many.

    Leaf hashes that are missing are made from the events.
    """
    read, before = reader(connection, log, "log"), edge.size
    while edge.size - before < most:
        hashes = read(0, edge.size, before + most)
        if not hashes:
            if not add_missing(connection, log, edge.size + 1):
                break
            continue
        for stretch in edge.append(hashes):
            add_hashes(connection, log, "log", stretch)
    return edge.size - before


def grow_accesses(connection: Connection, log: Log, edge: Edge, most: int = LEAVES_AT_ONCE) -> int:
    """Take up to `most` accesses more into their tree, as `grow` does events."""
    before = edge.size
    while edge.size - before < most:
        last = min(edge.size + _ACCESSES_AT_ONCE, before + most)
        hashes = hash_accesses(connection, log.tenant_id, log.log_id, edge.size + 1, last)
        if not hashes:
            break
        append_leaves(connection, log, "accesses", edge, hashes)
    return edge.size - before


def root_to_be(connection: Connection, log: Log, tree: Tree, size: int) -> bytes | None:
    """Return the root that a tree will be sealed with at a size, by its leaves as they are now.

    Stores nothing. None where there are fewer leaves. Raises UnsoundError.
    """
    edge = open_tree(connection, log, tree)
    while edge.size < size:
        first, last = edge.size + 1, min(edge.size + _LOOKED_AT_ONCE, size)
        if tree == "log":
            hashes = read_leaf_hashes(connection, log, first, last)
            hashes = hashes or hash_events(connection, log, first, last)
        elif tree == "accesses":
            hashes = hash_accesses(connection, log.tenant_id, log.log_id, first, last)
        else:  # a statement is kept together with its checkpoint
            hashes = b""
        if not hashes:
            return None
        edge.append(hashes)
    return edge.root()


def append_leaves(connection: Connection, log: Log, tree: Tree, edge: Edge, hashes: bytes) -> None:
    """Append leaf hashes to a tree other than that of the events, and store them and those over them."""
    stretches = [Stretch(0, edge.size, hashes)] if hashes else []
    for stretch in [*stretches, *edge.append(hashes)]:
        add_hashes(connection, log, tree, stretch)


def sign(connection: Connection, log: Log, edge: Edge, signer: GuardedSigner) -> Sealed:
    """Sign a tree as it is now, and keep the checkpoint.

    Raises app.evidence.guard.RefusedError where it is no continuation of what was signed before.
    """
    checkpoint = Checkpoint(signer.origin, edge.size, edge.root())

    def prove(older: int) -> list[bytes]:
        return StoredTree(edge.size, reader(connection, log, signer.tree)).consistency(older)

    note = signer.sign(checkpoint, prove)
    sealed = Sealed(edge.size, checkpoint.root, str(note), datetime.now(UTC))
    add_checkpoint(connection, log, signer.tree, sealed)
    return sealed
