"""Another key in the place of one that is to end: the same but for the key itself, and both for a while."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.tenants import NewKey, Scope, Tenant, TenantError, create_key, find_tenant
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements

_GREATEST_ID = 2**31 - 1


class Sql(Statements):
    """Letting a key end."""

    end_key: Statement


SQL = Sql(__file__)


class Ending(NamedTuple):
    """What is known of a key that is to end, and when it would have."""

    tenant: str
    scopes: list[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None


class Rotated(NamedTuple):
    """The key that takes the place of another one, whose tenant's they are, and when that one ends."""

    made: NewKey
    tenant: Tenant
    ends_at: datetime


def rotate_key(connection: Connection, key_id: int, *, overlap: timedelta) -> Rotated:
    """Make a key with the scopes and the label of another one, which ends after `overlap`.

    One that was to expire is followed by one that lasts as long from now on. Raises TenantError if no key
    with that id is valid.
    """
    now = datetime.now(UTC)
    ends_at = now + overlap
    with connection.transaction():
        row = {"key_id": key_id, "at": ends_at}
        is_one = 0 < key_id <= _GREATEST_ID
        ending = fetch_one(connection, SQL.end_key, row, Ending) if is_one else None
        if ending is None:
            raise TenantError(f"there is no key {key_id} that is valid")
        lasts = ending.expires_at and now + (ending.expires_at - ending.created_at)
        tenant = find_tenant(connection, ending.tenant)
        made = create_key(connection, tenant, ending.scopes, label=ending.label, expires_at=lasts)
    return Rotated(made, tenant, min(ends_at, ending.expires_at or ends_at))
