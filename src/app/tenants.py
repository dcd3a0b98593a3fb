"""Tenants, and the keys by which requests speak for them."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import psycopg
from msgspec import Struct

from app.wire.currencies import ISO_4217
from domain.evidence.leaves import LOG_ID_BYTES
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one, fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading and writing tenants and keys."""

    create_tenant: Statement
    list_tenants: Statement
    find_tenant: Statement
    is_there: Statement
    allow_currency: Statement
    disallow_currency: Statement
    create_key: Statement
    list_keys: Statement
    last_uses: Statement
    revoke_key: Statement
    find_key: Statement
    log_id_of: Statement


SQL = Sql(__file__)

Scope = Literal["ingest", "read", "audit", "operate"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_CURRENCY = re.compile(r"[A-Za-z0-9._-]{1,20}", re.ASCII)
_KEY_PREFIX = "rb_"
_ATTEMPTS = 20
_GREATEST_ID = 2**31 - 1


class TenantError(ValueError):
    """What was asked for a tenant or a key can't be done; the message says why."""


class Tenant(Struct, frozen=True):
    """One customer of the service. `currencies`: the codes beyond ISO 4217 that it may send.

    `closed_at`: since when nothing is recorded any more, None where it is open.
    """

    tenant_id: int
    name: str
    created_at: datetime
    currencies: list[str]
    closed_at: datetime | None = None

    def allowed_currencies(self) -> frozenset[str]:
        """List all codes that the tenant may send."""
        return ISO_4217.union(self.currencies)


class Key(Struct, frozen=True):
    """What is kept of an API key; the key itself is not.

    `last_used_at` is noted once a minute at most; it is None for a key that was never used.
    """

    key_id: int
    scopes: list[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class KnownKey(NamedTuple):
    """A key, whose it is, and the id of the log in which that tenant's events are now, 16 bytes.

    `history_id` is that of the history that goes on, None in the first one.
    """

    key: Key
    tenant: Tenant
    log_id: bytes
    history_id: bytes | None


class NewKey(NamedTuple):
    """A key as it is shown, once."""

    key_id: int
    key: str


def add_tenant(connection: Connection, name: str, currencies: Sequence[str] = ()) -> Tenant:
    """Add a tenant with an empty log; `api.tenancy.create_tenant` begins its read models too.

    Raises TenantError for a name that is taken or unfit, or a currency code that is unfit.
    """
    if not is_name(name):
        raise TenantError(
            f"{name!r} is no name for a tenant: up to 63 letters, digits, dots, hyphens and underscores"
        )
    for code in currencies:
        _check_currency(code)
    row = {"name": name, "currencies": list(currencies)}
    for _ in range(_ATTEMPTS):
        if _find(connection, name):
            raise TenantError(f"tenant {name!r} exists already")
        try:
            with connection.transaction():
                connection.execute(SQL.create_tenant.sql, row)
        except psycopg.errors.UniqueViolation:
            continue
        return find_tenant(connection, name)
    raise TenantError("too many tenants are being created at once; try again")


def is_name(text: str) -> bool:
    """Return whether a tenant could have this name."""
    return _NAME.fullmatch(text) is not None


def list_tenants(connection: Connection) -> list[Tenant]:
    """List all tenants, oldest first."""
    return fetch_all(connection, SQL.list_tenants, None, Tenant)


def find_tenant(connection: Connection, name: str) -> Tenant:
    """Find a tenant by its name. Raises TenantError if there is none."""
    tenant = _find(connection, name)
    if tenant is None:
        raise TenantError(f"there is no tenant {name!r}")
    return tenant


def check_there(connection: Connection, tenant_id: int) -> None:
    """Raise TenantError where a tenant is removed.

    Its rows go afterwards: who has read some, and finds it there still, was given all.
    """
    if not fetch_one(connection, SQL.is_there, {"tenant_id": tenant_id}, bool):
        raise TenantError(
            "the tenant was removed while it was read; what was read is not all of it"
        )


def allow_currency(connection: Connection, name: str, code: str) -> bool:
    """Let a tenant send a currency code beyond ISO 4217; False if it was allowed before.

    Raises TenantError.
    """
    _check_currency(code)
    tenant = find_tenant(connection, name)
    row = {"tenant_id": tenant.tenant_id, "code": code}
    return fetch_one(connection, SQL.allow_currency, row, bool) or False


def disallow_currency(connection: Connection, name: str, code: str) -> bool:
    """Let a tenant no longer send a currency code beyond ISO 4217; False if it was not allowed.

    Raises TenantError for a code of ISO 4217, and where there is no such tenant.
    """
    tenant = find_tenant(connection, name)
    if code in ISO_4217:
        raise TenantError(f"{code} is of ISO 4217: every tenant may send it")
    row = {"tenant_id": tenant.tenant_id, "code": code}
    return fetch_one(connection, SQL.disallow_currency, row, bool) or False


def create_key(
    connection: Connection,
    tenant: Tenant,
    scopes: Sequence[Scope],
    *,
    label: str = "",
    expires_at: datetime | None = None,
) -> NewKey:
    """Create an API key and give it: it can't be read again. Raises TenantError for a time past."""
    if expires_at is not None and expires_at <= datetime.now(UTC):
        raise TenantError("the key would have expired already")
    key = _KEY_PREFIX + secrets.token_urlsafe(32)
    row = {
        "key_hash": _hash(key),
        "tenant_id": tenant.tenant_id,
        "scopes": sorted(set(scopes), key=SCOPES.index),
        "label": label,
        "expires_at": expires_at,
    }
    for _ in range(_ATTEMPTS):
        try:
            with connection.transaction():
                key_id = fetch_one(connection, SQL.create_key, row, int)
        except psycopg.errors.UniqueViolation:
            continue
        if key_id is not None:
            return NewKey(key_id, key)
    raise TenantError("too many keys are being created at once; try again")


def list_keys(connection: Connection, tenant: Tenant) -> list[Key]:
    """List a tenant's keys, newest last."""
    whose = {"tenant_id": tenant.tenant_id}
    used = dict(fetch_pairs(connection, SQL.last_uses, whose, "key_id", datetime))
    keys = fetch_all(connection, SQL.list_keys, whose, _Listed)
    return [Key(*key, used.get(key.key_id)) for key in keys]


def revoke_key(connection: Connection, key_id: int) -> datetime | None:
    """Revoke a key for good; gives the time if that was done before, and nothing is changed.

    Raises TenantError if there is no such key.
    """
    is_one = 0 < key_id <= _GREATEST_ID
    row = {"key_id": key_id}
    before = connection.execute(SQL.revoke_key.sql, row).fetchone() if is_one else None
    if before is None:
        raise TenantError(f"there is no key {key_id}")
    revoked_at: datetime | None = before[0]
    return revoked_at


def find_key(connection: Connection, key: str) -> KnownKey | None:
    """Find what is kept of a key, and whose it is; revoked and expired ones too."""
    found = fetch_one(connection, SQL.find_key, {"key_hash": _hash(key)}, _Found)
    if found is None:
        return None
    whose = {"tenant_id": found.tenant_id}
    log_id = fetch_one(connection, SQL.log_id_of, whose, bytes)
    moments = (found.created_at, found.expires_at, found.revoked_at)
    return KnownKey(
        Key(found.key_id, found.scopes, found.label, *moments),
        Tenant(
            found.tenant_id,
            found.name,
            found.tenant_created_at,
            found.currencies,
            found.closed_at,
        ),
        log_id or bytes(LOG_ID_BYTES),
        found.history_id,
    )


class _Listed(NamedTuple):
    """A key but for its last use."""

    key_id: int
    scopes: list[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class _Found(NamedTuple):
    """A key beside its tenant."""

    key_id: int
    scopes: list[Scope]
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    tenant_id: int
    name: str
    tenant_created_at: datetime
    currencies: list[str]
    closed_at: datetime | None
    history_id: bytes | None


def _find(connection: Connection, name: str) -> Tenant | None:
    return fetch_one(connection, SQL.find_tenant, {"name": name}, Tenant)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _check_currency(code: str) -> None:
    if not _CURRENCY.fullmatch(code):
        raise TenantError(
            f"{code!r} is no currency code: up to 20 letters, digits, dots, hyphens and underscores"
        )
