"""Cursors: the place of the last row that was shown, opaque to clients."""

import base64
import binascii
from hashlib import blake2b
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec

K = TypeVar("K")

_MARK_BYTES = 8
_Mark = Annotated[bytes, msgspec.Meta(min_length=_MARK_BYTES, max_length=_MARK_BYTES)]


class CursorError(ValueError):
    """A cursor that this service did not give for this query."""


class Cursor(NamedTuple, Generic[K]):
    """What a cursor holds: how the id of its log begins, what it belongs to, and the place."""

    log: bytes
    belongs_to: bytes
    place: K


class Cursors(Generic[K]):
    """Writes and reads the cursors of one collection.

    A cursor belongs to the collection, the tenant and the filters it was given for (`belongs_to`), so
    that it can't be carried into another query, where it would silently skip rows; and to the log, of which
    a restore may have begun another. It is checked as whatever comes from outside, for anyone could have
    written it.
    """

    def __init__(self, place: Any) -> None:
        """Read places of the type `place`, whose constraints are checked."""
        self._decoder = msgspec.msgpack.Decoder(tuple[_Mark, _Mark, place])

    def write(self, place: K, belongs_to: bytes, log_id: bytes) -> str:
        """Write the place of a row of the log `log_id`."""
        packed = msgspec.msgpack.encode((log_id[:_MARK_BYTES], belongs_to, place))
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def read(self, cursor: str) -> Cursor[K]:
        """Read a cursor. Raises CursorError."""
        try:
            text = cursor.encode("ascii")
            packed = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            found: Cursor[K] = Cursor(*self._decoder.decode(packed))
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise CursorError("is no cursor of this collection") from None
        if self.write(found.place, found.belongs_to, found.log) != cursor:
            raise CursorError("is no cursor of this collection")
        return found


def belonging(collection: str, tenant_id: int, filters: msgspec.Struct) -> bytes:
    """Shorten what a cursor belongs to into 8 bytes."""
    whole = msgspec.msgpack.encode((collection, tenant_id, filters))
    return blake2b(whole, digest_size=_MARK_BYTES).digest()
