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
# So many of a tenant wait for the store at once in a process: beyond that it waits for nobody.
_MOST_WAITING = 1_000
_CROWDED_S = 1.0

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


class _Waiting:
    """A request that waits, and what was taken for it: since when it is spent."""

    def __init__(self, charges: Sequence[_Charge]) -> None:
        self.charges = charges
        self.in_hand: dict[_Charge, float] = {}

    def open(self) -> list[_Charge]:
        return [charge for charge in self.charges if charge not in self.in_hand]


class _Turns:
    """Who waits for the answers of the store, of one tenant."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting: dict[_Waiting, None] = {}  # in the order in which they came


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
        self._turns: WeakValueDictionary[int, _Turns] = WeakValueDictionary()

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
        """Ask the store, until there is enough of all, as what is held may go stale meanwhile.

        A process asks once at a time for a tenant, for all who wait.
        """
        turns = self._turns.setdefault(charges[0].bucket.tenant_id, _Turns())
        if len(turns.waiting) >= _MOST_WAITING:
            raise RateLimitedError([charge.bucket for charge in charges], _CROWDED_S)
        own = _Waiting(charges)
        turns.waiting[own] = None
        try:
            async with turns.lock:
                while not self._is_covered(own.open(), whole):
                    await self._take_for(own, turns, whole)
        except BaseException:
            for (_, lease, amount), asked_at_s in own.in_hand.items():
                lease.keep(amount, asked_at_s)
            raise
        finally:
            del turns.waiting[own]

    async def _take_for(self, own: _Waiting, turns: _Turns, whole: Sequence[_Charge]) -> None:
        """Take what a request lacks, and where there is so much, what others lack and will soon want."""
        now_s = self._clock()
        asked = {c: self._wanted(c, turns) for c in own.open() if c.lease.held(now_s) < c.amount}
        while asked:
            waiting = [*turns.waiting]
            asked_at_s = self._clock()
            asks = [Ask(charge.bucket, amount) for charge, amount in asked.items()]
            answers = await to_thread.run_sync(self._take, asks)
            answered_at_s = self._clock()
            less, lacking = {}, []
            for (charge, amount), (is_granted, level) in zip(asked.items(), answers, strict=True):
                if is_granted:
                    charge.lease.granted(level, asked_at_s)
                    there = [each for each in waiting if each in turns.waiting and each is not own]
                    _share(charge.lease, amount, [own, *there], asked_at_s)
                    continue
                charge.lease.refused(level, answered_at_s)
                if amount > charge.amount and level >= charge.amount:
                    less[charge] = max(charge.amount, min(math.floor(level), amount // 2))
                else:
                    lacking.append(charge)
            self._refuse(lacking, whole)
            asked = less

    def _wanted(self, charge: _Charge, turns: _Turns) -> int:
        """Return how many to ask for.

        Only what one request needs may put a bucket into debt, never what many need together.
        """
        lease = charge.lease
        needed = sum(c.amount for each in turns.waiting for c in each.open() if c.lease is lease)
        return max(charge.amount, min(needed + lease.in_advance, math.floor(lease.rate.full)))

    def _refuse(self, lacking: Sequence[_Charge], whole: Sequence[_Charge]) -> None:
        """Raise RateLimitedError if anything is lacking."""
        if lacking:
            now_s = self._clock()
            for charge in lacking:
                charge.lease.drained()
            wait_s = max(lease.wait_s(amount, now_s) for _, lease, amount in {*lacking, *whole})
            raise RateLimitedError([charge.bucket for charge in lacking], wait_s)


def _share(lease: Lease, amount: int, waiting: Sequence[_Waiting], asked_at_s: float) -> None:
    """Give what was taken to those who wait, in order, and hold the rest."""
    for each in waiting:
        for charge in each.open():
            if charge.lease is lease and charge.amount <= amount:
                each.in_hand[charge] = asked_at_s
                lease.count(charge.amount, asked_at_s)
                amount -= charge.amount
    lease.keep(amount, asked_at_s)
