"""The stamps of a profile's fields as the tables hold them: {field: [timestamp, unique_id]}."""

from datetime import datetime

import msgspec

from domain.instant import format_instant
from domain.profile import Stamp

_DECODER = msgspec.json.Decoder(dict[str, tuple[datetime, str]])


def encode_stamps(stamps: dict[str, Stamp]) -> str:
    """Write stamps as JSON."""
    texts = {field: (format_instant(moment), by) for field, (moment, by) in stamps.items()}
    return msgspec.json.encode(texts).decode()


def decode_stamps(text: str) -> dict[str, Stamp]:
    """Read stamps from JSON."""
    return _DECODER.decode(text)
