"""Cursors: the place of the last row that was shown, opaque to clients."""

import base64
import binascii
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

K = TypeVar("K")


class CursorError(ValueError):
    """A cursor that this service did not give for this query."""


class Cursors(Generic[K]):
    """Writes and reads the cursors of one collection.

    A cursor belongs to the collection, the tenant and the filters it was given for (`belongs_to`), so
    that it can't be carried into another query, where it would silently skip rows. It is checked as
    whatever comes from outside, for anyone could have written it.
    """

    def __init__(self, place: Any) -> None:
        """Read places of the type `place`, whose constraints are checked."""
        self._decoder = msgspec.msgpack.Decoder(tuple[bytes, place])

    def write(self, place: K, belongs_to: bytes) -> str:
        """Write the place of a row."""
        return (
            base64.urlsafe_b64encode(msgspec.msgpack.encode((belongs_to, place)))
            .decode()
            .rstrip("=")
        )

    def read(self, cursor: str) -> tuple[bytes, K]:
        """Read what the cursor belongs to, and the place. Raises CursorError."""
        try:
            text = cursor.encode("ascii")
            packed = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            belongs_to, place = self._decoder.decode(packed)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise CursorError("is no cursor of this collection") from None
        if self.write(place, belongs_to) != cursor:
            raise CursorError("is no cursor of this collection")
        return belongs_to, place


def belonging(collection: str, tenant_id: int, filters: msgspec.Struct) -> bytes:
    """Shorten what a cursor belongs to into 8 bytes."""
    whole = msgspec.msgpack.encode((collection, tenant_id, filters))
    return blake2b(whole, digest_size=8).digest()
