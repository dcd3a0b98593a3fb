"""Processes that share buckets, with a clock of the test's own."""

import asyncio
from collections.abc import Sequence
from fractions import Fraction

from app.limits.buckets import Answer, Ask
from app.limits.limiter import Amounts, Limiter, RateLimitedError
from app.limits.limits import Bucket
from domain.rate_limits import Rate, What


def bucket(per_s: int, burst_s: int, what: What = "items", *, key_id: int = 0) -> Bucket:
    return Bucket(1, key_id, what, Rate(per_s, burst_s))


class Clock:
    """Seconds, that pass when the test says so."""

    def __init__(self) -> None:
        self.now = Fraction(1_000)

    def __call__(self) -> float:
        return float(self.now)

    def go_on(self, seconds: Fraction | float) -> None:
        self.now += Fraction(seconds)


class Store:
    """Buckets as the store keeps them, exactly; an answer is on its way for a while, before and after."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.trip_s = Fraction(0)
        self.full_at: dict[tuple[int, int, str], Fraction] = {}
        self.trips = 0

    def take(self, asks: Sequence[Ask]) -> list[Answer]:
        self.trips += 1
        self.clock.go_on(self.trip_s / 2)
        answers = [self._take(ask) for ask in asks]
        self.clock.go_on(self.trip_s / 2)
        return answers

    def _take(self, ask: Ask) -> Answer:
        key, rate, now = ask.bucket[:3], ask.bucket.rate, self.clock.now
        full_at = max(self.full_at.get(key, now), now)
        granted = full_at <= now + Fraction(rate.slack_micros(ask.amount), 10**6)
        if granted:
            full_at += Fraction(rate.cost_micros(ask.amount), 10**6)
            self.full_at[key] = full_at
        return Answer(granted, rate.level(float(full_at - now)))


class Hosts:
    """Some processes of one service."""

    def __init__(self, number: int) -> None:
        self.clock = Clock()
        self.store = Store(self.clock)
        self.limiters = [Limiter(self.store.take, clock=self.clock) for _ in range(number)]

    async def spend(
        self, host: int, amounts: Amounts, *buckets: Bucket, again: Amounts | None = None
    ) -> float:
        """Spend, and return after how many seconds that may be tried again; 0 where it is done."""
        try:
            await self.limiters[host].spend(buckets, amounts, again=again)
        except RateLimitedError as error:
            return max(error.wait_s, 1e-9)
        return 0.0

    async def spend_at_once(self, host: int, amounts: Sequence[Amounts], *buckets: Bucket) -> int:
        """Spend for many requests at the same time, and return how many went through."""
        waits = await asyncio.gather(*(self.spend(host, each, *buckets) for each in amounts))
        return waits.count(0.0)
