"""Another key for a log, and another log in its place: each is said in a note that is signed and kept."""

import os
from datetime import datetime

from app.evidence.claiming import claimed_to_follow
from app.evidence.guard import GuardedSigner, RefusedError, Signer, sign_statement
from app.evidence.keys import KeyFileError, generate_key, key_path, write_key
from app.evidence.log_keys import (
    LogKey,
    NoKeyError,
    add_log_key,
    first_signer,
    keep_first,
    known_keys,
    log_keys,
    origin_of_log,
    signer_of,
    valid_keys,
)
from app.evidence.store import newest_checkpoint
from app.log.append import follow_log
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import (
    Checkpoint,
    KeyStatement,
    RestartStatement,
)
from domain.evidence.leaves import LOG_ID_BYTES
from domain.evidence.merkle import EMPTY_ROOT
from domain.evidence.notes import ED25519, Note, VerifierKey, parse_verifier_key
from postgres.connections import Connection
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Beginning anew."""

    forget_failure: Statement


SQL = Sql(__file__)


def rotate_key(
    connection: Connection,
    log: Log,
    settings: Settings,
    now: datetime,
    *,
    public_key: bytes | None = None,
) -> Note:
    """Let another key follow the newest one of a log, and return the statement of it, signed by both.

    From then on both sign for 30 days, then the new one alone. Its file is made beside that of the first one;
    with a `public_key` it is elsewhere, and ROUNDBOOK_SIGN_COMMAND signs with it. Raises NoKeyError,
    KeyFileError, and what the signers raise.
    """
    keys = known_keys(connection, log)
    origin = parse_verifier_key(keys[0].vkey).name
    older = [signer_of(log, vkey, settings) for vkey in valid_keys(keys, now)]
    if not older:
        raise NoKeyError(f"all keys of the log {origin} are revoked: begin another log")
    successor: Signer
    if public_key is None and settings.sign_command is not None:
        raise NoKeyError(
            "ROUNDBOOK_SIGN_COMMAND signs: name the public half of the next key by --public-key"
        )
    if public_key is None:
        key = generate_key(origin)
        write_key(key_path(settings.signing_path, log.log_id, key.vkey), key)
        successor = key
    else:
        successor = signer_of(log, VerifierKey(origin, ED25519, public_key), settings)
    from_size = _newest(connection, log, origin).size
    statement = KeyStatement(origin, from_size, successor.vkey)
    note = sign_statement(statement.text, [*older, successor])
    number, vkey = len(keys) + 1, str(successor.vkey)
    added = LogKey(number, vkey, from_size, str(note), revoked=False, added_at=now)
    add_log_key(connection, log, added)
    return note


def restart(
    connection: Connection,
    tenant_id: int,
    settings: Settings,
    now: datetime,
    *,
    reason: str,
    revoke: bool = False,
    public_key: bytes | None = None,
) -> Note:
    """Begin another log of a tenant over the same events, and return the note that says so.

    For after a restore from an older backup, and where a key is compromised (`revoke`: no key of the log
    before signs any more). The note names the predecessor, how far that is still there and how far it was
    signed; the new log's key signs it, and those of the predecessor where they are there. Raises
    NoKeyError, KeyFileError, and what the signers raise; then nothing was done.
    """
    with claimed_to_follow(connection, tenant_id) as head:
        before = Log(tenant_id, head.number, head.log_id)
        after = Log(tenant_id, head.number + 1, os.urandom(LOG_ID_BYTES))
        keys = log_keys(connection, before)
        origin = parse_verifier_key(keys[0].vkey).name if keys else origin_of_log(before, settings)
        known = _newest(connection, before, origin)
        older = _signers(before, valid_keys(keys, now), settings)
        if revoke:
            _revoke(connection, before, keys, known, older, now)
        first = first_signer(after, settings, public_key)
        statement = RestartStatement(
            first.vkey.name, known, _last_signed(before, known, settings), reason
        )
        note = sign_statement(statement.text, [first, *older])
        follow_log(connection, head, after.log_id, str(note))
        keep_first(connection, after, settings, first.vkey)
        connection.execute(SQL.forget_failure.sql, {"tenant_id": tenant_id})
    return note


def _newest(connection: Connection, log: Log, origin: str) -> Checkpoint:
    sealed = newest_checkpoint(connection, log, "log")
    if sealed is None:
        return Checkpoint(origin, 0, EMPTY_ROOT)
    return Checkpoint(origin, sealed.size, sealed.root)


def _last_signed(log: Log, known: Checkpoint, settings: Settings) -> Checkpoint:
    """Return what the signer remembers, if that is more than what is known here."""
    try:
        guard = GuardedSigner(settings.signing_path, log.log_id, known.origin, "log", ())
        last = guard.last()
    except RefusedError:
        return known
    return max(last, known, key=lambda each: each.size)


def _signers(log: Log, vkeys: list[VerifierKey], settings: Settings) -> list[Signer]:
    """Return what still signs for a log; a key that is lost does not."""
    found = []
    for vkey in vkeys:
        try:
            found.append(signer_of(log, vkey, settings))
        except (NoKeyError, KeyFileError):
            continue
    return found


def _revoke(
    connection: Connection,
    log: Log,
    keys: list[LogKey],
    known: Checkpoint,
    signers: list[Signer],
    now: datetime,
) -> None:
    for number, key in enumerate(keys, start=len(keys) + 1):
        statement = KeyStatement(
            known.origin, known.size, parse_verifier_key(key.vkey), revoked=True
        )
        note = str(sign_statement(statement.text, signers)) if signers else None
        row = LogKey(number, key.vkey, known.size, note, revoked=True, added_at=now)
        add_log_key(connection, log, row)
