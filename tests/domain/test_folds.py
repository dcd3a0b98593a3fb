"""Folds: any order and any split of the same events give the same, and what one starts from stays."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from domain.activity import Activity, fold_activity
from domain.aggregates import fold_game, fold_player
from domain.balance import Balance, fold_balance
from domain.events import (
    BetPlaced,
    BetRolledBack,
    Deposited,
    Event,
    GameUpdated,
    PlayerUpdated,
    RoundEnded,
    RoundEvent,
    WinPaid,
    WinRolledBack,
    decode,
)
from domain.instant import Instant
from domain.money import plain
from domain.profile import PLAYER_FIELDS, fold_profile, fold_sighting
from domain.recorded import RecordedEvent
from domain.round import Played, Round, fold_round, newly_played
from domain.wagers import TakenBack
from tests.strategies import items

E = TypeVar("E", bound=Event)
S = TypeVar("S")

NOON = "2025-01-15T12:00:00Z"


def events(*kinds: str) -> SearchStrategy[list[Any]]:
    """Draw events that one player and few games share, at few moments, each with its own unique_id."""
    few_times = st.sampled_from(
        [NOON, "2025-01-15T13:00:00+01:00", "2025-01-15T12:00:00.000001Z", "2025-01-16T00:00:00"]
    )
    item = items(
        st.sampled_from(kinds),
        player_ids=st.just("p"),
        game_ids=st.just("g"),
        round_ids=st.just("r"),
        currencies=st.just("EUR"),
        timestamps=few_times,
        amounts=st.sampled_from(["0", "1", "99999999999999999999", "1e-18", "2.50", "1e2"]),
        repeated_members=False,
    )
    decoded = item.map(lambda sent: decode(sent.topic, sent.data_text.encode()))
    return st.lists(decoded, min_size=1, max_size=6, unique_by=lambda event: event.unique_id)


def in_parts(
    data: DataObject, fold: Callable[[Sequence[E], S | None], S], sent: Sequence[E]
) -> S | None:
    """Fold in some order, in some parts, and make sure that no start is changed."""
    order = data.draw(st.permutations(sent))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order)))))
    state: S | None = None
    for start, stop in zip([0, *cuts], [*cuts, len(order)], strict=True):
        if start == stop:
            continue
        before = deepcopy(state)
        following = fold(order[start:stop], state)
        assert state == before
        state = following
    return state


@given(events("gameround", "rollback", "deposit", "withdraw"), st.data())
def test_a_balance_is_the_same_in_any_order_and_any_parts(
    sent: list[Any], data: DataObject
) -> None:
    assert in_parts(data, fold_balance, sent) == fold_balance(sent)


def round_of(sent: Sequence[RoundEvent | RoundEnded], start: Round | None = None) -> Round:
    entries = [event for event in sent if isinstance(event, RoundEvent)]
    return fold_round(entries, start, [event for event in sent if isinstance(event, RoundEnded)])


@given(events("gameround", "rollback", "roundend"), st.data())
def test_a_round_is_the_same_in_any_order_and_any_parts(
    sent: list[RoundEvent | RoundEnded], data: DataObject
) -> None:
    assert in_parts(data, round_of, sent) == round_of(sent)


@given(events("gameround", "rollback"), st.data())
def test_a_round_is_newly_played_once_on_each_day_in_any_order_and_any_parts(
    sent: list[RoundEvent], data: DataObject
) -> None:
    counted: list[Played] = []

    def fold(part: Sequence[RoundEvent], start: Round | None) -> Round:
        state = fold_round(part, start)
        counted.extend(newly_played(start, state))
        return state

    in_parts(data, fold, sent)
    assert sorted(counted) == sorted(
        {Played(event.timestamp.date(), event.currency) for event in sent}
    )


@given(events("player") | events("game"), st.data())
def test_a_profile_is_the_same_in_any_order_and_any_parts(
    sent: list[Any], data: DataObject
) -> None:
    assert in_parts(data, fold_profile, sent) == fold_profile(sent)


@given(events("player", "login", "deposit", "gameround"), st.data())
def test_a_sighting_is_the_same_in_any_order_and_any_parts(
    sent: list[Any], data: DataObject
) -> None:
    assert in_parts(data, fold_sighting, sent) == fold_sighting(sent)


@given(events("player", "login", "deposit", "gameround", "rollback", "roundend"), st.data())
def test_a_player_is_the_same_from_any_snapshot(sent: list[Any], data: DataObject) -> None:
    stream = [
        RecordedEvent(event, "player:p", number) for number, event in enumerate(sent, start=1)
    ]
    whole = fold_player(None, stream)
    cut = data.draw(st.integers(0, len(stream)))
    snapshot = fold_player(None, stream[:cut])
    before = deepcopy(snapshot)
    assert fold_player(snapshot, stream[cut:]) == whole
    assert snapshot == before
    assert whole is not None
    assert whole.version == len(stream)
    assert whole.sighting == fold_sighting(sent)


@given(events("game"), st.data())
def test_a_game_is_the_same_from_any_snapshot(sent: list[Any], data: DataObject) -> None:
    stream = [RecordedEvent(event, "game:g", number) for number, event in enumerate(sent, start=1)]
    cut = data.draw(st.integers(0, len(stream)))
    assert fold_game(fold_game(None, stream[:cut]), stream[cut:]) == fold_game(None, stream)


def test_nothing_happened_is_no_aggregate_and_changes_none() -> None:
    assert fold_player(None, []) is None
    assert fold_game(None, []) is None
    player = fold_player(None, [RecordedEvent(update("u"), "player:p", 1)])
    assert fold_player(player, []) is player


def test_of_nothing_there_is_no_round_and_no_sighting() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fold_round([])
    with pytest.raises(ValueError, match="nothing"):
        fold_sighting([])
    assert fold_balance([]) == Balance()


@given(events("gameround", "rollback", "deposit", "withdraw"))
def test_a_balance_adds_up_exactly(sent: list[Any]) -> None:
    def total(*kinds: str, bonus: bool | None = None) -> Fraction:
        return Fraction(
            sum(
                Fraction(event.amount)
                for event in sent
                if type(event).__name__ in kinds
                and bonus in (None, getattr(event, "is_bonus", None))
            )
        )

    balance = fold_balance(sent)
    assert Fraction(plain(balance.real)) == total("Deposited") - total("Withdrawn") - total(
        "BetPlaced", "WinRolledBack", bonus=False
    ) + total("WinPaid", "BetRolledBack", bonus=False)
    assert Fraction(plain(balance.bonus)) == total("WinPaid", "BetRolledBack", bonus=True) - total(
        "BetPlaced", "WinRolledBack", bonus=True
    )
    taken_back = balance.rolled_back
    counts = (balance.deposits, balance.withdrawals, balance.bets, balance.wins)
    assert sum((*counts, taken_back.bets, taken_back.wins)) == len(sent)
    for side, kind in (("bet", "BetRolledBack"), ("win", "WinRolledBack")):
        assert Fraction(getattr(taken_back, f"{side}_real")) == total(kind, bonus=False)
        assert Fraction(getattr(taken_back, f"{side}_bonus")) == total(kind, bonus=True)


def test_a_balance_beyond_28_digits_loses_nothing() -> None:
    most, least = Decimal(10**20 - 1), Decimal("1e-18")
    moves = [Deposited(str(n), Instant.parse(NOON), "p", most, "EUR", "card") for n in range(100)]
    balance = fold_balance([*moves, Deposited("x", Instant.parse(NOON), "p", least, "EUR", "card")])
    assert plain(balance.real) == "9999999999999999999900.000000000000000001"


def bet(kind: type[RoundEvent] = BetPlaced, currency: str = "EUR") -> RoundEvent:
    return kind("u", Instant.parse(NOON), "p", "g", "r", Decimal(1), currency, is_bonus=False)


def test_a_round_is_open_settled_or_unmatched() -> None:
    assert fold_round([bet()]).status == "open"
    assert fold_round([bet(WinPaid)]).status == "unmatched"
    assert fold_round([bet(WinPaid)], fold_round([bet()])).status == "settled"
    assert fold_round([bet()], fold_round([bet(WinPaid)])).status == "settled"


END = RoundEnded("u", Instant.parse(NOON), "p", "g", "r")


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([END], "settled"),
        ([bet(), END], "settled"),
        ([bet(WinPaid), END], "unmatched"),
        ([bet(BetRolledBack)], "unmatched"),
        ([bet(BetRolledBack), END], "settled"),
        ([bet(), bet(BetRolledBack)], "rolled_back"),
        ([bet(), bet(BetRolledBack), END], "rolled_back"),
        ([bet(WinPaid), bet(WinRolledBack)], "rolled_back"),
        ([bet(), bet(WinPaid), bet(WinRolledBack)], "settled"),
        ([bet(), bet(WinPaid), bet(WinRolledBack), bet(BetRolledBack)], "rolled_back"),
        ([bet(), bet(), bet(BetRolledBack)], "open"),
        ([bet(), bet(BetRolledBack), bet(BetRolledBack)], "open"),
        ([bet(), bet(WinRolledBack)], "open"),
        ([bet(), bet(BetRolledBack, "SEK")], "rolled_back"),
    ],
)
def test_a_round_is_rolled_back_or_ends(events: list[RoundEvent | RoundEnded], status: str) -> None:
    for order in (events, events[::-1]):
        folded = round_of(order)
        assert folded.status == status
        assert folded.ended_at == (Instant.parse(NOON) if END in events else None)


def test_a_round_ends_when_it_first_was_said_to() -> None:
    later = RoundEnded("v", Instant.parse("2025-01-15T12:00:01Z"), "p", "g", "r")
    folded = round_of([END], round_of([later]))
    assert folded.ended_at == folded.first_at == END.timestamp
    assert folded.last_at == later.timestamp
    assert (folded.sums, folded.mixed_currency) == ({}, False)


def test_what_is_taken_back_is_taken_off_and_kept_beside() -> None:
    activity = fold_activity([bet(), bet(), bet(WinPaid), bet(BetRolledBack), bet(WinRolledBack)])
    assert (activity.bets, activity.wins) == (2, 1)
    assert list(map(plain, (activity.bet_real, activity.win_real, activity.ggr_real))) == [
        "1",
        "0",
        "1",
    ]
    assert activity.rolled_back == TakenBack(
        bet_real=Decimal(1), win_real=Decimal(1), bets=1, wins=1
    )
    assert plain(fold_activity([bet(BetRolledBack)]).ggr_real) == "-1"


def test_a_round_in_two_currencies_keeps_both_sums_and_says_so() -> None:
    mixed = fold_round([bet(currency="USD")], fold_round([bet(currency="EUR")]))
    assert mixed.mixed_currency
    assert {currency: sums.bet_real for currency, sums in mixed.sums.items()} == {
        "EUR": 1,
        "USD": 1,
    }
    assert not fold_round([bet(), bet(WinPaid)]).mixed_currency


def test_activity_counts_and_adds_up_exactly() -> None:
    assert fold_activity([]) == Activity()
    most = Decimal(10**20 - 1)
    played = [
        BetPlaced("u", Instant.parse(NOON), "p", "g", "r", most, "EUR", is_bonus=n % 2 == 0)
        for n in range(100)
    ]
    least = Decimal("1e-18")
    won = WinPaid("u", Instant.parse(NOON), "p", "g", "r", least, "EUR", is_bonus=True)
    activity = fold_activity([*played, won])
    assert (activity.bets, activity.wins, activity.rounds) == (100, 1, 0)
    assert plain(activity.ggr_real) == "4999999999999999999950"
    assert plain(activity.ggr_bonus) == "4999999999999999999949.999999999999999999"
    assert activity.rtp == 0


@pytest.mark.parametrize(
    ("won", "bet", "rtp"),
    [
        ("1", "3", "0.333333"),
        ("2", "3", "0.666667"),
        ("1", "2000000", "0.000000"),
        ("3", "2000000", "0.000002"),
        ("0.0000005000000000001", "1", "0.000001"),
        ("99999999999999999999", "1e-18", "99999999999999999999000000000000000000.000000"),
        ("0", "1", "0.000000"),
        ("1", "0", None),
    ],
)
def test_a_return_to_player_is_rounded_to_6_digits_half_to_even(
    won: str, bet: str, rtp: str | None
) -> None:
    found = Activity(win_bonus=Decimal(won), bet_real=Decimal(bet)).rtp
    assert (None if found is None else f"{found:f}") == rtp


def update(unique_id: str, timestamp: str = NOON, **fields: Any) -> PlayerUpdated:
    return PlayerUpdated(unique_id, Instant.parse(timestamp), "p", **fields)


# By UTF-16 units 😀 (an astral character) would come before U+FF5E, by code points it comes behind.
@pytest.mark.parametrize(
    ("less", "greater"), [("a", "b"), ("Z", "a"), ("a", "aa"), ("\uff5e", "😀")]
)
def test_of_updates_of_one_moment_the_greater_unique_id_wins(less: str, greater: str) -> None:
    one, other = update(less, username="less"), update(greater, username="greater")
    for order in ([one, other], [other, one]):
        assert fold_profile(order).values == {"username": "greater"}
        assert fold_profile(order[1:], fold_profile(order[:1])).values == {"username": "greater"}


def test_a_late_update_changes_only_what_no_later_one_has_named() -> None:
    later = update("a", "2025-01-15T13:00:00Z", username="new", tags=None)
    late = update("b", username="old", tags=["x"], country="MT")
    assert fold_profile([late], fold_profile([later])).values == {
        "username": "new",
        "tags": None,
        "country": "MT",
    }


def test_null_clears_absent_says_nothing_and_an_array_replaces() -> None:
    first = update("a", username="name", tags=["x", "y"], is_blocked=True)
    second = update("b", "2025-01-15T12:00:01Z", username=None, tags=["y"])
    profile = fold_profile([first, second])
    assert profile.values == {"username": None, "tags": ["y"], "is_blocked": True}


def test_a_registration_date_becomes_a_moment() -> None:
    day = fold_profile([update("a", registration_date="2025-01-15")]).values["registration_date"]
    moment = fold_profile([update("a", registration_date="2025-01-15T02:00:00+02:00")])
    assert day == moment.values["registration_date"]
    assert day + timedelta(hours=12) == Instant.parse(NOON)


def test_every_field_of_a_profile_is_folded() -> None:
    assert set(PLAYER_FIELDS) == set(PlayerUpdated.__struct_fields__) - {
        "unique_id",
        "timestamp",
        "player_id",
    }
    game = GameUpdated("u", Instant.parse(NOON), "g", device="mobile", has_freespins="yes")
    assert fold_profile([game]).values == {"device": "mobile", "has_freespins": "yes"}
