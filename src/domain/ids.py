"""What ids and positions are, wherever they are read from outside, and how the log knows a unique_id."""

from hashlib import blake2b
from typing import Annotated

from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
"""An id: 1 to 255 characters of any Unicode but NUL; slashes, spaces and quotes are ordinary."""

Position = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A position in a tenant's log, or 0 for the place before its first event."""

Ordinal = Annotated[int, Meta(ge=1, le=2**63 - 1)]
"""The position of an event, or how many there are up to it."""

KeyId = Annotated[int, Meta(ge=1, le=2**31 - 1)]
"""The id of an API key."""


def event_key(unique_id: str) -> bytes:
    """Hash a unique_id to the 16 bytes by which the log knows it (BLAKE2b, RFC 7693)."""
    return blake2b(unique_id.encode(), digest_size=16).digest()
