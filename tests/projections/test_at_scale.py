"""100,000 events of simulated traffic, late and repeated items among them, against the model."""

from collections.abc import Iterator
from itertools import islice
from random import Random

from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from postgres.connections import Pool
from tests.model import Model
from tests.projections.helpers import assert_as_the_model, position, project
from tests.projections.simulated import record_bodies

EVENTS = 100_000
MISLAID = 0.05
REPEATED = 0.05


def disturbed(items: Iterator[str]) -> Iterator[str]:
    """Let some items come much later than they happened, and some a second time."""
    random = Random(7)
    mislaid: list[str] = []
    for item in items:
        chance = random.random()
        if chance < MISLAID:
            mislaid.append(item)
            continue
        yield item
        if chance < MISLAID + REPEATED:
            mislaid.append(item)
        if len(mislaid) > 5_000:
            random.shuffle(mislaid)
            yield from islice(iter(mislaid), 4_000)
            del mislaid[:4_000]
    yield from mislaid


def test_a_hundred_thousand_events_come_out_as_the_model_has_them(
    pool: Pool, tenant: Tenant
) -> None:
    scenario = Scenario(
        players=2_000, games=150, currencies=("BTC", "USDT"), rolled_back=0.01, ended=0.01
    )
    bodies = batches(disturbed(simulate(scenario, EVENTS)), 10_000)
    model = Model()
    record_bodies(pool, tenant, model, bodies)
    project(pool, tenant, chunk_events=5_000)
    assert position(pool, tenant) == len(model.log.entries) == EVENTS
    assert_as_the_model(pool, tenant, model)
