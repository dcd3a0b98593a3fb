"""Dead letters: a message as it was, and headers that say what is wrong with it and where it was."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from app.consuming.source import DeadLetter
from app.wire.faults import Fault

FAULTS = "roundbook-faults"
"""The faults as JSON, in ASCII: `[{"pointer": …, "code": …, "detail": …}, …]`, pointers into the body."""
PLACE = "roundbook-place"
"""Where the message was found, in the broker's words."""
TENANT = "roundbook-tenant"
"""For whom it was to be recorded."""

TRUNCATED = "roundbook-truncated"
"""How many bytes the message had, where there is no room for all of it."""

# Brokers bound headers, RabbitMQ all of them to one frame (128 KiB).
_MOST_BYTES = 16_384
_FEW_BYTES = 1_024
# What a broker's protocol takes for itself, of a header and of a message: more than any of them does.
_HEADER_BYTES = 16
_MESSAGE_BYTES = 128

Copied = Sequence[tuple[str, str | bytes | None]]
"""Headers that the message came with."""


class Fitted(NamedTuple):
    """A dead letter as it is published: which of its own headers it keeps, those of ours, its body."""

    copied: Copied
    own: dict[str, str]
    body: bytes


def fit(letter: DeadLetter, tenant: str, copied: Copied, most_bytes: int) -> Fitted:
    """Make a dead letter that is `most_bytes` long at most, headers included.

    What is left out first are faults beyond the first ones, then what the message had of headers, then the
    end of its body.
    """
    body = letter.message.body
    all_of_ours, few = headers(letter, tenant), headers(letter, tenant, _FEW_BYTES)
    ways: list[tuple[dict[str, str], Copied]] = [(all_of_ours, copied), (few, copied), (few, ())]
    for own, kept in ways:
        if _size(own, kept) + len(body) <= most_bytes:
            return Fitted(kept, own, body)
    own = few | {TRUNCATED: str(len(body))}
    return Fitted((), own, body[: max(0, most_bytes - _size(own, ()))])


def headers(letter: DeadLetter, tenant: str, most_bytes: int = _MOST_BYTES) -> dict[str, str]:
    """Return the headers that a dead letter has beside its own; of very many faults the first ones."""
    return {FAULTS: _faults(letter.faults, most_bytes), PLACE: letter.message.place, TENANT: tenant}


def _size(own: dict[str, str], copied: Copied) -> int:
    size = _MESSAGE_BYTES
    for name, value in [*own.items(), *copied]:
        text = value.encode() if isinstance(value, str) else value or b""
        size += _HEADER_BYTES + len(name.encode()) + len(text)
    return size


def _faults(faults: Sequence[Fault], most_bytes: int) -> str:
    written: list[str] = []
    left_bytes = most_bytes
    for fault in faults:
        told = {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
        written.append(json.dumps(told))
        left_bytes -= len(written[-1])
        if left_bytes <= 0:
            break
    return f"[{','.join(written)}]"
