"""The command line `roundbook`."""

import sys

import click
import psycopg

from api.cli.keys import key
from api.cli.rebuild import rebuild_command
from api.cli.replay import replay_command
from api.cli.serve import migrate, project, serve
from api.cli.simulate import simulate
from api.cli.tenants import tenant
from app.settings import SettingsError
from app.tenants import TenantError
from postgres.embedded import EmbeddedError
from postgres.migrate import MigrationError
from postgres.privileges import TooMuchPrivilegeError
from postgres.reaching import UnreachableError
from postgres.session import SessionError
from projections.engine.generations import RebuildError
from projections.entries import PoisonError

EXPECTED_ERRORS = (
    EmbeddedError,
    MigrationError,
    SessionError,
    SettingsError,
    TenantError,
    TooMuchPrivilegeError,
    UnreachableError,
    PoisonError,
    RebuildError,
    OSError,
    psycopg.Error,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="roundbook")
def cli() -> None:
    """Roundbook records what happens at online casinos, and answers questions about it.

    Settings come from the environment: ROUNDBOOK_DATABASE_URL and others, see docs/operating.md.
    """


for command in (serve, project, migrate, tenant, key, replay_command, rebuild_command, simulate):
    cli.add_command(command)


def main() -> None:
    """Run the command line: results on stdout, errors on stderr with status 1, misuse with 2."""
    if any("\udc80" <= character <= "\udcff" for word in sys.argv for character in word):
        click.echo("roundbook: the arguments must be UTF-8", err=True)
        sys.exit(2)
    try:
        cli()
    except EXPECTED_ERRORS as error:
        click.echo(f"roundbook: {str(error).strip()}", err=True)
        sys.exit(1)
