"""Nobody bets or takes out what they do not have, and currencies are written as they are."""

from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from iso4217 import Currency

from app.simulation import Scenario
from app.simulation.money import COMMON, POUND
from tests.simulation.reading import END, Deed, by_player, first_copies, made

SCENARIOS = {
    "without an end": (Scenario(players=200, seed=2), 15_000),
    "a week": (Scenario(start=END - timedelta(days=7), end=END, seed=3), 15_000),
    "a busy hour": (Scenario(start=END - timedelta(hours=1), end=END), 15_000),
    "busier than comes off": (
        Scenario(start=END - timedelta(minutes=3), end=END, players=400),
        10_000,
    ),
    "few people": (Scenario(start=END - timedelta(days=2), end=END, players=3, games=2), 10_000),
    "disturbed": (
        Scenario(
            start=END - timedelta(days=1),
            end=END,
            currencies=("BTC",),
            late=0.2,
            repeated=0.05,
            conflicting=0.02,
        ),
        15_000,
    ),
}
SIGNS = {"deposit": 1, "withdraw": -1}


@pytest.fixture(scope="module", params=SCENARIOS)
def deeds(request: pytest.FixtureRequest) -> list[Deed]:
    """What a service records of a scenario, in the order sent."""
    return first_copies(made(*SCENARIOS[request.param]))


def change(deed: Deed) -> Decimal:
    """What a payment, a bet or a win does to its wallet."""
    sign = SIGNS.get(deed.event) or (1 if deed.data["is_win"] else -1)
    return sign * deed.amount


def test_no_wallet_is_ever_below_zero(deeds: list[Deed]) -> None:
    moved = set()
    for done in by_player(deeds).values():
        wallets: dict[tuple[str, bool], Decimal] = defaultdict(Decimal)
        for deed in done:
            if "amount" in deed.data:
                wallet = deed.data["currency"], deed.data.get("is_bonus", False)
                wallets[wallet] += change(deed)
                assert wallets[wallet] >= 0, deed
                moved.add((deed.event, deed.data.get("is_bonus")))
    assert moved >= {("deposit", None), ("withdraw", None), ("gameround", False)}


def test_the_first_that_happens_to_a_wallet_is_a_deposit_or_a_present(deeds: list[Deed]) -> None:
    for done in by_player(deeds).values():
        seen = set()
        for deed in done:
            if "amount" not in deed.data:
                continue
            wallet = deed.data["currency"], deed.data.get("is_bonus", False)
            if wallet not in seen:
                assert deed.event == "deposit" or (deed.data["is_win"] and deed.data["is_bonus"])
            seen.add(wallet)


def test_amounts_have_the_decimals_of_their_currency(deeds: list[Deed]) -> None:
    known = {currency.code for currency in Currency}
    for deed in deeds:
        if "amount" in deed.data and deed.amount:
            code = deed.data["currency"]
            decimals = Currency(code).exponent if code in known else 8
            assert -int(deed.amount.as_tuple().exponent) == decimals, deed
        euros = deed.data.get("amount_eur")
        assert euros is None or -int(Decimal(str(euros)).as_tuple().exponent) == 2


def test_currencies_of_no_of_two_and_of_three_decimals_occur() -> None:
    deeds = made(Scenario(players=2_000, seed=4), 30_000)
    codes = Counter(deed.data["currency"] for deed in deeds if deed.event == "gameround")
    assert {"EUR", "SEK", "USD", "CAD", "JPY", "KWD"} <= codes.keys()
    assert codes.most_common(1)[0][0] == "EUR"
    # What a service takes without being told.
    assert codes.keys() <= {currency.code for currency in Currency}


def test_a_few_whales_bet_a_large_part_of_all_money_in_large_stakes() -> None:
    dimes = {money.code: Decimal(money.digits(money.dime)) for money in (*COMMON, POUND)}
    bets: dict[str, list[Decimal]] = defaultdict(list)
    for deed in made(Scenario(players=2_000, seed=5), 60_000):
        if deed.event == "gameround" and not deed.data["is_win"]:
            bets[deed.data["player_id"]].append(deed.amount / dimes[deed.data["currency"]])
    played = sum(sum(each) for each in bets.values())
    whales = {player: sum(each) for player, each in bets.items() if max(each) >= 100}
    assert 0.005 < len(whales) / len(bets) < 0.03
    assert 0.3 < sum(whales.values()) / played < 0.8
    stakes = sorted(max(each) for each in bets.values())
    assert stakes[len(stakes) // 2] <= 5
