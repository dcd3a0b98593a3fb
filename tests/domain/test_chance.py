"""How far a return is from what is expected, and which returns are not flagged."""

from decimal import Decimal
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.chance import FLAGGED_BEYOND, Band, Expectation

ratios = st.decimals("0", "2", places=4)
volatilities = st.decimals("0.1", "50", places=3)
counts = st.integers(1, 10**9)
amounts = st.decimals("0.01", "1000000", places=2)
PLACES = Decimal("0.0005") + Decimal("1e-20")


@given(ratios, volatilities, counts, amounts, amounts)
def test_a_return_out_of_the_band_is_beyond_what_is_flagged(
    theoretical: Decimal, volatility: Decimal, bets: int, bet: Decimal, won: Decimal
) -> None:
    expected = Expectation(theoretical, volatility)
    deviation, band = expected.deviation(bet, won, bets), expected.band(bets)
    assert deviation is not None
    assert band is not None
    returned = won / bet
    # Edges have six places and deviations three: nearer than that they may disagree.
    near = Decimal("0.000001") + PLACES * volatility / Decimal(bets).sqrt()
    if returned > band.high + near or returned < band.low - near:
        assert abs(deviation) >= FLAGGED_BEYOND
    elif band.low + near < returned < band.high - near:
        assert abs(deviation) <= FLAGGED_BEYOND


@given(ratios, volatilities, counts)
def test_a_band_is_as_wide_as_the_square_root_of_the_bets_says(
    theoretical: Decimal, volatility: Decimal, bets: int
) -> None:
    band = Expectation(theoretical, volatility).band(bets)
    assert band is not None
    reach = 3 * float(volatility) / sqrt(bets)
    assert float(band.high) == pytest.approx(float(theoretical) + reach, abs=1e-5)
    assert float(band.low) == pytest.approx(max(0.0, float(theoretical) - reach), abs=1e-5)


def test_a_hundred_bets_that_return_double() -> None:
    expected = Expectation(Decimal("0.95"), Decimal(2))
    assert expected.deviation(Decimal(100), Decimal(200), 100) == Decimal("5.25")
    assert expected.band(100) == Band(Decimal("0.35"), Decimal("1.55"))


def test_without_bets_or_chance_there_is_nothing_to_judge() -> None:
    expected = Expectation(Decimal("0.95"), Decimal(2))
    assert expected.band(0) is None
    assert expected.deviation(Decimal(0), Decimal(5), 3) is None
    assert expected.deviation(Decimal(-1), Decimal(0), 1) is None
    assert Expectation(Decimal("0.95"), Decimal(0)).band(10) is None
    assert Expectation(Decimal("0.95"), Decimal(0)).deviation(Decimal(1), Decimal(1), 1) is None
