"""Stating the heads of a log: which version of each stream is the last one, signed.

A statement is of a log as it was at its newest checkpoint. What stands at or below that can't change any
more, so neither sealing nor ingest waits for it, and no snapshot is held: streams are read some at a time,
whatever came after the checkpoint left out.

It is made in steps, each of which may be the last before a kill: the pages; the statement, which lasts before
anything of it is signed, as no other one may take its place then; the signature. Pages without a statement
are swept by the next one, and a statement without a signature gets it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice

from app.evidence.guard import BusyError
from app.evidence.head_store import (
    Stated,
    add_pages,
    add_statement,
    add_tiles,
    newest_statement,
    number_of_statements,
    statements_from,
    sweep,
)
from app.evidence.log_keys import guarded_signer, log_keys
from app.evidence.sealer import failure_of
from app.evidence.sealing import UnsoundError, append_leaves, open_tree, sign
from app.evidence.store import Sealed, newest_checkpoint
from app.evidence.verifying import SignatureError, verify
from app.log.leaves import Log
from app.log.stream_ends import STREAMS_AT_ONCE, stream_ends
from app.settings import Settings
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.heads import Head, Statement, pages_of
from domain.evidence.merkle import TILE_WIDTH, Edge, leaf_hash
from domain.evidence.notes import NoteError, parse_note, parse_verifier_key
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement as SqlStatement
from postgres.statements import Statements

_LOCK = 0x68656164
_PAGES_AT_ONCE = STREAMS_AT_ONCE // TILE_WIDTH


class Sql(Statements):
    """Claiming a log's statements."""

    claim_attesting: SqlStatement
    end_attesting: SqlStatement
    pages_need_not_last: SqlStatement


SQL = Sql(__file__)


def attest(
    connection: Connection, log: Log, settings: Settings, *, pause: Callable[[], None] | None = None
) -> Stated | None:
    """State the heads of a log as it was last sealed, and sign that; gives the newest statement.

    None where nothing is sealed. Where the log has not grown since the newest statement there is no new one.
    `pause` is called between some thousand streams; what it raises ends the attempt. Not to be called in a
    transaction. Raises BusyError where another session is at it, UnsoundError where the log can't be what was
    sealed or nothing is to be signed for it, and what signing raises.
    """
    with _claimed(connection, log):
        _check_sound(connection, log)
        sign_statements(connection, log, settings)
        sealed = newest_checkpoint(connection, log, "log")
        if sealed is None:
            return None
        n = number_of_statements(connection, log)
        newest = newest_statement(connection, log, n, sealed.size)
        if newest is not None and newest.parsed.size == sealed.size:
            return newest
        _check_signed(connection, log, sealed)
        sweep(connection, log, n - 1)
        stated = _state(connection, log, sealed, n, pause or (lambda: None))
        sign_statements(connection, log, settings)
        sweep(connection, log, n)
        return stated


def sign_statements(connection: Connection, log: Log, settings: Settings) -> None:
    """Take the statements that have no signature yet into their tree, and sign that. Raises as `attest`."""
    with connection.transaction():
        edge = open_tree(connection, log, "heads")
        unsigned = statements_from(connection, log, edge.size)
        if unsigned:
            _check_sound(connection, log)
            hashes = b"".join(leaf_hash(each.statement) for each in unsigned)
            append_leaves(connection, log, "heads", edge, hashes)
            now = datetime.now(UTC)
            sign(connection, log, edge, guarded_signer(connection, log, "heads", settings, now))


def _check_sound(connection: Connection, log: Log) -> None:
    failure = failure_of(connection, log.tenant_id)
    if failure is not None:
        raise UnsoundError(f"nothing is signed for this log: {failure.failure}")


def _check_signed(connection: Connection, log: Log, sealed: Sealed) -> None:
    """Raise UnsoundError unless a checkpoint is what a key of the log signed, as its root is stated again."""
    keys = log_keys(connection, log)
    vkeys = [parse_verifier_key(key.vkey) for key in keys if not key.revoked]
    try:
        note = parse_note(sealed.note.encode())
        verify(note, vkeys)
        signed = parse_checkpoint(note.text)
    except (NoteError, SignatureError) as error:
        raise UnsoundError(f"the checkpoint of size {sealed.size} is not signed: {error}") from None
    if signed != Checkpoint(keys[0].vkey.partition("+")[0], sealed.size, sealed.root):
        raise UnsoundError(f"the checkpoint of size {sealed.size} is not the one that was signed")


def _state(
    connection: Connection, log: Log, sealed: Sealed, n: int, pause: Callable[[], None]
) -> Stated:
    edge, levels, seen = Edge(), dict[int, bytes](), _Seen()
    heads = seen.counting(stream_ends(connection, log.tenant_id, sealed.size))
    pages = pages_of(heads)
    while some := list(islice(pages, _PAGES_AT_ONCE)):
        with connection.transaction():
            connection.execute(SQL.pages_need_not_last.sql)
            add_pages(connection, log, n, some)
        for stretch in edge.append(b"".join(page.hashes for page in some)):
            levels[stretch.level] = levels.get(stretch.level, b"") + stretch.hashes
        pause()
    if (seen.versions, seen.last_position) != (sealed.size, sealed.size):
        raise UnsoundError(
            f"the log was sealed with {sealed.size} events, but its streams have {seen.versions},"
            f" the last one at position {seen.last_position}: rows were removed or changed"
        )
    statement = Statement(log.log_id, sealed.size, sealed.root, edge.size, edge.root())
    stated = Stated(n, statement.entry, datetime.now(UTC))
    with connection.transaction():
        add_tiles(connection, log, n, levels)
        add_statement(connection, log, stated)
    return stated


class _Seen:
    """What heads add up to: versions go up by one with each event of a stream."""

    def __init__(self) -> None:
        self.versions = 0
        self.last_position = 0

    def counting(self, heads: Iterator[Head]) -> Iterator[Head]:
        for head in heads:
            self.versions += head.version
            self.last_position = max(self.last_position, head.position)
            yield head


@contextmanager
def _claimed(connection: Connection, log: Log) -> Iterator[None]:
    parameters = {"number": _LOCK, "tenant_id": log.tenant_id}
    if not fetch_one(connection, SQL.claim_attesting, parameters, bool):
        raise BusyError("another process is stating the heads of this log")
    try:
        yield
    finally:
        # A connection that broke has let go of it.
        if not connection.closed:
            connection.execute(SQL.end_attesting.sql, parameters)
