"""The commands, and what becomes of their errors."""

import os
import sys
from io import TextIOWrapper

import click
import psycopg
from eventsourcing.persistence import PersistenceError

from api.cli.backup import backup_command, restore_command
from api.cli.consume import consume
from api.cli.doctor import doctor_command
from api.cli.erase import erase_command
from api.cli.evidence import evidence
from api.cli.export import export_command
from api.cli.hold import hold_command
from api.cli.importing import import_command
from api.cli.keys import key
from api.cli.rebuild import rebuild_command
from api.cli.relay import relay_command
from api.cli.replay import replay_command
from api.cli.schemas import schemas_command
from api.cli.serve import migrate, project, seal, serve
from api.cli.simulate import simulate
from api.cli.subscription import subscription
from api.cli.tenants import tenant
from api.cli.top import top
from api.cli.upgrade import upgrade_command
from api.cli.verify import verify_command
from api.process.service_account import ServiceUserError
from api.process.store import OwnerNeededError
from app.backup.manifest import BackupError
from app.brokers.reaching import BrokerError
from app.evidence.claiming import SupersededError
from app.evidence.command import CommandError
from app.evidence.guard import BusyError, RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError
from app.evidence.sealing import UnsoundError
from app.lives.export import MissingEventsError
from app.log.erasure import HeldError
from app.relay.secrets import SecretError
from app.relay.subscriptions import SubscriptionError
from app.settings import SettingsError
from app.tenants import TenantError
from domain.evidence.merkle import MissingHashesError
from domain.gaming_day import DayRuleError
from postgres.embedded import EmbeddedError, StoppedError, in_words
from postgres.migrate import MigrationError
from postgres.migration_turn import MigrationBusyError
from postgres.privileges import TooMuchPrivilegeError
from postgres.programs import ProgramError
from postgres.reaching import UnreachableError
from postgres.recovery import InRecoveryError
from postgres.session import SessionError
from projections.engine.generations import RebuildError
from projections.entries import PoisonError

_EXPECTED_ERRORS = (
    BackupError,
    BrokerError,
    BusyError,
    CommandError,
    DayRuleError,
    EmbeddedError,
    HeldError,
    KeyFileError,
    MigrationBusyError,
    MigrationError,
    MissingEventsError,
    MissingHashesError,
    NoKeyError,
    RefusedError,
    OwnerNeededError,
    SecretError,
    SessionError,
    ServiceUserError,
    SettingsError,
    SubscriptionError,
    SupersededError,
    TenantError,
    TooMuchPrivilegeError,
    UnreachableError,
    UnsoundError,
    PersistenceError,
    PoisonError,
    ProgramError,
    RebuildError,
    OSError,
    psycopg.Error,
)
_BEGINNING = "Error: "


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="roundbook")
def cli() -> None:
    """Roundbook records what happens at online casinos, and answers questions about it.

    Settings come from the environment: ROUNDBOOK_DATABASE_URL and others, see docs/operating.md.
    """


_COMMANDS = (
    serve,
    project,
    seal,
    migrate,
    backup_command,
    restore_command,
    upgrade_command,
    doctor_command,
    tenant,
    key,
    top,
    subscription,
    relay_command,
    replay_command,
    export_command,
    rebuild_command,
    verify_command,
    import_command,
    consume,
    simulate,
    erase_command,
    hold_command,
    evidence,
    schemas_command,
)
for command in _COMMANDS:
    cli.add_command(command)


def run() -> int:
    """Run the command that the arguments name; gives the exit status. Raises KeyboardInterrupt."""
    if isinstance(sys.stdout, TextIOWrapper):
        # Where the locale's encoding lacks a character, an escape stands for it.
        sys.stdout.reconfigure(errors="backslashreplace")
    if any("\udc80" <= character <= "\udcff" for word in sys.argv for character in word):
        return _failed("the arguments must be UTF-8", status=2)
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except StoppedError:
        return 0  # a service that was ended before it began
    except _EXPECTED_ERRORS as error:
        return _failed(_in_words(error))
    return 0


def _in_words(error: Exception) -> str:
    is_read_only = isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
    if is_read_only and not isinstance(error, InRecoveryError):
        return str(InRecoveryError(in_words(error)))
    return in_words(error)


def _failed(message: str, *, status: int = 1) -> int:
    """Tell of an error as click does of its own, the lines behind the first below its words."""
    click.echo(_BEGINNING + message.replace("\n", "\n" + " " * len(_BEGINNING)), err=True)
    try:
        sys.stdout.flush()
    except OSError:
        # Nothing can be written there. Python would try again at its end, and tell in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status
