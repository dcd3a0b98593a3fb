"""Spending within limits: from what this process has taken in advance, else by asking the store."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

from anyio import to_thread

from app.limits.buckets import Answer, Ask
from app.limits.limits import Bucket
from domain.rate_limits import Lease, What

_REMEMBERED_LEASES = 10_000

Amounts = Mapping[What, int]


class RateLimitedError(Exception):
    """A limit is reached."""

    def __init__(self, buckets: Sequence[Bucket], wait_s: float) -> None:
        """Keep which buckets have too little, and after how many seconds the same would be granted."""
        super().__init__(", ".join(bucket.policy for bucket in buckets))
        self.buckets = buckets
        self.wait_s = wait_s


class _Charge(NamedTuple):
    bucket: Bucket
    lease: Lease
    amount: int


class Limiter:
    """Spends for requests, all that one needs or nothing. For one event loop."""

    def __init__(
        self,
        take: Callable[[Sequence[Ask]], list[Answer]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take from the buckets by `take`, in a thread; `clock` tells seconds and never goes back."""
        self._take = take
        self._clock = clock
        self._leases: OrderedDict[tuple[int, int, What], Lease] = OrderedDict()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def spend(
        self, buckets: Sequence[Bucket], amounts: Amounts, *, again: Amounts | None = None
    ) -> None:
        """Spend `amounts` within the limits of one key.

        Raises RateLimitedError; the time it tells is for the amounts that are spent when the request is sent
        `again`, where those are others. Raises one of `postgres.errors.UNAVAILABLE`: then nothing is known.
        """
        charges = self._charges(buckets, amounts)
        whole = self._charges(buckets, again) if again else charges
        if not self._is_covered(charges, whole):
            await self._ask(charges, whole)

    def left(self, bucket: Bucket) -> int:
        """Return how many a client may still spend, by what is known here."""
        return self._lease(bucket).left(self._clock())

    def wait_s(self, bucket: Bucket) -> float:
        """Return after how many seconds there is one to spend."""
        return self._lease(bucket).wait_s(1, self._clock())

    def _charges(self, buckets: Sequence[Bucket], amounts: Amounts) -> list[_Charge]:
        return [
            _Charge(bucket, self._lease(bucket), amount)
            for bucket in buckets
            if (amount := amounts.get(bucket.what, 0)) > 0
        ]

    def _lease(self, bucket: Bucket) -> Lease:
        *_, rate = bucket
        key = bucket[:3]
        lease = self._leases.get(key)
        if lease is None or lease.rate != rate:
            lease = self._leases[key] = Lease(rate)
            if len(self._leases) > _REMEMBERED_LEASES:
                self._leases.popitem(last=False)
        self._leases.move_to_end(key)
        return lease

    def _is_covered(self, charges: Sequence[_Charge], whole: Sequence[_Charge]) -> bool:
        """Spend of what is held, where that is enough. Raises RateLimitedError where there can't be."""
        now_s = self._clock()
        self._refuse([c for c in charges if c.lease.wait_s(c.amount, now_s) > 0], whole)
        if any(lease.held(now_s) < amount for _, lease, amount in charges):
            return False
        for _, lease, amount in charges:
            lease.spend(amount, now_s)
        return True

    async def _ask(self, charges: Sequence[_Charge], whole: Sequence[_Charge]) -> None:
        """Ask the store, for all who wait together; one process asks once at a time for a tenant."""
        for _, lease, amount in charges:
            lease.waiting += amount
        try:
            async with self._turns.setdefault(charges[0].bucket.tenant_id, asyncio.Lock()):
                if not self._is_covered(charges, whole):
                    await self._take_in(charges, whole)
        finally:
            for _, lease, amount in charges:
                lease.waiting -= amount

    async def _take_in(self, charges: Sequence[_Charge], whole: Sequence[_Charge]) -> None:
        """Ask until there is enough of all, as what is held may go stale meanwhile; then spend."""
        in_hand: dict[_Charge, float] = {}
        try:
            while short := self._short(charges, in_hand):
                await self._ask_for(short, in_hand, whole)
        except BaseException:
            for (_, lease, amount), asked_at_s in in_hand.items():
                lease.keep(amount, asked_at_s)
            raise
        now_s = self._clock()
        for charge in charges:
            if charge not in in_hand:
                charge.lease.spend(charge.amount, now_s)

    async def _ask_for(
        self, short: Sequence[_Charge], in_hand: dict[_Charge, float], whole: Sequence[_Charge]
    ) -> None:
        """Ask for what is short, and for more that is likely to be wanted, where there is so much."""
        now_s = self._clock()
        # Only what one request needs may put a bucket into debt, never what many need together.
        asked = {
            c: max(c.amount, min(c.lease.wanted(now_s), math.floor(c.lease.rate.full)))
            for c in short
        }
        while asked:
            asked_at_s = self._clock()
            asks = [Ask(charge.bucket, amount) for charge, amount in asked.items()]
            answers = await to_thread.run_sync(self._take, asks)
            answered_at_s = self._clock()
            less = {}
            for (charge, amount), (is_granted, level) in zip(asked.items(), answers, strict=True):
                if is_granted:
                    charge.lease.granted(amount, charge.amount, level, asked_at_s)
                    in_hand[charge] = asked_at_s
                elif amount > charge.amount and level >= charge.amount:
                    less[charge] = max(charge.amount, min(math.floor(level), amount // 2))
                else:
                    charge.lease.refused(level, answered_at_s)
            self._refuse([charge for charge in asked if charge not in {**in_hand, **less}], whole)
            asked = less

    def _short(self, charges: Sequence[_Charge], in_hand: Mapping[_Charge, float]) -> list[_Charge]:
        now_s = self._clock()
        return [c for c in charges if c not in in_hand and c.lease.held(now_s) < c.amount]

    def _refuse(self, lacking: Sequence[_Charge], whole: Sequence[_Charge]) -> None:
        """Raise RateLimitedError if anything is lacking."""
        if lacking:
            now_s = self._clock()
            for charge in lacking:
                charge.lease.drained()
            wait_s = max(lease.wait_s(amount, now_s) for _, lease, amount in {*lacking, *whole})
            raise RateLimitedError([charge.bucket for charge in lacking], wait_s)
