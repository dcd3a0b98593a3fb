"""The headers of dead letters: what is wrong with a message, and where it was."""

import json
from collections.abc import Sequence

from app.consuming.source import DeadLetter
from app.wire.faults import Fault

FAULTS = "roundbook-faults"
"""The faults as JSON, in ASCII: `[{"pointer": …, "code": …, "detail": …}, …]`, pointers into the body."""
PLACE = "roundbook-place"
"""Where the message was found, in the broker's words."""
TENANT = "roundbook-tenant"
"""For whom it was to be recorded."""

# Brokers bound headers, RabbitMQ all of them to one frame (128 KiB).
_MOST_BYTES = 16_384


def headers(letter: DeadLetter, tenant: str) -> dict[str, str]:
    """Return the headers that a dead letter has beside its own; of very many faults the first ones."""
    return {FAULTS: _faults(letter.faults), PLACE: letter.message.place, TENANT: tenant}


def _faults(faults: Sequence[Fault]) -> str:
    written: list[str] = []
    left_bytes = _MOST_BYTES
    for fault in faults:
        told = {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
        written.append(json.dumps(told))
        left_bytes -= len(written[-1])
        if left_bytes <= 0:
            break
    return f"[{','.join(written)}]"
