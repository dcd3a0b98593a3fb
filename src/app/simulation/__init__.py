"""Realistic casino traffic, made up from a seed: the same scenario gives the same bytes, always.

No I/O and no clock: it is a source for demonstrations, load tests and property tests alike.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from random import Random

from msgspec.structs import asdict

from app.simulation.clock import Clock, microseconds
from app.simulation.delivery import Delivery
from app.simulation.items import Writer
from app.simulation.scenario import Scenario
from app.simulation.traffic import Traffic
from app.simulation.visits import Casino

__all__ = ["Scenario", "batches", "simulate"]

_NAME_BYTES = 6


def simulate(scenario: Scenario, events: int) -> Iterator[str]:
    """Return exactly that many items, each the JSON text `{"event": …, "data": …}`, all valid.

    Another scenario or another number gives other unique_ids. Raises ValueError if so many players can't do
    so much in the scenario's time.
    """
    rng = Random(scenario.seed)  # noqa: S311  # traffic, not secrets
    clock = Clock(scenario.start)
    casino = Casino(scenario, Writer(_name(scenario, events), clock), rng)
    delivery = Delivery(scenario, events, rng)
    return delivery.deliver(Traffic(scenario, delivery.first_copies, casino, clock, rng).items())


def _name(scenario: Scenario, events: int) -> str:
    """Name a run by all that decides it."""
    moments = (scenario.start, scenario.end)
    start, end = (moment and microseconds(moment) for moment in moments)
    facts = asdict(scenario) | {"start": start, "end": end, "events": events}
    return urlsafe_b64encode(
        blake2b(repr(facts).encode(), digest_size=_NAME_BYTES).digest()
    ).decode()


def batches(items: Iterable[str], size: int) -> Iterator[bytes]:
    """Pack items into request bodies of `size` items, the last of them maybe smaller."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield ('{"items":[' + ",".join(batch) + "]}").encode()
