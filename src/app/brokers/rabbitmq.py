"""RabbitMQ, by aio-pika."""

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, AuthenticationError, ProbableAuthenticationError

from app.brokers.reaching import BrokerAwayError, BrokerError, url_of
from app.settings import Settings

AWAY = (AMQPError, OSError, TimeoutError)
"""What aio-pika raises where the broker is gone, or did not confirm."""

_PATIENCE_S = 10


async def connect(settings: Settings) -> AbstractConnection:
    """Connect once; the connection does not come back by itself when it is lost.

    Raises BrokerAwayError, BrokerError where the broker lets nobody in with these credentials, and
    SettingsError.
    """
    url = url_of(settings, "rabbitmq")
    try:
        return await aio_pika.connect(
            url, timeout=_PATIENCE_S, client_properties={"connection_name": "roundbook"}
        )
    except (AuthenticationError, ProbableAuthenticationError) as error:
        raise BrokerError(f"RabbitMQ lets nobody in with these credentials: {error}") from None
    except AWAY as error:
        raise BrokerAwayError(f"RabbitMQ can't be reached: {error}") from error
