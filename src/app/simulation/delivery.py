"""What becomes of items on their way to a service: some are late, some come again, perhaps altered."""

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random

from app.simulation.scenario import Scenario

_OVERTAKEN_BY = 2_000
"""How many items come before a late or repeated one at most."""


class Delivery:
    """Delivers so many items, among them as many second copies as the scenario wants."""

    def __init__(self, scenario: Scenario, events: int, rng: Random) -> None:
        self._late = scenario.late
        self._random = rng.random
        self._repeated = int(events * scenario.repeated)
        self._conflicting = int(events * scenario.conflicting)
        self.first_copies = events - self._repeated - self._conflicting

    def deliver(self, items: Iterator[str]) -> Iterator[str]:
        """Return the items, of which there are `first_copies`; no second copy overtakes its first."""
        random, late = self._random, self._late
        waiting: list[tuple[int, str]] = []
        for turn, item in enumerate(items):
            while waiting and waiting[0][0] <= turn:
                yield heappop(waiting)[1]
            due = turn
            if random() < late:
                due = self._put_off(item, turn, waiting)
            else:
                yield item
            if self._repeated or self._conflicting:
                again = self._again(item, self.first_copies - turn)
                if again:
                    self._put_off(again, due, waiting)
        for _, item in sorted(waiting):
            yield item

    def _put_off(self, item: str, turn: int, waiting: list[tuple[int, str]]) -> int:
        due = turn + 1 + int(self._random() * _OVERTAKEN_BY)
        heappush(waiting, (due, item))
        return due

    def _again(self, item: str, left: int) -> str | None:
        """Choose whether an item comes again, so that of those `left` just enough do."""
        chance = self._random() * left
        if chance < self._repeated:
            self._repeated -= 1
            return item
        if chance < self._repeated + self._conflicting:
            self._conflicting -= 1
            return _altered(item)
        return None


def _altered(item: str) -> str:
    """Return other content under the same unique_id: a larger amount, or a correction where there is none."""
    larger = item.replace('"amount":', '"amount":1', 1)
    return larger if larger != item else f'{item.removesuffix("}}")},"corrected":true}}}}'
