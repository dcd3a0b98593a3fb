"""What returns to the players is decided by each game's paytable: exactly, and in what is simulated."""

from collections import Counter, defaultdict
from fractions import Fraction
from math import sqrt
from random import Random

import pytest

from app.simulation import Scenario
from app.simulation.cast import Game, make_game, make_player
from app.simulation.paytable import ONE, STEP, Paytable
from tests.simulation.reading import Deed, made

GAMES = [make_game(number) for number in range(500)]


def outcomes(paytable: Paytable) -> list[tuple[Fraction, Fraction]]:
    """What a stake of 1 may win, each with its chance, that of nothing included."""
    chances = [*paytable.chances, ONE - sum(paytable.chances)]
    return [
        (Fraction(prize, STEP), Fraction(chance, ONE))
        for prize, chance in zip(paytable.prizes, chances, strict=True)
    ]


def expected(paytable: Paytable) -> Fraction:
    return sum((prize * chance for prize, chance in outcomes(paytable)), Fraction(0))


def variance(paytable: Paytable) -> Fraction:
    squares = sum((prize**2 * chance for prize, chance in outcomes(paytable)), Fraction(0))
    return squares - expected(paytable) ** 2


def hit_rate(paytable: Paytable) -> Fraction:
    return sum((chance for prize, chance in outcomes(paytable) if prize), Fraction(0))


def test_what_returns_is_exactly_what_the_paytable_says() -> None:
    for game in GAMES:
        returned = expected(game.paytable)
        assert returned == Fraction(game.paytable.rtp_per_mille, 1_000)
        assert Fraction(9, 10) <= returned <= Fraction(98, 100)
        assert all(0 < chance < 1 for _, chance in outcomes(game.paytable))


def test_games_differ_in_what_returns_how_often_they_pay_and_how_wildly() -> None:
    for measure in (expected, hit_rate, variance):
        counts = Counter(measure(game.paytable) for game in GAMES)
        assert len(counts) > 50
        assert max(counts.values()) < len(GAMES) / 20
    rates = [hit_rate(game.paytable) for game in GAMES]
    assert min(rates) < Fraction(1, 4)
    assert max(rates) > Fraction(1, 2)
    spreads = [sqrt(variance(game.paytable)) for game in GAMES]
    assert min(spreads) < 2.5
    assert max(spreads) > 12
    assert {game.paytable.risk for game in GAMES} == {"low", "medium", "high"}


@pytest.mark.parametrize("game", GAMES[:20], ids=lambda game: game.name)
def test_each_chance_wins_the_prize_that_it_stands_for(game: Game) -> None:
    paytable, passed = game.paytable, 0
    for prize, chance in zip(paytable.prizes, (*paytable.chances, None), strict=True):
        assert paytable.prize(1_000, passed / ONE) == 1_000 * prize // STEP
        passed += chance or ONE - passed
        assert paytable.prize(1_000, passed / ONE - 1e-12) == 1_000 * prize // STEP
    assert passed == ONE


def test_prizes_are_never_rounded() -> None:
    for number in range(2_000):
        player = make_player(number, Random(number), ("BTC", "USDT"))
        assert player.stake % STEP == 0
        assert player.stake > 0


def test_a_game_is_the_same_whatever_else_is_simulated() -> None:
    one, other = (
        {
            deed.data["game_id"]: (deed.data["theoretical_rtp"], deed.data["volatility"])
            for deed in made(scenario, 100)
            if "theoretical_rtp" in deed.data
        }
        for scenario in (Scenario(games=20), Scenario(games=30, seed=5, players=4))
    )
    assert len(one) > 10
    assert one.items() <= other.items()


# What is simulated


@pytest.fixture(scope="module")
def rounds() -> dict[str, list[Deed]]:
    """The bets and wins of each game, in the order in which they happened."""
    played: dict[str, list[Deed]] = defaultdict(list)
    for deed in made(Scenario(players=400, games=8, seed=6, late=0), 60_000):
        if deed.event == "gameround":
            played[deed.data["game_id"]].append(deed)
    return played


def by_id(games: int) -> dict[str, Game]:
    return {str(make_game(number).id_json).strip('"'): make_game(number) for number in range(games)}


def test_what_returned_of_each_game_is_near_what_should(rounds: dict[str, list[Deed]]) -> None:
    """Each round's win is drawn for itself: all of them together hardly stray by 4 standard deviations."""
    games = by_id(8)
    assert rounds.keys() >= games.keys()
    for game_id, game in games.items():
        stakes: dict[tuple[str, str], Fraction] = {}
        bets: Counter[tuple[str, ...]] = Counter()
        won = Fraction(0)
        for deed in rounds[game_id]:
            player, amount = (deed.data["player_id"], deed.data["currency"]), Fraction(deed.amount)
            if deed.data["is_win"]:
                won += amount / stakes[player] if amount else 0
            else:
                assert stakes.setdefault(player, amount) == amount
                bets[*player, deed.data["round_id"]] += 1
        strayed = won - bets.total() * expected(game.paytable)
        # Bets of one round may win together.
        deviation = sqrt(variance(game.paytable) * sum(count**2 for count in bets.values()))
        assert abs(strayed) < 4 * deviation, game
        assert bets.total() > 500


def test_how_often_each_game_paid_is_near_what_should(rounds: dict[str, list[Deed]]) -> None:
    for game_id, game in by_id(8).items():
        if game.live:  # a round of all bets within half a minute
            continue
        bets, hits = Counter[str](), set()
        for deed in rounds[game_id]:
            round_id = deed.data["round_id"]
            if not deed.data["is_win"]:
                bets[round_id] += 1
            elif deed.amount:
                hits.add(round_id)
        single = [round_id for round_id, count in bets.items() if count == 1]
        rate = float(hit_rate(game.paytable))
        strayed = sum(round_id in hits for round_id in single) - rate * len(single)
        assert abs(strayed) < 4 * sqrt(rate * (1 - rate) * len(single)), game
