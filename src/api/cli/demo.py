"""The tenant `demo`, for a first look."""

import shlex
import shutil
import sys
from pathlib import Path

import click

from api.cli.new_tenant import make_tenant
from app.settings import Settings
from app.tenants import SCOPES, create_key, list_tenants
from postgres.connections import Connection

_NAME = "demo"

_FIRST_STEPS = """
A tenant `demo` was made. Its key, which is shown this once:

  {key}
{vkey}
Send a first deposit:

  curl -i {url}/api/v1/events -H 'x-api-key: {key}' -H 'content-type: application/json' -d '{body}'

and ask for the balance:

  curl -w '\\n' '{url}/api/v1/balances?player_id=ada&at_least=1' -H 'x-api-key: {key}'
"""

_VERIFIED_BY = """
What is signed of its log is verified by this public key, which an auditor takes down now:

  {vkey}
"""

_NEXT_TIME = """
The tenant `demo` is there; its key was shown when it was made. In the same folder{where}, this makes another:

  {command}
"""

_BODY = (
    '{"items": [{"event": "deposit", "data": {"unique_id": "first-deposit", "player_id": "ada",'
    ' "timestamp": "2025-02-01T12:00:00Z", "amount": 25.00, "currency": "EUR", "method": "card"}}]}'
)


def introduce_demo(connection: Connection, url: str, settings: Settings) -> None:
    """Make the tenant and show its keys, its own and the one that verifies what is signed of its log.

    If it is there already, say how to make another key.
    """
    if any(tenant.name == _NAME for tenant in list_tenants(connection)):
        click.echo(_next_time(settings))
        return
    with connection.transaction():
        tenant, vkey = make_tenant(connection, _NAME, settings)
        made = create_key(connection, tenant, SCOPES, label="demo")
    verified_by = "" if vkey is None else _VERIFIED_BY.format(vkey=vkey)
    click.echo(_FIRST_STEPS.format(key=made.key, vkey=verified_by, url=url, body=_BODY))


def _next_time(settings: Settings) -> str:
    command = f"{_program()} key create {_NAME} {' '.join(f'--scope {name}' for name in SCOPES)}"
    where = ""
    if settings.database_url is not None:
        where = " and with the same ROUNDBOOK_DATABASE_URL"  # which may hold a password
    elif settings.data_dir != Settings().data_dir:
        command = f"ROUNDBOOK_DATA_DIR={shlex.quote(str(settings.data_path))} {command}"
    return _NEXT_TIME.format(where=where, command=command)


def _program() -> str:
    """Write how this program was called, for a shell in the same folder."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m api.cli"
    found = shutil.which(called.name)
    return called.name if found and called.samefile(found) else shlex.quote(str(called))
