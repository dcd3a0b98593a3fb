"""Realistic casino traffic, made up from a seed: the same scenario gives the same bytes, always.

No I/O and no clock: it is a source for demonstrations, load tests and property tests alike.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from app.simulation.scenario import Scenario
from app.simulation.traffic import Traffic

__all__ = ["Scenario", "batches", "simulate"]


def simulate(scenario: Scenario, events: int) -> Iterator[str]:
    """Give exactly that many items, each the JSON text `{"event": …, "data": …}`, all valid.

    The items of a shorter simulation are the beginning of those of a longer one.
    """
    return islice(Traffic(scenario).items(), events)


def batches(items: Iterable[str], size: int) -> Iterator[bytes]:
    """Pack items into request bodies of `size` items, the last of them maybe smaller."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield ('{"items":[' + ",".join(batch) + "]}").encode()
