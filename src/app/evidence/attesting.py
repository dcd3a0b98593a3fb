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

from app.evidence.claiming import Claim, claimed
from app.evidence.guard import BusyError
from app.evidence.head_making import make_pages, remake_pages
from app.evidence.head_store import (
    Stated,
    add_statement,
    add_tiles,
    has_all_pages,
    newest_statement,
    number_of_statements,
    statements_from,
    sweep,
)
from app.evidence.log_keys import guarded_signer
from app.evidence.sealing import UnsoundError, append_leaves, open_tree, sign
from app.evidence.store import Sealed, newest_checkpoint
from app.evidence.verifying import SignatureError, verify
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.heads import Statement
from domain.evidence.merkle import leaf_hash
from domain.evidence.notes import NoteError, parse_note
from postgres.connections import Connection
from postgres.pooling import require_session
from postgres.rows import fetch_one
from postgres.statements import Statement as SqlStatement
from postgres.statements import Statements

_LOCK = 0x68656164
_ANY_SIZE = 2**63 - 1


class NotSignedError(UnsoundError):
    """Nothing is signed of a log any more, so that its heads are not stated either; the message says why."""


class Sql(Statements):
    """Claiming a log's statements."""

    claim_attesting: SqlStatement
    end_attesting: SqlStatement


SQL = Sql(__file__)


def attest(
    connection: Connection, log: Log, settings: Settings, *, pause: Callable[[], None] | None = None
) -> Stated | None:
    """State the heads of a log as it was last sealed, and sign that; gives the newest statement.

    None where nothing is sealed. Where the log has not grown since the newest statement there is no new one,
    but its pages are kept again if some are gone. `pause` is called between some thousand streams; what it
    raises ends the attempt. Not to be called in a transaction. Raises BusyError where another session is at
    it, or signs for the log, SupersededError where another log goes on, UnsoundError where the log can't be
    what was sealed or nothing is to be signed for it, and what signing raises.
    """
    pause = pause or _go_on
    with _stating(connection, log):
        sealed = _last_sealed(connection, log, settings)
        if sealed is None:
            return None
        sign_statements(connection, log, settings)
        n = number_of_statements(connection, log)
        newest = newest_statement(connection, log, n, sealed.size)
        if newest is not None and newest.parsed.size == sealed.size:
            remake_pages(connection, log, newest, pause)
            return newest
        sweep(connection, log, n - 1)
        stated = _state(connection, log, sealed, n, pause)
        sign_statements(connection, log, settings)
        sweep(connection, log, n)
        return stated


def mend_pages(
    connection: Connection, log: Log, *, pause: Callable[[], None] | None = None
) -> Stated | None:
    """Keep the pages of the newest signed statement again where some are gone; gives it then, else None.

    Proofs need them. Raises BusyError where another session is stating the log, UnsoundError and HeadsError
    where they would not be what was stated.
    """
    signed = newest_checkpoint(connection, log, "heads")
    newest = signed and newest_statement(connection, log, signed.size, _ANY_SIZE)
    if not newest or has_all_pages(connection, log, newest.n, newest.parsed.streams):
        return None
    with _stating(connection, log):
        return newest if remake_pages(connection, log, newest, pause or _go_on) else None


def sign_statements(connection: Connection, log: Log, settings: Settings) -> None:
    """Take the statements that have no signature yet into their tree, and sign that. Raises as `attest`."""
    with claimed(connection, log) as claim:
        edge = open_tree(connection, log, "heads")
        unsigned = statements_from(connection, log, edge.size)
        if not unsigned:
            return
        _check_sound(claim)
        if [each.n for each in unsigned] != list(range(edge.size, edge.size + len(unsigned))):
            raise UnsoundError(
                f"after the {edge.size} statements that are signed comes number {unsigned[-1].n}, not"
                f" {edge.size + len(unsigned) - 1}: some were removed or changed"
            )
        hashes = b"".join(leaf_hash(each.statement) for each in unsigned)
        append_leaves(connection, log, "heads", edge, hashes)
        now = datetime.now(UTC)
        sign(connection, log, edge, guarded_signer(connection, log, "heads", settings, now))


def _last_sealed(connection: Connection, log: Log, settings: Settings) -> Sealed | None:
    """Return the newest checkpoint of a log, None if there is none: its root is stated again, and signed.

    Raises UnsoundError unless it is the one that the signer says it signed last, which is not the database's
    word.
    """
    with claimed(connection, log) as claim:
        _check_sound(claim)
        sealed = newest_checkpoint(connection, log, "log")
        if sealed is None:
            return None
        signer = guarded_signer(connection, log, "log", settings, datetime.now(UTC))
        last = signer.last()
    checkpoint = Checkpoint(signer.origin, sealed.size, sealed.root)
    if checkpoint != last:
        raise UnsoundError(
            f"the checkpoint of size {sealed.size} is not the one that was last signed, of size {last.size}"
        )
    try:
        note = parse_note(sealed.note.encode())
        verify(note, [each.vkey for each in signer.signers])
        is_noted = parse_checkpoint(note.text) == checkpoint
    except (NoteError, SignatureError) as error:
        raise UnsoundError(f"the checkpoint of size {sealed.size} is not signed: {error}") from None
    if not is_noted:
        raise UnsoundError(f"the checkpoint of size {sealed.size} is not the one of its note")
    return sealed


def _check_sound(claim: Claim) -> None:
    reason = claim.finding or claim.failure
    if reason is not None:
        raise NotSignedError(f"nothing is signed for this log: {reason}")


def _state(
    connection: Connection, log: Log, sealed: Sealed, n: int, pause: Callable[[], None]
) -> Stated:
    made = make_pages(connection, log, n, sealed.size, pause)
    if (made.versions, made.last_position) != (sealed.size, sealed.size):
        raise UnsoundError(
            f"the log was sealed with {sealed.size} events, but its streams have {made.versions},"
            f" the last one at position {made.last_position}: rows were removed or changed"
        )
    statement = Statement(log.log_id, sealed.size, sealed.root, made.streams, made.root)
    stated = Stated(n, statement.entry, datetime.now(UTC))
    with connection.transaction():
        add_tiles(connection, log, n, made.levels)
        add_statement(connection, log, stated)
    return stated


def _go_on() -> None:
    """Make no pause."""


@contextmanager
def _stating(connection: Connection, log: Log) -> Iterator[None]:
    require_session(connection, "stating the heads of a log")
    parameters = {"number": _LOCK, "tenant_id": log.tenant_id}
    if not fetch_one(connection, SQL.claim_attesting, parameters, bool):
        raise BusyError("another process is stating the heads of this log")
    try:
        yield
    finally:
        # A connection that broke has let go of it.
        if not connection.closed:
            connection.execute(SQL.end_attesting.sql, parameters)
