"""`roundbook verify`: whether a tenant's log is what was sealed."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg

from api.process.logs import takes_commands
from api.process.store import open_service
from app.evidence.verification.asking import Asked, Outcome
from app.evidence.verification.findings import UnreadableError
from app.evidence.verification.reading import connect_to_read, last_position
from app.evidence.verification.verify import verify_log
from app.log.leaves import current_log
from app.settings import SettingsError, read_settings
from app.tenants import TenantError, find_tenant
from domain.evidence.notes import NoteError, VerifierKey, parse_verifier_key
from postgres.embedded import EmbeddedError, in_words
from postgres.migrate import MigrationError
from postgres.migration_turn import MigrationBusyError
from postgres.reaching import UnreachableError
from postgres.session import SessionError

_SHOWN = 200

_UNREADABLE = (
    EmbeddedError,
    MigrationBusyError,
    MigrationError,
    SessionError,
    SettingsError,
    TenantError,
    UnreadableError,
    UnreachableError,
    OSError,
    psycopg.Error,
)


class NotProvenError(click.ClickException):
    """The log is not what was sealed."""

    exit_code = 1


class NotVerifiedError(click.ClickException):
    """It was not found out whether it is."""

    exit_code = 2


class _Vkey(click.ParamType[VerifierKey]):
    name = "vkey"

    def convert(self, value: Any, param: Any, ctx: Any) -> VerifierKey:
        try:
            return parse_verifier_key(value)
        except NoteError as error:
            self.fail(str(error), param, ctx)


@click.command("verify")
@click.argument("tenant")
@click.option(
    "--anchors",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file of anchors that was kept elsewhere: each checkpoint in it must be one of this log.",
)
@click.option(
    "--vkey",
    "vkeys",
    type=_Vkey(),
    multiple=True,
    metavar="VKEY",
    help="The log's first key, as it was given to you. Without it the database is believed.",
)
@click.option(
    "--from-position",
    type=click.IntRange(1, 2**63 - 1),
    default=1,
    help="Read events from this position on; for those before it their hashes are believed.",
)
def verify_command(
    tenant: str, anchors: Path | None, vkeys: tuple[VerifierKey, ...], from_position: int
) -> None:
    """Verify that the log of TENANT is what was sealed: every event, hash, tile and checkpoint.

    Writes nothing, and may run beside the service. A line is written for each finding, by position,
    then what was verified and what was not. Exit status 0: proven; 1: not; 2: it could not be found out.
    """
    try:
        settings = read_settings()
        with open_service(settings) as url:
            with connect_to_read(url) as connection:
                tenant_id = find_tenant(connection, tenant).tenant_id
                log, end = current_log(connection, tenant_id), last_position(connection, tenant_id)
            if log is None:
                words = f"the log of {tenant} has no id: it was never sealed, or its entry in `logs` is gone"
                raise NotProvenError(words) if end else NotVerifiedError(words)
            with verifying(tenant, end - from_position + 1) as report:
                asked = Asked(url, log, settings, anchors, vkeys, from_position)
                outcome = verify_log(asked, report)
    except _UNREADABLE as error:
        raise NotVerifiedError(in_words(error)) from error
    _tell(tenant, outcome)
    if not outcome.proven:
        raise NotProvenError(
            f"the log of {tenant} is not proven: {counted(outcome.findings.total, 'finding')}"
        )


def _tell(tenant: str, outcome: Outcome) -> None:
    shown = 0
    for finding in outcome.findings:
        if shown == _SHOWN:
            break
        click.echo(finding)
        shown += 1
    if outcome.findings.total > shown:
        click.echo(f"… and {outcome.findings.total - shown} more")
    for line in _summary(tenant, outcome):
        click.echo(line)


def _summary(tenant: str, outcome: Outcome) -> Iterator[str]:
    first, last, sealed = outcome.first, outcome.last, outcome.sealed
    events = counted(max(last - first + 1, 0), "event")
    verdict = "proven" if outcome.proven else "not proven"
    yield f"{verdict}: the log of {tenant}, {events}, positions {first} to {last}"
    yield f"checkpoints: the newest is of size {sealed}; {counted(outcome.roots, 'root')} compared equal"
    for key in outcome.keys.keys if outcome.keys else ():
        until = "" if key.until_size is None else f" to {key.until_size}, then revoked"
        yield f"key from size {key.from_size}{until}: {key.vkey}"
    if outcome.unrecorded:
        yield f"leaf hashes that are not recorded: {outcome.unrecorded}"
    for what in outcome.not_checked:
        yield f"not checked: {what}"


def counted(number: int, what: str) -> str:
    """Write a number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


@contextmanager
def verifying(tenant: str, events: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far it is, where people look at it."""
    with click.progressbar(
        length=max(events, 1),
        label=f"verifying {tenant}",
        file=sys.stderr,
        hidden=not takes_commands(),
        show_eta=True,
    ) as bar:
        yield bar.update
