"""Rate limits: token buckets, and what a process may take of one in advance.

A bucket is kept as the generic cell rate algorithm keeps it (ITU-T I.371; ATM Forum, Traffic Management 4.0):
as one time, at which it is full again if nobody takes from it. What is taken moves that time on.
"""

import math
from bisect import insort
from typing import Literal, get_args

from msgspec import Struct

What = Literal["requests", "items", "bytes"]
WHATS: tuple[What, ...] = get_args(What)

LEASE_S = 0.2
"""How long what was taken in advance may be spent. A bucket is kept smaller by what comes into it meanwhile,
so that all processes together never spend more than the limit says."""

# Once somebody was refused, nobody asks before as much came in as does in this time: who is refused all the
# time must cost next to nothing.
_PAUSE_S = 0.02

# Fewer in the time of a lease, and taking in advance saves nothing.
_WORTH_A_LEASE = 4

_MICROS = 1_000_000
_NEXT_TO_NOTHING = 1e-6


class Rate(Struct, frozen=True):
    """So many a second for ever, and at once as many as come together in `burst_s` seconds."""

    per_s: int
    burst_s: int

    @property
    def burst(self) -> int:
        """How many may be spent at once at most."""
        return self.per_s * self.burst_s

    @property
    def full(self) -> float:
        """How many there are in a bucket that is full."""
        return self.per_s * self._full_micros / _MICROS

    @property
    def _full_micros(self) -> int:
        return self.burst_s * _MICROS - round(LEASE_S * _MICROS)

    def cost_micros(self, amount: int) -> int:
        """By how much taking moves on the time at which the bucket is full, in microseconds, rounded up."""
        return -(-amount * _MICROS // self.per_s)

    def slack_micros(self, amount: int) -> int:
        """How far off that time may be, in microseconds, for so many to be taken.

        More than the bucket holds can be taken from a full one: it is in debt then.
        """
        return self._full_micros - min(self.cost_micros(amount), self._full_micros)

    def level(self, debt_s: float) -> float:
        """How many there are in a bucket that is full in `debt_s` seconds; below 0 it is in debt."""
        return self.full - max(0.0, debt_s) * self.per_s


class Lease:
    """What one process has taken of a bucket, and what it knows of the rest.

    All times are those of a clock that never goes back, in seconds.
    """

    def __init__(self, rate: Rate) -> None:
        """Begin with nothing, and know no better than that the bucket is full."""
        self.rate = rate
        self.in_advance = 0
        """How many to take beside those that are needed now."""
        self._lots: list[tuple[float, int]] = []  # until when, how many
        self._level, self._level_at_s = rate.full, 0.0
        self._is_drained = False
        self._window_from_s = 0.0
        self._spent: list[int] = []

    def held(self, now_s: float) -> int:
        """Return how many can be spent without asking."""
        while self._lots and self._lots[0][0] <= now_s:
            del self._lots[0]
        return sum(amount for _, amount in self._lots)

    def spend(self, amount: int, now_s: float) -> None:
        """Spend of what is held, the oldest first."""
        self.count(amount, now_s)
        while amount:
            until_s, there = self._lots.pop(0)
            if there > amount:
                self._lots.insert(0, (until_s, there - amount))
            amount -= min(there, amount)

    def wait_s(self, amount: int, now_s: float) -> float:
        """Return after how many seconds so many can be had, if nobody else takes; 0 where they may be now."""
        if self.held(now_s) >= amount:
            return 0.0
        least = self.rate.per_s * _PAUSE_S if self._is_drained else 0
        lacking = min(max(amount, least), self.rate.full) - self._most(now_s)
        return lacking / self.rate.per_s if lacking > _NEXT_TO_NOTHING else 0.0

    def granted(self, level: float, asked_at_s: float) -> None:
        """Note that what was asked for was there, and left the bucket at `level`."""
        self._level, self._level_at_s, self._is_drained = level, asked_at_s, False

    def keep(self, amount: int, asked_at_s: float) -> None:
        """Hold what was asked for then, and is not spent yet."""
        if amount:
            insort(self._lots, (asked_at_s + LEASE_S, amount))

    def refused(self, level: float, answered_at_s: float) -> None:
        """Note that there was too little, as the bucket was at `level` before it was answered."""
        self._level, self._level_at_s = level, answered_at_s

    def drained(self) -> None:
        """Note that somebody is refused."""
        self._is_drained = True

    def left(self, now_s: float) -> int:
        """Return how many there are to spend, by what is known here; others may have taken some since."""
        return max(0, math.floor(self.held(now_s) + self._most(now_s)))

    def _most(self, now_s: float) -> float:
        """Return how many are in the bucket at most: what comes in is known, what others take is not."""
        came = (now_s - self._level_at_s) * self.rate.per_s
        return min(self.rate.full, self._level + came)

    def count(self, amount: int, now_s: float) -> None:
        """Learn from what is spent how many to take in advance: half of it, in the time that they keep."""
        since_s = now_s - self._window_from_s
        if since_s >= LEASE_S:
            goes_on = since_s < 2 * LEASE_S and len(self._spent) >= _WORTH_A_LEASE
            self.in_advance = sum(self._spent) // 2 if goes_on else 0
            self._window_from_s = now_s
            self._spent = []
        self._spent.append(amount)
