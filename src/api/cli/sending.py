"""Sending batches to a running service, with a key that is given or made for the time."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click
import httpx

from api.process.store import connect_service
from app.settings import read_settings
from app.tenants import create_key, find_tenant, revoke_key

_KEY_LIFE = timedelta(days=1)
_TIMEOUT_S = 60


class SendingError(click.ClickException):
    """The service did not take a batch."""


def web_url(_context: click.Context, _option: click.Parameter, url: str) -> str:
    """Check an option that is the URL of a service. Raises click.BadParameter."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise click.BadParameter(str(error)) from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise click.BadParameter("must begin with http:// or https://, and name a host")
    return url


def check_key(key: str | None) -> None:
    """Raise click.BadParameter for what no header can carry."""
    if key is not None and not (key.isascii() and key.isprintable()):
        raise click.BadParameter("is no key", param_hint="--key")


@contextmanager
def ingest_key(tenant: str, given: str | None, label: str) -> Iterator[str]:
    """Return a key: the one that was given, or one of our own that is revoked in the end."""
    if given:
        yield given
        return
    with connect_service(read_settings()) as connection:
        owner = find_tenant(connection, tenant)
        expires_at = datetime.now(UTC) + _KEY_LIFE
        made = create_key(connection, owner, ["ingest"], label=label, expires_at=expires_at)
        try:
            yield made.key
        finally:
            revoke_key(connection, made.key_id)


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
        if "Retry-After" not in answer.headers:
            raise SendingError(f"the service answered {answer.status_code}: {answer.text}")
        time.sleep(float(answer.headers["Retry-After"]))
