"""Which broker is meant, and what is raised where it can't be worked with."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from app.settings import Settings, SettingsError

Broker = Literal["rabbitmq", "nats", "kafka"]
"""The brokers that are spoken to."""

_SCHEMES: dict[Broker, tuple[str, ...]] = {
    "rabbitmq": ("amqp", "amqps"),
    "nats": ("nats", "tls"),
    "kafka": ("kafka",),
}
_LIBRARIES: dict[Broker, str] = {
    "rabbitmq": "aio_pika",
    "nats": "nats",
    "kafka": "confluent_kafka",
}


class BrokerError(Exception):
    """What is asked of a broker can't be done until somebody mends it; the message says what."""


class LetterRefusedError(BrokerError):
    """A dead letter is refused, and would be again: what it is of can't be acknowledged."""


class BrokerAwayError(Exception):
    """The broker can't be reached, or did not confirm: to be tried again, from the beginning."""


def broker_of(settings: Settings) -> Broker | None:
    """Return which broker the settings name, None where they name none."""
    scheme = (settings.broker_url or "").partition("://")[0]
    return next((broker for broker, schemes in _SCHEMES.items() if scheme in schemes), None)


def url_of(settings: Settings, broker: Broker) -> str:
    """Return where a broker is.

    Raises SettingsError where that is not said, of another broker, or no URL that can be read, and where
    the library that speaks to it is not installed.
    """
    schemes = _SCHEMES[broker]
    url = settings.broker_url or ""
    if url.partition("://")[0] not in schemes:
        wanted = " or ".join(f"{scheme}://…" for scheme in schemes)
        found = "is not set" if not url else "is of another broker"
        raise SettingsError(f"ROUNDBOOK_BROKER_URL: {found}; for {broker} it must be {wanted}")
    if broker != "kafka" and not all(map(_can_be_read, url.split(","))):
        raise SettingsError(
            "ROUNDBOOK_BROKER_URL: its host or port can't be read; percent-encode what a user or a"
            " password has of / ? # @ : , [ ]"
        )
    if find_spec(_LIBRARIES[broker]) is None:
        raise SettingsError(
            "ROUNDBOOK_BROKER_URL: needs the packages of the extra `brokers`:"
            " pip install 'roundbook[brokers]'"
        )
    return url


def _can_be_read(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    # A password that begins as a port does, and goes on with a slash, leaves its end, and @host, to the path.
    rest = f"{parts.path}{parts.query}{parts.fragment}"
    return port != 0 and bool(parts.hostname) and "@" not in rest


@contextmanager
def away_where(errors: tuple[type[Exception], ...], broker: str) -> Iterator[None]:
    """Raise BrokerAwayError for what a library raises where its broker is gone, or does not confirm.

    Some cancel who waits for an answer that does not come any more, who is then told the same.
    """
    try:
        yield
    except errors as error:
        raise BrokerAwayError(f"{broker}: {str(error) or type(error).__name__}") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise BrokerAwayError(f"{broker}: the connection is lost") from error
