"""Webhooks: each event a POST, signed after Standard Webhooks (https://www.standardwebhooks.com)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

import httpx
from standardwebhooks import Webhook

from app.relay.reading import Message
from app.relay.secrets import SecretError, Secrets
from app.relay.targets.addresses import UrlError, address_of, parse_url
from app.relay.targets.target import DeliveryError
from app.relay.turns import Due

_MOST = 8
_TIMEOUT_S = 15.0
_SHOWN_BYTES = 200
_READ_BYTES = 64 * 1024


class Webhooks:
    """The webhooks of a process; those to one host share connections."""

    def __init__(self, secrets: Secrets, *, private: bool, timeout_s: float = _TIMEOUT_S) -> None:
        """Sign with `secrets`; addresses that are not public are for those that may be `private`."""
        self._secrets = secrets
        self._private = private
        self._timeout_s = timeout_s
        # With the certificates of the environment (SSL_CERT_FILE), but by none of its proxies, which would
        # look up names themselves.
        self._trusted = httpx.create_ssl_context()
        # By the name of the host: connections are to addresses, and one address may have several hosts.
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def open(self, due: Due) -> "_Webhook":
        """Open the webhook of a subscription. Raises DeliveryError."""
        try:
            url = parse_url(due.target, private=self._private)
            secrets = self._secrets.read(due.tenant, due.name)
            signers = [Webhook(each.text) for each in secrets]
        except (UrlError, SecretError) as error:
            raise DeliveryError(str(error)) from None
        address = await address_of(url, private=self._private)
        client = self._clients.get(url.netloc)
        if client is None:
            client = self._clients[url.netloc] = self._new_client()
        return _Webhook(client, url, address, signers, self._timeout_s)

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._trusted,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout_s,
            headers={"user-agent": "roundbook", "accept-encoding": "identity"},
        )


class _Webhook:
    """One webhook, at the address that was looked at."""

    most = _MOST

    def __init__(
        self,
        client: httpx.AsyncClient,
        url: SplitResult,
        address: str,
        signers: Sequence[Webhook],
        timeout_s: float,
    ) -> None:
        self._client = client
        self._signers = signers
        self._timeout_s = timeout_s
        port = f":{url.port}" if url.port else ""
        at = f"[{address}]" if ":" in address else address
        self._url = url._replace(netloc=at + port).geturl()
        # What the certificate must be of, and the server is asked for, is the name.
        self._extensions = {"sni_hostname": url.hostname or ""}
        host = url.netloc
        self._headers = {"host": host, "content-type": "application/json"}

    async def send(self, message: Message) -> "asyncio.Future[None]":
        """Begin to send a message."""
        return asyncio.create_task(self._post(message))

    async def close(self) -> None:
        """Do nothing: the connections are shared."""

    async def _post(self, message: Message) -> None:
        headers = self._headers | signed(message, self._signers, datetime.now(UTC))
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(
                    "POST",
                    self._url,
                    content=message.body,
                    headers=headers,
                    extensions=self._extensions,
                ) as response,
            ):
                beginning = await _beginning(response)
        except TimeoutError:
            raise DeliveryError(f"no answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DeliveryError(f"no answer: {str(error) or type(error).__name__}") from None
        if not response.is_success:
            raise refusal(response.status_code, beginning, response.headers.get("retry-after"))


def signed(message: Message, signers: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """Return the headers that name a message and sign it by each secret, `now` in UTC."""
    text = message.body.decode()
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(each.sign(message.id, now, text) for each in signers),
    }


def refusal(status: int, beginning: bytes, retry_after: str | None) -> DeliveryError:
    """Make the error of an answer that confirms nothing."""
    words = beginning.decode(errors="replace").strip()
    said = f"answered {status}" + (f": {words}" if words else "")
    if status == 410:
        return DeliveryError(f"{said}: it is gone, and wants nothing any more", is_gone=True)
    if 300 <= status < 400:
        return DeliveryError(f"answered {status}: redirects are not followed")
    return DeliveryError(said, asked_s=_asked_s(retry_after))


def _asked_s(retry_after: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)


async def _beginning(response: httpx.Response) -> bytes:
    """Read an answer as far as a connection is worth it; gives how it begins, for people."""
    read = bytearray()
    async for piece in response.aiter_raw():
        read += piece
        if len(read) > _READ_BYTES:
            break
    return bytes(read[:_SHOWN_BYTES])
