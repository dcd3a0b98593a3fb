"""Buckets in memory, where there is no store to keep them in: each process counts for itself."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from app.limits.buckets import Answer, Ask
from app.limits.limits import Bucket

_REMEMBERED = 10_000
_MICROS = 1_000_000


class LocalBuckets:
    """Takes from buckets as app.limits.buckets does. The least used are forgotten, and then full."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with all of them full; `clock` tells seconds and never goes back."""
        self._clock = clock
        self._full_at_s: OrderedDict[Bucket, float] = OrderedDict()
        self._lock = Lock()

    def take(self, asks: Sequence[Ask]) -> list[Answer]:
        """Take from each bucket what is asked for, or nothing."""
        with self._lock:
            return [self._take(bucket, amount) for bucket, amount in asks]

    def _take(self, bucket: Bucket, amount: int) -> Answer:
        now_s = self._clock()
        debt_s = max(self._full_at_s.get(bucket, 0.0) - now_s, 0.0)
        is_granted = debt_s * _MICROS <= bucket.rate.slack_micros(amount)
        if is_granted:
            debt_s += bucket.rate.cost_micros(amount) / _MICROS
        self._full_at_s[bucket] = now_s + debt_s
        self._full_at_s.move_to_end(bucket)
        if len(self._full_at_s) > _REMEMBERED:
            self._full_at_s.popitem(last=False)
        return Answer(is_granted, bucket.rate.level(debt_s))
