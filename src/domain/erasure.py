"""Erasure: what becomes of a player's profile, and how the record of it is written."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from domain.events import Event, PlayerErased
from domain.instant import format_instant


def since_erasure(events: Sequence[Event]) -> tuple[bool, Sequence[Event]]:
    """Return whether a player was erased within a part of the stream, and what came after the last time.

    Whatever was known of the profile before that is forgotten, also where it was read before it went.
    """
    for index in range(len(events) - 1, -1, -1):
        if isinstance(events[index], PlayerErased):
            return True, events[index + 1 :]
    return False, events


def encode_record(positions: Iterable[int], *, reason: str, by: str, at: datetime) -> bytes:
    """Write the state of a PlayerErased. `positions` are ascending."""
    return msgspec.json.encode(
        {"positions": ranges(positions), "reason": reason, "by": by, "at": format_instant(at)}
    )


def ranges(positions: Iterable[int]) -> list[int | tuple[int, int]]:
    """Write ascending positions in short: those that follow each other as the first and the last of them."""
    found: list[tuple[int, int]] = []
    for position in positions:
        if found and position == found[-1][1] + 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return [first if first == last else (first, last) for first, last in found]


def kept_since(today: date, years: int) -> date:
    """Return the day up to which, exclusive, events are older than some years."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # of 29 February, where there is none
        return today.replace(year=today.year - years, day=28)
