"""The keys that sign a log: which they are, since when, and what signs with them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import NamedTuple

from msgspec import Struct

from app.evidence.command import CommandSigner
from app.evidence.guard import GuardedSigner, Signer, begin_guard
from app.evidence.keys import KeyFileError, generate_key, key_path, read_key, read_keys, write_key
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import Tree
from domain.evidence.notes import ED25519, VerifierKey, parse_verifier_key
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements

SIGNS_ON = timedelta(days=30)
"""How long a key goes on signing beside the one that follows it."""


class Sql(Statements):
    """Reading and adding the keys of a log."""

    log_keys: Statement
    add_log_key: Statement


SQL = Sql(__file__)


class NoKeyError(Exception):
    """There is no key to sign a log with; the message says which, and what to do."""


class LogKey(NamedTuple):
    """A key of a log, valid from a size on; `note` is the statement by which it follows the one before.

    A row that is `revoked` says that from that size on nothing counts that the key signed.
    """

    number: int
    vkey: str
    from_size: int
    note: str | None
    revoked: bool
    added_at: datetime


class KeySpan(Struct, frozen=True):
    """A key, and from which size on it signs a log, up to which another one followed it or it was revoked.

    `to_size` is null for the key that goes on. What a revoked key signed from there on counts for nothing.
    """

    vkey: str
    from_size: int
    to_size: int | None
    revoked: bool


def log_keys(connection: Connection, log: Log) -> list[LogKey]:
    """Return the keys of a log and what was said of them, oldest first."""
    return fetch_all(connection, SQL.log_keys, _of(log), LogKey)


def known_keys(connection: Connection, log: Log) -> list[LogKey]:
    """Return the keys of a log as `log_keys` does. Raises NoKeyError where there is none."""
    keys = log_keys(connection, log)
    if not keys:
        raise NoKeyError(
            f"no key is kept of the log {log.log_id.hex()}: each is made with its tenant. If this log never"
            " had one, `roundbook evidence add-key` makes it. If it had, what the database kept of its"
            " evidence was removed: find out by whom, and give it no other key"
        )
    return keys


def add_log_key(connection: Connection, log: Log, key: LogKey) -> None:
    """Keep a key of a log, or that it was revoked."""
    connection.execute(SQL.add_log_key.sql, {**_of(log), **key._asdict()})


def valid_keys(keys: Sequence[LogKey], now: datetime) -> list[VerifierKey]:
    """Return the keys that sign now: the newest, those that it follows for 30 days, and none revoked."""
    revoked = {key.vkey for key in keys if key.revoked}
    added = [key for key in keys if not key.revoked]
    valid = []
    for key, successor in zip_longest(added, added[1:]):
        if key.vkey in revoked or (successor and successor.added_at + SIGNS_ON <= now):
            continue
        valid.append(parse_verifier_key(key.vkey))
    return valid


def key_spans(keys: Sequence[LogKey]) -> list[KeySpan]:
    """Return each key of a log once, oldest first, with the sizes that it signs."""
    revoked = {key.vkey: key.from_size for key in keys if key.revoked}
    added = [key for key in keys if not key.revoked]
    spans = []
    for key, successor in zip_longest(added, added[1:]):
        ends = [revoked.get(key.vkey), successor and successor.from_size]
        to_size = min((end for end in ends if end is not None), default=None)
        spans.append(KeySpan(key.vkey, key.from_size, to_size, key.vkey in revoked))
    return spans


def begin_signing(
    connection: Connection, log: Log, settings: Settings, public_key: bytes | None = None
) -> VerifierKey:
    """Give a log its first key and return that: it is made, with its file, or found elsewhere.

    For who makes the log, or is told that it never had a key. That nothing is kept of one does not say so:
    who removes that must not get another key for another history. `public_key`: of a key that is elsewhere.
    Its name is the origin of the log, fixed from now on. Raises NoKeyError where the log has a key, or keys
    are made elsewhere (`ROUNDBOOK_SIGN_COMMAND`) and none is named; KeyFileError, OSError.
    """
    if log_keys(connection, log):
        raise NoKeyError(
            f"the log {log.log_id.hex()} has a key: another one follows it by `roundbook evidence rotate-key`"
        )
    if public_key is None:
        vkey = first_signer(log, settings).vkey
    else:
        vkey = VerifierKey(origin_of_log(log, settings), ED25519, public_key)
    keep_first(connection, log, settings, vkey)
    return vkey


def first_signer(log: Log, settings: Settings, public_key: bytes | None = None) -> Signer:
    """Return what is to sign a log that has no key yet; a key in a file is made.

    With a `public_key` it is elsewhere. Raises NoKeyError, KeyFileError.
    """
    origin = origin_of_log(log, settings)
    if public_key is not None:
        return signer_of(log, VerifierKey(origin, ED25519, public_key), settings)
    if settings.sign_command is not None:
        raise NoKeyError(
            f"the log {origin} has no key yet: run `roundbook evidence add-key` with the public key"
            " that ROUNDBOOK_SIGN_COMMAND signs with"
        )
    path = key_path(settings.signing_path, log.log_id)
    try:
        return read_key(path)  # of a start that was broken off
    except KeyFileError:
        if path.exists():
            raise
        key = generate_key(origin)
        write_key(path, key)
        return key


def origin_of_log(log: Log, settings: Settings) -> str:
    """Return the origin that a log gets with its first key. It tells nothing of whose it is."""
    return f"{settings.evidence_origin}/log/{log.log_id.hex()}"


def guarded_signer(
    connection: Connection, log: Log, tree: Tree, settings: Settings, now: datetime
) -> GuardedSigner:
    """Return what signs the checkpoints of a log's tree now. Raises NoKeyError, KeyFileError."""
    keys = known_keys(connection, log)
    signers = [signer_of(log, vkey, settings) for vkey in valid_keys(keys, now)]
    origin = parse_verifier_key(keys[0].vkey).name
    if not signers:
        raise NoKeyError(
            f"all keys of the log {origin} are revoked: run `roundbook evidence restart`"
        )
    return GuardedSigner(settings.signing_path, log.log_id, origin, tree, signers)


def signer_of(log: Log, vkey: VerifierKey, settings: Settings) -> Signer:
    """Return what signs with a key of a log. Raises NoKeyError, KeyFileError."""
    if settings.sign_command is not None:
        return CommandSigner(settings.sign_command, vkey)
    for key in read_keys(settings.signing_path, log.log_id):
        if key.vkey == vkey:
            return key
    raise NoKeyError(f"{settings.signing_path} does not hold the key {vkey}")


def keep_first(connection: Connection, log: Log, settings: Settings, vkey: VerifierKey) -> None:
    """Keep the first key of a log, and that nothing was signed with it yet."""
    begin_guard(settings.signing_path, log.log_id, vkey.name)
    add_log_key(
        connection, log, LogKey(1, str(vkey), 0, None, revoked=False, added_at=datetime.now(UTC))
    )


def _of(log: Log) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number}
