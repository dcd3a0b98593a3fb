"""Whose chunk is next, and how large it is. Pure: it knows no store and no clock."""

from collections.abc import Sequence

from projections.entries import Scope
from projections.tracking import Behind

SHARED_EVENTS = 2_000
"""How large a chunk is while others wait: about a tenth of a second of work."""

CROWDED_S = 5.0
"""For how long after others waited it is taken for granted that they will again."""


class Turns:
    """Gives turns: whoever has little to do goes first, and of those with a long way to go one at a time."""

    def __init__(self, chunk_events: int) -> None:
        """Give chunks of `chunk_events` to one that is alone."""
        self._chunk_events = chunk_events
        self._crowded_until_s = 0.0
        self._long: list[Scope] = []  # in the order of their last turns

    def take(self, waiting: Sequence[Behind], *, now_s: float) -> list[tuple[Scope, int]]:
        """Return who has a turn before the next look, and for how many events each.

        `waiting` is in the order of how much there is to do. So whoever comes with little waits for one chunk
        of one other tenant at most, however many have a long way to go, and none of these waits for ever.
        """
        limit = self._limit(len(waiting), now_s)
        short = [each.scope for each in waiting if each.events <= limit]
        long = [each.scope for each in waiting if each.events > limit]
        turns = short
        if long:
            served = [scope for scope in self._long if scope in long]
            new = [scope for scope in long if scope not in served]
            first, *others = [*new, *served]
            self._long = [*others, first]
            turns = [*short, first]
        return [(scope, limit) for scope in turns]

    def _limit(self, waiting: int, now_s: float) -> int:
        if waiting > 1:
            self._crowded_until_s = now_s + CROWDED_S
        if now_s < self._crowded_until_s:
            return min(self._chunk_events, SHARED_EVENTS)
        return self._chunk_events
