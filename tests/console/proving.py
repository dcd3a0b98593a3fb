"""Logs in memory, and what a service would say of them to a browser that verifies events."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from api.documentation.evidence import ORIGIN
from app.evidence.keys import SigningKey, generate_key
from app.log.leaves import content_of
from domain.evidence.leaves import CommittedEvent, leaf
from domain.evidence.merkle import leaf_hash
from domain.evidence.notes import Note
from postgres.binary import micros
from tests.evidence.trees import naive_inclusion, naive_root

Case = dict[str, Any]

BEGUN = datetime(2025, 1, 15, 12, tzinfo=UTC)


class Log:
    """A log in memory, its key, and what its service would say of it."""

    def __init__(self, events: Sequence[CommittedEvent], key: SigningKey | None = None) -> None:
        self.events = events
        self.key = key or generate_key(ORIGIN)
        self.log_id = bytes.fromhex(self.key.name.rpartition("/")[2])
        self.leaves = [self._leaf(each) for each in events]
        self.hashes = [leaf_hash(each) for each in self.leaves]

    def _leaf(self, event: CommittedEvent) -> bytes:
        recorded_at = micros(event.recorded_at)
        return leaf(self.log_id, event.position, recorded_at, event.version, content_of(event))

    def checkpoint(self, size: int, *, root: bytes | None = None) -> str:
        """The signed note of a size."""
        hashed = encoded(root or naive_root(self.hashes[:size]))
        text = f"{self.key.name}\n{size}\n{hashed}\n"
        return str(Note(text, (self.key.sign(text),)))

    def case(self, position: int, size: int) -> Case:
        """All that the browser has in hand."""
        event = self.events[position - 1]
        shown = {
            "position": position,
            "stream": event.stream,
            "version": event.version,
            "topic": event.topic,
            "recordedAt": written(event.recorded_at),
            "data": None if event.state is None else event.state.decode(),
        }
        committed = {
            "key": event.key and event.key.hex(),
            "occurred_at": event.occurred_at and written(event.occurred_at),
            "salt": (event.salt or bytes(16)).hex(),
            "commitment": event.commitment and event.commitment.hex(),
        }
        inclusion = {
            "leaf_hash": encoded(self.hashes[position - 1]),
            "leaf": encoded(self.leaves[position - 1]),
            "proof": [*map(encoded, naive_inclusion(position - 1, self.hashes[:size]))],
            "committed": committed,
        }
        return {
            "event": shown,
            "inclusion": inclusion,
            "checkpoint": self.checkpoint(size),
            "keys": [str(self.key.vkey)],
        }


def encoded(data: bytes) -> str:
    return b64encode(data).decode()


def written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def flipped(text: str, bit: int = 0) -> str:
    """Turn one bit of what base64 holds."""
    data = bytearray(b64decode(text))
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    return encoded(bytes(data))


def altered(text: str) -> list[str]:
    """Write a text with each of its letters changed in turn."""
    return [text[:at] + chr(ord(each) ^ 1) + text[at + 1 :] for at, each in enumerate(text)]


def bet(position: int, **changed: Any) -> CommittedEvent:
    data = b'{"unique_id": "bet-%d", "amount": 0.50}' % position
    event = CommittedEvent(
        position,
        BEGUN + timedelta(microseconds=position),
        position,
        bytes([position % 256]) * 16,
        "player:StQ-1",
        "BetPlaced",
        BEGUN,
        b"",
        data,
        None,
    )
    return event._replace(**changed)


_moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
_some = st.binary(min_size=16, max_size=16)
_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Logs of events that may be anything, erased ones and those without key or time among them."""
    events = []
    for position in range(1, draw(st.integers(1, 40)) + 1):
        is_erased = draw(st.booleans())
        events.append(
            CommittedEvent(
                position,
                draw(_moments),
                draw(st.integers(1, 2**31 - 1)),
                draw(st.none() | _some),
                draw(_text),
                draw(_text),
                draw(st.none() | _moments),
                b"" if is_erased else draw(st.just(b"") | _some),
                None if is_erased else draw(_text).encode(),
                draw(st.binary(min_size=32, max_size=32)) if is_erased else None,
            )
        )
    return Log(events)
