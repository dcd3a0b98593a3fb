"""Which broker is meant, and what is raised where it can't be worked with."""

from importlib.util import find_spec
from typing import Literal

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


class BrokerAwayError(Exception):
    """The broker can't be reached, or did not confirm: to be tried again, from the beginning."""


def broker_of(settings: Settings) -> Broker | None:
    """Return which broker the settings name, None where they name none."""
    scheme = (settings.broker_url or "").partition("://")[0]
    return next((broker for broker, schemes in _SCHEMES.items() if scheme in schemes), None)


def url_of(settings: Settings, broker: Broker) -> str:
    """Return where a broker is. Raises SettingsError where that is not said, or of another broker.

    And where the library that speaks to it is not installed.
    """
    schemes = _SCHEMES[broker]
    url = settings.broker_url or ""
    if url.partition("://")[0] not in schemes:
        wanted = " or ".join(f"{scheme}://…" for scheme in schemes)
        found = "is not set" if not url else "is of another broker"
        raise SettingsError(f"ROUNDBOOK_BROKER_URL: {found}; for {broker} it must be {wanted}")
    if find_spec(_LIBRARIES[broker]) is None:
        raise SettingsError(
            "ROUNDBOOK_BROKER_URL: needs the packages of the extra `brokers`:"
            " pip install 'roundbook[brokers]'"
        )
    return url
