"""What is simulated passes the service's own door."""

from datetime import UTC, datetime, timedelta

import pytest
from iso4217 import Currency

from app.simulation import Scenario, batches, simulate
from app.wire.items import decode_batch
from tests.simulation.reading import END

ISO_4217 = frozenset(currency.code for currency in Currency)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario(players=50, games=30, seed=3, currencies=("BTC", "USDT")),
        Scenario(start=END - timedelta(days=7), end=END),
        Scenario(start=END - timedelta(days=7), end=END, repeated=0.25, conflicting=0.25, late=0.5),
        Scenario(start=END - timedelta(hours=1), end=END, players=5_000, games=1_000),
        Scenario(start=END - timedelta(days=7), end=END, rolled_back=0.2, ended=0.2),
        Scenario(start=BEGINNING, end=BEGINNING + timedelta(days=7), players=3),
        Scenario(start=END - timedelta(days=10_000), end=END),
    ],
    ids=str,
)
def test_every_simulated_item_is_accepted(scenario: Scenario) -> None:
    allowed = ISO_4217 | set(scenario.currencies)
    now = scenario.end or scenario.start
    for body in batches(simulate(scenario, 20_000), 5_000):
        assert len(decode_batch(body, currencies=allowed, now=now)) == 5_000
