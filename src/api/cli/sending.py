"""Sending batches to a running service, with a key that is given or made for the time."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import ParamSpec, TypeVar

import click
import httpx
import psycopg

from api.process.store import connect_service
from app.settings import SettingsError, read_settings
from app.tenants import TenantError, create_key, find_key, find_tenant, revoke_key
from postgres.embedded import EmbeddedError
from postgres.migrate import MigrationError
from postgres.migration_turn import MigrationBusyError
from postgres.reaching import UnreachableError
from postgres.session import SessionError

P = ParamSpec("P")
R = TypeVar("R")

_KEY_LIFE = timedelta(days=1)
_TIMEOUT_S = 60
_LONGEST_PAUSE_S = 60
_NO_STORE = (
    EmbeddedError,
    MigrationBusyError,
    MigrationError,
    OSError,
    SessionError,
    SettingsError,
    UnreachableError,
    psycopg.Error,
)
"""Why the store can't be looked at from here; the service may be elsewhere."""


class SendingError(click.ClickException):
    """The service did not take a batch."""


def _web_url(_context: click.Context, _option: click.Parameter, url: str) -> str:
    """Check an option that is the URL of a service. Raises click.BadParameter."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise click.BadParameter(str(error)) from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise click.BadParameter("must begin with http:// or https://, and name a host")
    return url


def check_key(tenant: str, key: str | None) -> None:
    """Raise click.BadParameter for what no header can carry, and for a key of another tenant.

    Whose it is shows the store, where it can be reached from here and has the key.
    """
    if key is None:
        return
    if not (key.isascii() and key.isprintable()):
        raise click.BadParameter("is no key", param_hint="--key")
    try:
        with connect_service(read_settings()) as connection:
            known = find_key(connection, key)
    except _NO_STORE:
        return
    if known is not None and known.tenant.name != tenant:
        raise click.BadParameter(f"is not a key of {tenant!r}", param_hint="--key")


def sends(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the options of all that send batches: `batch`, `url` and `key`."""
    command = click.option(
        "--key", help="A key of the tenant with the scope `ingest`; else one is made for the time."
    )(command)
    command = click.option(
        "--url",
        default="http://127.0.0.1:8000",
        show_default=True,
        callback=_web_url,
        help="The running service.",
    )(command)
    how_many = click.IntRange(1, 10_000)
    return click.option("--batch", default=1_000, show_default=True, type=how_many)(command)


@contextmanager
def ingest_key(tenant: str, given: str | None, label: str) -> Iterator[str]:
    """Return a key: the one that was given, or one of our own that is revoked in the end.

    The store is opened anew for that: it may be gone, and come back, while batches are sent.
    """
    if given:
        yield given
        return
    settings = read_settings()
    with connect_service(settings) as connection:
        owner = find_tenant(connection, tenant)
        expires_at = datetime.now(UTC) + _KEY_LIFE
        made = create_key(connection, owner, ["ingest"], label=label, expires_at=expires_at)
    try:
        yield made.key
    finally:
        try:
            with connect_service(settings) as connection:
                revoke_key(connection, made.key_id)
        except (*_NO_STORE, TenantError) as error:
            click.echo(
                f"The key made for the time is not revoked, and holds until {expires_at:%Y-%m-%d %H:%M} UTC:"
                f" `roundbook key revoke {made.key_id}` ends it. {error}",
                err=True,
            )


def open_client(url: str, key: str) -> httpx.Client:
    """Return a client that sends batches to a service in the name of a key."""
    headers = {"x-api-key": key, "content-type": "application/json"}
    return httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S)


def post(
    client: httpx.Client, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Send a batch until it is confirmed: that it may be sent again is what unique_ids are for.

    Raises SendingError.
    """
    while True:
        try:
            answer = client.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            raise SendingError(f"{client.base_url} can't be reached: {error}") from error
        if answer.is_success:
            return answer
        pause_s = _pause_s(answer.headers.get("Retry-After", ""))
        if pause_s is None:
            raise SendingError(f"the service answered {answer.status_code}: {answer.text}")
        time.sleep(pause_s)


def _pause_s(retry_after: str) -> float | None:
    """Read a Retry-After, seconds or a date (RFC 9110, 10.2.3); None for what is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), _LONGEST_PAUSE_S)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    pause_s = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(pause_s, 0.0), _LONGEST_PAUSE_S)
