"""What is simulated passes the service's own door."""

from iso4217 import Currency

from app.simulation import Scenario, batches, simulate
from app.wire.items import decode_batch

ISO_4217 = frozenset(currency.code for currency in Currency)


def test_every_simulated_item_is_accepted() -> None:
    scenario = Scenario(players=50, games=30, seed=3, currencies=("BTC", "USDT"))
    for body in batches(simulate(scenario, 20_000), 5_000):
        items = decode_batch(body, currencies=ISO_4217 | {"BTC", "USDT"}, now=scenario.start)
        assert len(items) == 5_000
