"""NATS, by nats-py."""

from pathlib import Path

import nats
from nats.aio.client import Client

from app.brokers.reaching import BrokerAwayError, BrokerError, url_of
from app.settings import Settings

_PATIENCE_S = 10


async def connect(settings: Settings) -> Client:
    """Connect once; the client does not come back by itself when the connection is lost.

    The credentials of a file (`.creds`) are used where there is one. Raises BrokerAwayError, BrokerError
    where the server lets nobody in with these credentials, and SettingsError.
    """
    url = url_of(settings, "nats")
    more = {}
    if settings.broker_file is not None:
        path = Path(settings.broker_file).expanduser()
        if not path.is_file():
            raise BrokerError(f"ROUNDBOOK_BROKER_FILE: there is no file {str(path)!r}")
        more["user_credentials"] = str(path)
    refused: list[Exception] = []

    async def note(error: Exception) -> None:
        refused.append(error)

    try:
        return await nats.connect(
            url.split(","),
            name="roundbook",
            allow_reconnect=False,
            # Else it asks each server sixty times, two seconds apart, before it says that there is none.
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_PATIENCE_S,
            error_cb=note,
            **more,
        )
    except (nats.errors.Error, OSError, TimeoutError) as error:
        said = [str(each) for each in (*refused, error) if "uthorization" in str(each)]
        if said:
            raise BrokerError(f"NATS lets nobody in with these credentials: {said[0]}") from None
        raise BrokerAwayError(f"NATS can't be reached: {error}") from error
