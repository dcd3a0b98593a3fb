"""How many bytes of requests a process holds at once, and how much of that one tenant and one key may hold.

Room is shared by dynamic thresholds (Choudhury and Hahne, "Dynamic queue length thresholds for
shared-memory packet switches", 1998): each may hold a multiple of what stays free. So one alone has most of
it, two have equal parts, and whatever others hold, some is left for who comes next.
"""

from collections import Counter
from typing import NamedTuple, TypeVar

# So one tenant alone has two thirds of the room, and one key alone two thirds of its tenant's.
_TIMES_FREE = 2


_Counted = TypeVar("_Counted")


class OverBudgetError(Exception):
    """There is more to hold than the budget allows, or more than a fair part of it."""


class Holder(NamedTuple):
    """On whose behalf bytes are held: ids of a tenant, and of the key that speaks for it."""

    tenant_id: int
    key_id: int


class HoldingBudget:
    """The room that all requests of a process share; what comes beyond is refused at once."""

    def __init__(self, limit_bytes: int) -> None:
        """Allow `limit_bytes`."""
        self._limit_bytes = limit_bytes
        self._of_tenants: Counter[int] = Counter()
        self._of_keys: Counter[Holder] = Counter()

    @property
    def held_bytes(self) -> int:
        """How much is held."""
        return self._of_tenants.total()

    def can_hold(self, holder: Holder, more_bytes: int) -> bool:
        """Return whether a tenant and its key would both hold no more than they may."""
        of_tenant = self._of_tenants[holder.tenant_id] + more_bytes
        of_key = self._of_keys[holder] + more_bytes
        room = self._limit_bytes - (self.held_bytes - self._of_tenants[holder.tenant_id])
        most = _most_of(room)
        return of_tenant <= most and of_key <= _most_of(most - (of_tenant - of_key))

    def add(self, holder: Holder, more_bytes: int) -> None:
        """Hold more, or less where that is negative."""
        _add(self._of_tenants, holder.tenant_id, more_bytes)
        _add(self._of_keys, holder, more_bytes)


def _add(counter: Counter[_Counted], one: _Counted, more_bytes: int) -> None:
    counter[one] += more_bytes
    if not counter[one]:
        del counter[one]


def _most_of(room_bytes: int) -> int:
    """Return how much of room one may hold, so that it is at most so many times what stays free."""
    return room_bytes * _TIMES_FREE // (_TIMES_FREE + 1)


class Holding:
    """Counts the bytes that one request holds against the budget that all share."""

    def __init__(self, budget: HoldingBudget, holder: Holder) -> None:
        """Hold nothing yet."""
        self._budget = budget
        self._holder = holder
        self._bytes = 0

    def add(self, more_bytes: int) -> None:
        """Hold more. Raises OverBudgetError where that is more than the holder may."""
        if not self._budget.can_hold(self._holder, more_bytes):
            raise OverBudgetError
        self._budget.add(self._holder, more_bytes)
        self._bytes += more_bytes

    def release(self) -> None:
        """Hold nothing any more."""
        self._budget.add(self._holder, -self._bytes)
        self._bytes = 0
