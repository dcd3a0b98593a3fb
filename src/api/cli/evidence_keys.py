"""`roundbook evidence keys`, `add-key`, `rotate-key` and `restart`: what signs a log."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import click

from api.cli.texts import Text
from api.process.store import connect_service
from app.evidence.changing_keys import restart, rotate_key
from app.evidence.log_keys import begin_signing, key_spans, log_keys
from app.log.leaves import Log, current_log
from app.settings import Settings, read_settings
from app.tenants import TenantError, find_tenant
from domain.evidence.notes import KEY_BYTES
from postgres.connections import Connection


class _Opened(NamedTuple):
    connection: Connection
    log: Log
    settings: Settings


def read_public_key(encoded: str) -> bytes:
    """Read the public half of a key. Raises click.BadParameter."""
    try:
        key = b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise click.BadParameter(f"{encoded!r} is not 32 bytes in base64")
    return key


def _public_key(
    _context: click.Context, _option: click.Parameter, encoded: str | None
) -> bytes | None:
    return None if encoded is None else read_public_key(encoded)


def public_key_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option by which a key that is elsewhere is named."""
    return click.option(
        "--public-key",
        callback=_public_key,
        metavar="BASE64",
        help="Where ROUNDBOOK_SIGN_COMMAND signs: the 32 bytes of its Ed25519 key's public half.",
    )(command)


@click.command("keys")
@click.argument("tenant")
def keys_command(tenant: str) -> None:
    """List the public keys of the log of TENANT, oldest first.

    Tab-separated: the key, the sizes from which and up to which it signs, and `revoked` where it is.
    """
    with _opened(tenant) as (connection, log, _):
        spans = key_spans(log_keys(connection, log))
    for span in spans:
        end = "" if span.to_size is None else span.to_size
        click.echo(f"{span.vkey}\t{span.from_size}\t{end}\t{'revoked' if span.revoked else ''}")
    if not spans:
        click.echo("the log has no key: `roundbook evidence add-key` makes it", err=True)


@click.command("add-key")
@click.argument("tenant")
@click.argument("public_key", metavar="[BASE64]", required=False)
def add_key_command(tenant: str, public_key: str | None) -> None:
    """Make the key that signs the log of TENANT, or name it where ROUNDBOOK_SIGN_COMMAND signs.

    BASE64: its public half, where a command signs. For a log that never had a key, as where it is older than
    evidence: most get theirs with their tenant. If this log had one, another one hides what was done to it.
    Prints the public key by which others verify what is signed.
    """
    key = None if public_key is None else read_public_key(public_key)
    with _opened(tenant) as (connection, log, settings), connection.transaction():
        vkey = begin_signing(connection, log, settings, key)
    click.echo(vkey)


@click.command("rotate-key")
@click.argument("tenant")
@public_key_option
def rotate_key_command(tenant: str, public_key: bytes | None) -> None:
    """Let another key follow the one that signs the log of TENANT.

    Prints the statement of it, signed by both: give it to the auditor. Both sign for 30 days, then the new
    one alone.
    """
    with _opened(tenant) as (connection, log, settings), connection.transaction():
        note = rotate_key(connection, log, settings, datetime.now(UTC), public_key=public_key)
    click.echo(note, nl=False)


@click.command("restart")
@click.argument("tenant")
@click.option("--reason", required=True, type=Text(), help="Why, in words for an auditor.")
@click.option("--revoke", is_flag=True, help="No key of the log before is valid any more.")
@public_key_option
def restart_command(tenant: str, reason: str, *, revoke: bool, public_key: bytes | None) -> None:
    """Begin another log of TENANT over the events that there are, with an id and a key of its own.

    After a restore from an older backup, or where a key is compromised: what was signed before can't be
    continued. Prints the note that names the log before, and what of it is lost: give it to the auditor.
    What readers keep of the log before (cursors, positions) is refused from now on.
    """
    with _opened(tenant) as (connection, log, settings):
        note = restart(
            connection,
            log.tenant_id,
            settings,
            datetime.now(UTC),
            reason=reason,
            revoke=revoke,
            public_key=public_key,
        )
    click.echo(note, nl=False)


@contextmanager
def _opened(tenant: str) -> Iterator[_Opened]:
    settings = read_settings()
    with connect_service(settings) as connection:
        log = current_log(connection, find_tenant(connection, tenant).tenant_id)
        if log is None:
            raise TenantError(f"the log of {tenant} is empty: it gets an id with its first event")
        yield _Opened(connection, log, settings)
