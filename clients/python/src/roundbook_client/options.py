"""What a client can be told beside where the service is."""

from pathlib import Path

from msgspec import Struct

from roundbook_client.rules import MAX_EVENT_BYTES, MAX_ITEMS

VERSION = "0.1.0"


class Options(Struct, frozen=True, kw_only=True):
    """What can be set, each with a default that is well for most."""

    currencies: tuple[str, ...] = ()
    """The codes beyond ISO 4217 that the tenant may send."""
    dead_letters: Path | str | None = None
    """The file of refused items; None is `dead-letters.ndjson` in the spool's folder. It may be shared."""
    max_spool_bytes: int = 1 << 30
    """How large the spool may become; beyond that `send` raises SpoolFull."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """How long `data` of an item may be, as the service's operator set it."""
    batch_items: int = MAX_ITEMS
    """How many items are sent at once; what one `send` was given is kept together up to 10,000."""
    linger_s: float = 0.05
    """How long a batch that is not full waits for more, where nothing else is under way."""
    timeout_s: float = 60.0
    """How long the service may be silent before a batch is sent again, or a query asked again."""
    slow_retry_s: float = 30.0
    """When a batch is sent again that was refused for a reason that may be mended: 401, 403, 404, …"""
    silence_s: float = 30.0
    """How long a followed log may be silent before it is connected to again; the service never is so long."""
