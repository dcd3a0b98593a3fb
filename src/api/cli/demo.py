"""The tenant `demo`, for a first look."""

import click

from api.tenancy import create_tenant
from app.tenants import SCOPES, create_key, list_tenants
from postgres.connections import Connection

_NAME = "demo"

_FIRST_STEPS = """
A tenant `demo` was made. Its key, which is shown this once:

  {key}

Send a first deposit:

  curl -i {url}/api/v1/events -H 'x-api-key: {key}' -H 'content-type: application/json' -d '{body}'

and ask for the balance:

  curl '{url}/api/v1/balances?player_id=ada&at_least=1' -H 'x-api-key: {key}'
"""

_BODY = (
    '{"items": [{"event": "deposit", "data": {"unique_id": "d-1", "timestamp": "2025-01-15T12:00:00Z",'
    ' "player_id": "ada", "amount": 25.00, "currency": "EUR", "method": "card"}}]}'
)


def introduce_demo(connection: Connection, url: str) -> None:
    """Make the tenant and show its key, unless it is there already."""
    if any(tenant.name == _NAME for tenant in list_tenants(connection)):
        return
    made = create_key(connection, create_tenant(connection, _NAME), SCOPES, label="demo")
    click.echo(_FIRST_STEPS.format(key=made.key, url=url, body=_BODY))
