"""Kafka, by librdkafka."""

from pathlib import Path

from app.brokers.reaching import BrokerError, url_of
from app.settings import Settings


def properties(settings: Settings) -> dict[str, str]:
    """Return what librdkafka is told to reach a cluster: the addresses, and what the file of properties says.

    A line of that is `name=value`; empty ones, and those that begin with `#`, say nothing. Raises
    SettingsError and BrokerError.
    """
    servers = url_of(settings, "kafka").removeprefix("kafka://").rstrip("/")
    found = {"bootstrap.servers": servers, "client.id": "roundbook"}
    if settings.broker_file is None:
        return found
    path = Path(settings.broker_file).expanduser()
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BrokerError(f"ROUNDBOOK_BROKER_FILE: {str(path)!r} can't be read: {reason}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, is_one, value = line.partition("=")
        if not is_one:
            raise BrokerError(f"ROUNDBOOK_BROKER_FILE: {path}:{number}: is not name=value")
        found[name.strip()] = value.strip()
    return found
