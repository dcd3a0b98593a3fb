"""The keys that sign a log: which they are, since when, and what signs with them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from app.evidence.command import CommandSigner
from app.evidence.guard import GuardedSigner, Signer, begin_guard
from app.evidence.keys import KeyFileError, generate_key, key_path, read_key, read_keys, write_key
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.checkpoints import Tree
from domain.evidence.notes import VerifierKey, parse_verifier_key
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


def log_keys(connection: Connection, log: Log) -> list[LogKey]:
    """Return the keys of a log and what was said of them, oldest first."""
    return fetch_all(connection, SQL.log_keys, _of(log), LogKey)


def add_log_key(connection: Connection, log: Log, key: LogKey) -> None:
    """Keep a key of a log, or that it was revoked."""
    connection.execute(SQL.add_log_key.sql, {**_of(log), **key._asdict()})


def valid_keys(keys: Sequence[LogKey], now: datetime) -> list[VerifierKey]:
    """Return the keys that sign now: the newest, those that it follows for 30 days, and none revoked."""
    revoked = {key.vkey for key in keys if key.revoked}
    added = [key for key in keys if not key.revoked]
    valid = []
    for key, successor in zip(added, [*added[1:], None], strict=True):
        if key.vkey in revoked or (successor and successor.added_at + SIGNS_ON <= now):
            continue
        valid.append(parse_verifier_key(key.vkey))
    return valid


def begin_signing(connection: Connection, log: Log, settings: Settings) -> VerifierKey:
    """Return the first key of a log; where it has none yet, one is made, with its file.

    Its name is the origin of the log, fixed from now on. Raises NoKeyError where keys are made elsewhere
    (`ROUNDBOOK_SIGN_COMMAND`), KeyFileError.
    """
    known = log_keys(connection, log)
    if known:
        return parse_verifier_key(known[0].vkey)
    origin = origin_of_log(log, settings)
    if settings.sign_command is not None:
        raise NoKeyError(
            f"the log {origin} has no key yet: run `roundbook evidence add-key` with the public key"
            " that ROUNDBOOK_SIGN_COMMAND signs with"
        )
    folder, path = settings.signing_path, key_path(settings.signing_path, log.log_id)
    try:
        key = read_key(path)  # of a start that was broken off
    except KeyFileError:
        if path.exists():
            raise
        key = generate_key(origin)
        write_key(path, key)
    _keep_first(connection, log, folder, key.vkey)
    return key.vkey


def adopt_key(
    connection: Connection, log: Log, settings: Settings, public_key: bytes
) -> VerifierKey:
    """Let a log that has no key yet be signed by one that is elsewhere, of which this is the public half.

    Raises NoKeyError where the log has a key.
    """
    if log_keys(connection, log):
        raise NoKeyError(
            f"the log {log.log_id.hex()} has a key: another one follows it by `roundbook evidence rotate-key`"
        )
    vkey = VerifierKey(origin_of_log(log, settings), 0x01, public_key)
    _keep_first(connection, log, settings.signing_path, vkey)
    return vkey


def origin_of_log(log: Log, settings: Settings) -> str:
    """Return the origin that a log gets with its first key. It tells nothing of whose it is."""
    return f"{settings.evidence_origin}/log/{log.log_id.hex()}"


def guarded_signer(
    connection: Connection, log: Log, tree: Tree, settings: Settings, now: datetime
) -> GuardedSigner:
    """Return what signs the checkpoints of a log's tree now. Raises NoKeyError, KeyFileError."""
    first = begin_signing(connection, log, settings)
    signers = [_signer(log, vkey, settings) for vkey in valid_keys(log_keys(connection, log), now)]
    if not signers:
        raise NoKeyError(
            f"all keys of the log {first.name} are revoked: run `roundbook evidence restart`"
        )
    return GuardedSigner(settings.signing_path, log.log_id, first.name, tree, signers)


def _signer(log: Log, vkey: VerifierKey, settings: Settings) -> Signer:
    if settings.sign_command is not None:
        return CommandSigner(settings.sign_command, vkey)
    for key in read_keys(settings.signing_path, log.log_id):
        if key.vkey == vkey:
            return key
    raise NoKeyError(f"{settings.signing_path} does not hold the key {vkey}")


def _keep_first(connection: Connection, log: Log, folder: Path, vkey: VerifierKey) -> None:
    begin_guard(folder, log.log_id, vkey.name)
    add_log_key(
        connection, log, LogKey(1, str(vkey), 0, None, revoked=False, added_at=datetime.now(UTC))
    )


def _of(log: Log) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number}
