"""Which kinds of targets a process sends to, and what opens them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from app.brokers.reaching import Broker, broker_of, url_of
from app.relay.secrets import Secrets
from app.relay.targets.target import Opens
from app.relay.targets.webhook import Webhooks
from app.settings import Settings
from domain.relaying import KINDS, Kind


def openers(settings: Settings, kinds: Sequence[Kind]) -> Mapping[Kind, Callable[[], Opens]]:
    """Return what opens the targets of these kinds; without any, of all that the settings are enough for.

    Raises SettingsError where they are not enough for one that is named, or for the broker that they name.
    """
    wanted = kinds or ("webhook", broker_of(settings))
    return {kind: _opener(settings, kind) for kind in KINDS if kind in wanted}


def _opener(settings: Settings, kind: Kind) -> Callable[[], Opens]:
    if kind == "webhook":
        return partial(
            Webhooks,
            Secrets(settings.webhook_path),
            private=settings.private_webhooks == "allowed",
        )
    url_of(settings, kind)
    return partial(_broker, settings, kind)


def _broker(settings: Settings, kind: Broker) -> Opens:
    # Each only where its library is installed.
    if kind == "nats":
        from app.relay.targets.nats import Nats  # noqa: PLC0415

        return Nats(settings)
    if kind == "rabbitmq":
        from app.relay.targets.rabbitmq import RabbitMq  # noqa: PLC0415

        return RabbitMq(settings)
    from app.relay.targets.kafka import Kafka  # noqa: PLC0415

    return Kafka(settings)
