"""The proof that a stream is whole up to a statement: where it ends, or that there is none."""

from msgspec import Struct
from msgspec.structs import replace

from app.evidence.head_store import MissingPageError, StoredHeads, newest_statement
from app.evidence.proving import cosigned
from app.evidence.store import newest_checkpoint, reader
from app.log.leaves import Log
from domain.evidence.heads import Absence, prove_head
from domain.evidence.proofs import Tree
from postgres.connections import Connection

_ANY_SIZE = 2**63 - 1


class Neighbour(Struct, frozen=True):
    """A head beside the place where a stream would stand: its entry, index and inclusion."""

    entry: bytes
    index: int
    proof: list[bytes]


class StreamProof(Struct, frozen=True):
    """What proves where a stream ended, as far as the statement is true. In JSON, bytes are base64.

    `heads` of a bundle's `proof.json`, member by member. For a stream that the statement doesn't have,
    `neighbours` are the heads around its place instead: both, or one where it would be the first or the
    last, or none where there are no streams.
    """

    statement: bytes
    """The statement's 97 bytes, a leaf of the tree of statements."""
    consistency: list[bytes]
    """From the log as it was stated to the checkpoint that was asked for."""
    checkpoint: str
    """The signed note of the tree of statements, with what witnesses signed of it."""
    statement_index: int
    statement_proof: list[bytes]
    """Of the statement's inclusion in the tree of `checkpoint`."""
    stream: str
    entry: bytes | None = None
    index: int | None = None
    version: int | None = None
    """The last one of the stream."""
    position: int | None = None
    proof: list[bytes] | None = None
    """Of the entry's inclusion in the tree of heads, whose root the statement has."""
    neighbours: list[Neighbour] | None = None


def prove(
    connection: Connection, log: Log, stream: str, size: int | None = None
) -> StreamProof | None:
    """Prove where a stream ends by the newest statement of the log at `size`, or before.

    `size` is that of a checkpoint of the log, to which the proof leads: the newest one where it is None. None
    where there is no such statement, or its pages were swept: only the newest two keep theirs. Raises
    MissingPageError, and domain.evidence.merkle.MissingHashesError, where not all is there.
    """
    if size is None:
        newest = newest_checkpoint(connection, log, "log")
        size = newest.size if newest else 0
    signed = newest_checkpoint(connection, log, "heads")
    stated = signed and newest_statement(connection, log, signed.size, size)
    if not signed or not stated:
        return None
    statement = stated.parsed
    heads = StoredHeads(connection, log, stated.n)
    try:
        tree = Tree(statement.streams, heads.read)
    except MissingPageError:
        return None
    proven = prove_head(stream, tree, heads)
    common = StreamProof(
        statement=stated.statement,
        consistency=_consistency(connection, log, statement.size, size),
        checkpoint=str(cosigned(connection, log, "heads", signed)),
        statement_index=stated.n,
        statement_proof=Tree(signed.size, reader(connection, log, "heads")).inclusion(stated.n),
        stream=stream,
    )
    if isinstance(proven, Absence):
        return replace(common, neighbours=_neighbours(proven))
    return replace(
        common,
        entry=proven.head.entry,
        index=proven.index,
        version=proven.head.version,
        position=proven.head.position,
        proof=proven.proof,
    )


def stated_size(connection: Connection, log: Log) -> int:
    """Return of which size of a log its newest signed statement is, 0 if there is none."""
    signed = newest_checkpoint(connection, log, "heads")
    stated = signed and newest_statement(connection, log, signed.size, _ANY_SIZE)
    return stated.parsed.size if stated else 0


def _consistency(connection: Connection, log: Log, older: int, newer: int) -> list[bytes]:
    if older == newer:
        return []
    return Tree(newer, reader(connection, log, "log")).consistency(older)


def _neighbours(absence: Absence) -> list[Neighbour]:
    return [
        Neighbour(each.head.entry, each.index, each.proof)
        for each in (absence.before, absence.after)
        if each is not None
    ]
