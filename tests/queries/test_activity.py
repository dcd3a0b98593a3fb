"""Activity: days, games and currencies, apart and added up."""

from typing import Any

import pytest

from tests.queries.casino import Casino, OpenCasino, bet


def win(**data: Any) -> dict[str, Any]:
    return bet(**{"is_win": True, **data})


@pytest.fixture(scope="module")
def played(new_casino: OpenCasino) -> Casino:
    casino = new_casino()
    late, early = "2025-01-15T23:59:59.999999Z", "2025-01-16T00:00:00Z"
    casino.fill(
        [
            bet(round_id="over midnight", timestamp=late, amount=2),
            win(round_id="over midnight", timestamp=early, amount=1),
            bet(round_id="over midnight", timestamp=early, amount=1, is_bonus=True),
            bet(round_id="two currencies", timestamp=late, amount=3, currency="BTC"),
            bet(round_id="two currencies", timestamp=late, amount=1),
            bet(round_id="elsewhere", game_id="h", timestamp="2025-01-16T01:00:00+02:00", amount=0),
        ]
    )
    # A round that is known goes on, and a late bet lands on its own day.
    casino.fill(
        [
            win(round_id="two currencies", timestamp=late, amount=1, currency="BTC"),
            bet(round_id="over midnight", timestamp="2025-01-14T12:00:00Z", amount=6),
        ]
    )
    return casino


NOTHING = {
    **dict.fromkeys(("bet_real", "bet_bonus", "win_real", "win_bonus"), "0"),
    "bets": 0,
    "wins": 0,
}


def cells(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (*(row.get(name) for name in ("day", "game_id", "currency")), row["rounds"], row["rtp"])
        for row in rows
    ]


def test_a_round_counts_once_in_each_cell_in_which_it_has_an_event(played: Casino) -> None:
    assert cells(played.items("activity")) == [
        ("2025-01-14", "g", "EUR", 1, "0"),
        ("2025-01-15", "g", "BTC", 1, "0.333333"),
        ("2025-01-15", "g", "EUR", 2, "0"),
        ("2025-01-15", "h", "EUR", 1, None),
        ("2025-01-16", "g", "EUR", 1, "1"),
    ]


def test_a_cell_has_its_counts_its_sums_and_what_they_come_to(played: Casino) -> None:
    (found,) = played.items("activity", from_="2025-01-16T00:00:00Z")
    assert found == {
        "day": "2025-01-16",
        "game_id": "g",
        "currency": "EUR",
        "rounds": 1,
        "bets": 1,
        "wins": 1,
        "bet_real": "0",
        "bet_bonus": "1",
        "win_real": "1",
        "win_bonus": "0",
        "ggr_real": "-1",
        "ggr_bonus": "1",
        "rtp": "1",
        "rolled_back": NOTHING,
    }


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("currency", [(None, None, "BTC", 1, "0.333333"), (None, None, "EUR", 5, "0.1")]),
        (
            "day,currency",
            [
                ("2025-01-14", None, "EUR", 1, "0"),
                ("2025-01-15", None, "BTC", 1, "0.333333"),
                ("2025-01-15", None, "EUR", 3, "0"),
                ("2025-01-16", None, "EUR", 1, "1"),
            ],
        ),
        (
            "game,currency",
            [
                (None, "g", "BTC", 1, "0.333333"),
                (None, "g", "EUR", 4, "0.1"),
                (None, "h", "EUR", 1, None),
            ],
        ),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_what_is_not_grouped_by_is_added_up_and_absent(
    group_by: str, expected: list[Any], limit: int, played: Casino
) -> None:
    found = played.all("activity", limit, group_by=group_by)
    assert cells(found) == expected
    absent = {"day", "game", "currency"} - set(group_by.split(","))
    assert not {name.replace("game", "game_id") for name in absent} & set(found[0])


@pytest.mark.parametrize("limit", [1, 100])
def test_within_one_currency_all_can_be_added_up(limit: int, played: Casino) -> None:
    found = played.all("activity", limit, group_by="game", currency="EUR")
    assert cells(found) == [(None, "g", None, 4, "0.1"), (None, "h", None, 1, None)]
    found = played.all("activity", limit, group_by="day", currency="BTC")
    assert cells(found) == [("2025-01-15", None, None, 1, "0.333333")]
    found = played.all("activity", limit, group_by="day", currency="EUR")
    assert cells(found) == [
        ("2025-01-14", None, None, 1, "0"),
        ("2025-01-15", None, None, 3, "0"),
        ("2025-01-16", None, None, 1, "1"),
    ]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("currency", [(None, None, "BTC", 1, "0.333333"), (None, None, "EUR", 4, "0.1")]),
        ("game,currency", [(None, "g", "BTC", 1, "0.333333"), (None, "g", "EUR", 4, "0.1")]),
        (
            "day,currency",
            [
                ("2025-01-14", None, "EUR", 1, "0"),
                ("2025-01-15", None, "BTC", 1, "0.333333"),
                ("2025-01-15", None, "EUR", 2, "0"),
                ("2025-01-16", None, "EUR", 1, "1"),
            ],
        ),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
def test_of_one_game_nothing_of_others_is_added_up(
    group_by: str, expected: list[Any], limit: int, played: Casino
) -> None:
    assert cells(played.all("activity", limit, group_by=group_by, game_id="g")) == expected


@pytest.mark.parametrize(
    ("span", "rounds"),
    [
        ({"from_": "2025-01-15T00:00:00Z"}, {"g": 3, "h": 1}),
        ({"from_": "2025-01-15T00:00:00.000001Z"}, {"g": 1}),
        ({"to": "2025-01-15T00:00:00Z"}, {"g": 1}),
        ({"to": "2025-01-15T00:00:00.000001Z"}, {"g": 3, "h": 1}),
        ({"from_": "2025-01-15T00:00:00Z", "to": "2025-01-16T00:00:00Z"}, {"g": 2, "h": 1}),
    ],
)
def test_the_days_of_each_game_within_a_span_are_added_up(
    span: dict[str, str], rounds: dict[str, int], played: Casino
) -> None:
    found = played.items("activity", group_by="game", currency="EUR", **span)
    assert {row["game_id"]: row["rounds"] for row in found} == rounds


@pytest.mark.parametrize(
    ("filters", "days"),
    [
        ({}, "14 15 15 15 16"),
        ({"from_": "2025-01-15T00:00:00Z"}, "15 15 15 16"),
        ({"from_": "2025-01-15T00:00:00.000001Z"}, "16"),
        ({"from_": "2025-01-15T02:00:00+02:00"}, "15 15 15 16"),
        ({"to": "2025-01-15T00:00:00Z"}, "14"),
        ({"to": "2025-01-15T00:00:00.000001Z"}, "14 15 15 15"),
        ({"from_": "2025-01-15T00:00:00Z", "to": "2025-01-16T00:00:00Z"}, "15 15 15"),
        ({"from_": "9999-12-31T23:59:59.999999Z"}, ""),
        ({"to": "0001-01-01T00:00:00Z"}, ""),
        ({"game_id": "h"}, "15"),
        ({"currency": "BTC"}, "15"),
        ({"currency": "BTC", "game_id": "h"}, ""),
    ],
)
def test_filters(filters: dict[str, str], days: str, played: Casino) -> None:
    found = played.items("activity", **filters)
    assert [row["day"].removeprefix("2025-01-") for row in found] == days.split()


def test_days_of_any_year_are_shown_and_paged(casino: Casino) -> None:
    years = ("0001-01-01", "0999-12-31", "2025-01-15")
    casino.fill([bet(timestamp=f"{day}T23:59:59Z") for day in years])
    assert [row["day"] for row in casino.all("activity", 1)] == list(years)
    grouped = casino.all("activity", 1, group_by="day", currency="EUR")
    assert [(row["day"], row["rounds"]) for row in grouped] == [(day, 1) for day in years]


def test_a_return_is_rounded_to_six_digits_half_to_even(casino: Casino) -> None:
    casino.fill([bet(amount=2_000_000), win(amount=1), bet(amount=2_000_000, currency="SEK")])
    casino.fill([win(amount=3, currency="SEK"), bet(amount=3, currency="JPY")])
    casino.fill([win(amount=2, currency="JPY"), win(amount=7, currency="USD")])
    returns = {row["currency"]: row["rtp"] for row in casino.items("activity")}
    assert returns == {"EUR": "0", "SEK": "0.000002", "JPY": "0.666667", "USD": None}
