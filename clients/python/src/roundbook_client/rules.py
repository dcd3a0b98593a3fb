"""The server's rules for items: the one source of what is valid, and of the codes of faults.

In a checkout they are imported from the server's source; what is built holds copies (hatch_build.py).
"""

from app.wire.currencies import ISO_4217
from app.wire.faults import Fault, InvalidItemsError
from app.wire.items import MAX_EVENT_BYTES, MAX_ITEMS, decode_batch
from app.wire.json_text import NotJsonError
from domain.item_types import ITEM_TYPES

__all__ = [
    "ISO_4217",
    "ITEM_TYPES",
    "MAX_EVENT_BYTES",
    "MAX_ITEMS",
    "Fault",
    "InvalidItemsError",
    "NotJsonError",
    "decode_batch",
]
