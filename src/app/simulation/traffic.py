"""All visits side by side: who comes when, and the time that passes meanwhile."""

from collections.abc import Iterator
from itertools import islice
from math import ceil, inf
from random import Random

from app.simulation.clock import Clock, microseconds
from app.simulation.scenario import Scenario
from app.simulation.schedule import BUSIEST, HOUR_US, Schedule
from app.simulation.visits import ITEMS, Casino

_TURN_US = 3_000_000  # from one deed of a player to the next, on average
_VISIT_US = ITEMS * _TURN_US
_IMPORT_US = 10_000  # from one game of the catalogue to the next


class Traffic:
    """A number of items in the order in which they happen.

    Raises ValueError if so many players can't do so much in the scenario's time.
    """

    def __init__(
        self, scenario: Scenario, items: int, casino: Casino, clock: Clock, rng: Random
    ) -> None:
        self._items = items
        self._casino = casino
        self._clock = clock
        self._random = rng.random
        # Nobody plays twice at once, and whoever comes in is found by chance.
        self._most = (scenario.players + 1) // 2
        self._end_us = microseconds(scenario.end) - 1 if scenario.end else inf
        per_hour = HOUR_US / _TURN_US
        if scenario.end is None:
            playing = min(max(3, scenario.players // 500), self._most / BUSIEST)
            self._schedule = Schedule(scenario.start, playing * per_hour)
        elif (
            items > (scenario.end - scenario.start).total_seconds() / 3_600 * self._most * per_hour
        ):
            raise ValueError(
                "so many events are more than the players can make in that time:"
                " take more players, a longer time or fewer events"
            )
        else:
            self._schedule = Schedule.between(scenario.start, scenario.end, items)

    def items(self) -> Iterator[str]:
        """Describe the catalogue, then let players come and go."""
        made = 0
        for item in islice(self._casino.catalogue(), self._items):
            yield item
            made += 1
            self._clock.us += int(min(_IMPORT_US, (self._end_us - self._clock.us) / 1_000))
        if made < self._items:
            yield from self._visits(made)

    def _visits(self, made: int) -> Iterator[str]:
        clock, random = self._clock, self._random
        visits: list[Iterator[str]] = []
        arrival_us = self._next_arrival(made, 0)
        while made < self._items:
            while arrival_us <= clock.us and len(visits) < self._most:
                visits.append(self._casino.visit())
                arrival_us = self._next_arrival(made, len(visits))
            if not visits:
                clock.us = arrival_us
                continue
            step_us = self._turn_us(self._items - made, len(visits)) / len(visits)
            gone = set()
            for visit in visits:
                clock.us += int((0.5 + random()) * step_us)
                item = next(visit, None)
                if item is None:
                    gone.add(visit)
                    continue
                yield item
                made += 1
                if made == self._items:
                    return
            if gone:
                visits = [visit for visit in visits if visit not in gone]
                arrival_us = self._next_arrival(made, len(visits))

    def _turn_us(self, left: int, visits: int) -> float:
        """Return how long a turn takes, in which each player does one thing.

        Near the end perhaps less long than usual, as all that is left must be done before it.
        """
        left_us = self._end_us - self._clock.us
        if left_us > _VISIT_US:
            return _TURN_US
        turns = ceil(left / visits)
        return min(_TURN_US, left_us / (turns + 0.5))

    def _next_arrival(self, made: int, visits: int) -> int:
        """Return when the next player comes: when the others do too little, give or take a visit."""
        planned = made + (visits + 2 * self._random() - 1) * ITEMS
        arrival_us = self._schedule.when(planned) - _VISIT_US
        left = self._items - made
        if left < 2 * ITEMS:
            # Nobody may come after them, so there must be time enough for all that is left.
            arrival_us = int(min(arrival_us, self._end_us - left * _TURN_US))
        return arrival_us
