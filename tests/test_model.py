"""The model against the samples, and each of its rules by hand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.model import Model, Number, Ratio, assert_same, instant, normalise, read_json
from tests.model.samples import with_later_members

CASINO_DAY = Path(__file__).parent / "samples" / "casino-day"

NOON = "2025-01-15T12:00:00Z"


@pytest.fixture(scope="module")
def expected() -> Any:
    return with_later_members(read_json((CASINO_DAY / "expected.json").read_text()))


@pytest.fixture(scope="module")
def casino_day() -> Model:
    model = Model()
    for path in sorted(CASINO_DAY.glob("batch-*.json")):
        model.ingest_body(path.read_bytes())
    return model


def item(event: str, unique_id: str, **data: Any) -> tuple[str, str]:
    return event, json.dumps({"unique_id": unique_id, "timestamp": NOON, **data})


def bet(unique_id: str, **data: Any) -> tuple[str, str]:
    stake = {"player_id": "p", "game_id": "g", "round_id": "r", "amount": 1, "currency": "EUR"}
    return item("gameround", unique_id, **{**stake, "is_win": False, "is_bonus": False, **data})


def win(unique_id: str, **data: Any) -> tuple[str, str]:
    return bet(unique_id, **{"is_win": True, **data})


def deposit(unique_id: str, **data: Any) -> tuple[str, str]:
    paid = {"player_id": "p", "amount": 1, "currency": "EUR", "method": "card"}
    return item("deposit", unique_id, **{**paid, **data})


def model_of(*items: tuple[str, str]) -> Model:
    model = Model()
    model.ingest(items)
    return model


# The samples


def test_the_casino_day_gives_each_receipt(expected: Any) -> None:
    model = Model()
    for receipt in expected["receipts"]:
        found = model.ingest_body((CASINO_DAY / receipt["batch"]).read_bytes())
        counts = {name: getattr(found, name) for name in receipt if name != "batch"}
        assert {"batch": receipt["batch"], **counts} == {
            name: int(value.text) if isinstance(value, Number) else value
            for name, value in receipt.items()
        }
    assert len(model.log.entries) == int(expected["log_position"].text)


@pytest.mark.parametrize("kind", ["balances", "games", "players"])
def test_the_casino_day_gives_each_read_model(kind: str, casino_day: Model, expected: Any) -> None:
    assert normalise(kind, expected[kind]) == getattr(casino_day, kind)()


def test_the_casino_day_gives_the_rounds(casino_day: Model, expected: Any) -> None:
    found = casino_day.rounds()
    for row in found:
        for side in ("bets", "wins"):
            row[side] = [played["unique_id"] for played in row[side]]
    by_id = sorted(found, key=lambda row: (row["player_id"], row["game_id"], row["round_id"]))
    assert normalise("rounds", expected["rounds"]) == by_id


def test_the_casino_day_gives_the_conflicts(casino_day: Model, expected: Any) -> None:
    found = [{name: row[name] for name in ("unique_id", "event")} for row in casino_day.conflicts()]
    assert found == expected["conflicts"]


def test_the_casino_day_gives_the_same_in_another_order(casino_day: Model) -> None:
    model = Model()
    model.log.record((entry.event, entry.data) for entry in reversed(casino_day.log.entries))
    for kind in ("balances", "games", "players", "activity", "facets"):
        assert_same(kind, getattr(model, kind)(), getattr(casino_day, kind)())


def test_balances_and_activity_add_up_alike(casino_day: Model) -> None:
    for flow in ("bet_real", "bet_bonus", "win_real", "win_bonus"):
        for currency in {row["currency"] for row in casino_day.balances()}:
            balances = sum(
                row[flow] for row in casino_day.balances() if row["currency"] == currency
            )
            apart = [row for row in casino_day.activity() if row["currency"] == currency]
            assert sum(row[flow] for row in apart) == balances
            days = casino_day.activity(["day"], currency=currency)
            assert sum(row[flow] for row in days) == balances


def test_activity_is_never_added_across_currencies(casino_day: Model) -> None:
    with pytest.raises(ValueError, match="across currencies"):
        casino_day.activity(["day", "game"])


# §1 and §2


def test_the_same_content_in_other_words_is_a_duplicate() -> None:
    model = model_of(deposit("u", amount=1, note={"a": 1, "b": 2}))
    again = (
        '{"currency": "EUR", "method": "c\\u0061rd", "note": {"b": 2.0, "a": 10e-1}, "player_id": "p", '
        f'"amount": 7, "amount": 1.00, "unique_id": "u", "timestamp": "{NOON}"}}'
    )
    receipt = model.ingest([("deposit", again)])
    assert receipt.items == [{"unique_id": "u", "outcome": "duplicate", "position": 1}]
    assert (receipt.stored, receipt.duplicate, receipt.conflict) == (0, 1, 0)


@pytest.mark.parametrize(
    "other",
    [
        deposit("u", amount=2),
        deposit("u", amount_eur=None),
        deposit("u", timestamp="2025-01-15T13:00:00+01:00"),
        deposit("u", amount=True),
        item("login", "u", player_id="p"),
        ("withdraw", deposit("u")[1]),
    ],
)
def test_any_other_content_is_a_conflict_with_what_stands(other: tuple[str, str]) -> None:
    model = model_of(item("login", "first", player_id="p"), deposit("u"))
    receipt = model.ingest([other, other])
    assert [entry["position"] for entry in receipt.items] == [2, 2]
    assert (receipt.stored, receipt.duplicate, receipt.conflict) == (0, 0, 2)
    assert receipt.log_position == 2
    (row,) = model.conflicts()
    assert (row["unique_id"], row["position"], row["event"]) == ("u", 2, other[0])
    assert row["data"] == read_json(other[1])
    assert row["recorded"] == {"event": "deposit", "data": read_json(deposit("u")[1])}


def test_the_register_keeps_each_refused_content_once_in_order() -> None:
    model = model_of(deposit("u"))
    model.ingest([deposit("u", amount=3), deposit("u", amount=2), deposit("u", amount=3.0)])
    assert [row["data"]["amount"] for row in model.conflicts()] == [Number("3"), Number("2")]


def test_within_a_batch_the_first_item_wins() -> None:
    model = Model()
    receipt = model.ingest([deposit("u"), deposit("u", amount=2), deposit("u"), deposit("v")])
    assert [(entry["outcome"], entry["position"]) for entry in receipt.items] == [
        ("stored", 1),
        ("conflict", 1),
        ("duplicate", 1),
        ("stored", 2),
    ]


def test_positions_count_the_log_and_versions_each_stream() -> None:
    model = model_of(
        item("game", "1", game_id="x"),
        item("login", "2", player_id="x"),
        win("3", player_id="x", game_id="x"),
        item("game", "4", game_id="x"),
        ("deposit", '{"unique_id": "5", "timestamp": "2025-01-15", "player_id": "y", "n": 1.50}'),
    )
    found = [
        (row["position"], row["stream"], row["version"], row["type"]) for row in model.history()
    ]
    assert found == [
        (1, "game:x", 1, "GameUpdated"),
        (2, "player:x", 1, "LoggedIn"),
        (3, "player:x", 2, "WinPaid"),
        (4, "game:x", 2, "GameUpdated"),
        (5, "player:y", 1, "Deposited"),
    ]


def test_history_compares_digit_for_digit() -> None:
    rows = model_of(("game", '{"unique_id": "1", "game_id": "g", "n": 1.50}')).history()
    changed = {**rows[0], "data": read_json('{"unique_id": "1", "game_id": "g", "n": 1.5}')}
    with pytest.raises(AssertionError, match="data"):
        assert_same("history", [changed], rows)


# §3


def test_balances_are_exact_and_never_cross_currencies() -> None:
    model = model_of(
        ("deposit", deposit("1")[1].replace('"amount": 1', '"amount": 12345678901234567890.5e0')),
        ("deposit", deposit("2")[1].replace('"amount": 1', '"amount": 0.000000000000000001')),
        deposit("3", currency="SEK", amount=10, amount_eur=0.9),
        deposit("4", currency="SEK", amount=10, amount_eur=None),
        bet("5", amount=3),
        win("6", amount=5, is_bonus=True),
        ("withdraw", deposit("7", amount_eur=1)[1]),
    )
    euro, crowns = model.balances()
    assert euro["deposited"] == Decimal("12345678901234567890.500000000000000001")
    assert euro["real"] == Decimal("12345678901234567886.500000000000000001")
    assert (euro["bonus"], euro["deposited_eur"]) == (5, 0)
    assert euro["counts"] == {"deposits": 2, "withdrawals": 1, "bets": 1, "wins": 1}
    assert (crowns["currency"], crowns["real"], crowns["bonus"]) == ("SEK", 20, 0)
    assert crowns["deposited_eur"] == Decimal("0.9")


def test_balances_of_the_past_by_position_and_by_event_time_inclusive() -> None:
    model = model_of(
        deposit("1", timestamp="2025-01-15T12:00:02Z"),
        deposit("2", timestamp="2025-01-15T12:00:01Z"),
        deposit("3", timestamp="2025-01-15T12:00:03Z"),
    )
    assert [row["real"] for row in model.balances(at_position=1)] == [1]
    assert [row["real"] for row in model.balances(as_of=instant("2025-01-15T12:00:02Z"))] == [2]
    assert model.balances(at_position=0) == []


def test_a_round_is_open_settled_or_unmatched_whatever_came_first() -> None:
    model = model_of(
        bet("1", round_id="open"),
        win("2", round_id="settled", amount=0),
        win("3", round_id="unmatched"),
        bet("4", round_id="settled"),
    )
    found = {row["round_id"]: row["status"] for row in model.rounds()}
    assert found == {"open": "open", "settled": "settled", "unmatched": "unmatched"}


def test_a_round_belongs_to_one_player_and_one_game() -> None:
    model = model_of(bet("1"), bet("2", player_id="q"), bet("3", game_id="h"), win("4"))
    assert [row["bet_count"] for row in model.rounds()] == [1, 1, 1]


def test_a_round_in_two_currencies_keeps_its_sums_apart() -> None:
    (row,) = model_of(bet("1", amount=2), win("2", currency="SEK", amount=3)).rounds()
    assert row["mixed_currency"]
    assert [(sums["currency"], sums["net_real"]) for sums in row["sums"]] == [
        ("EUR", -2),
        ("SEK", 3),
    ]


def test_the_bets_of_a_round_stand_by_time_then_unique_id() -> None:
    earlier = "2025-01-15T13:59:59+02:00"
    (row,) = model_of(bet("b"), bet("a"), bet("z", timestamp=earlier)).rounds()
    assert [played["unique_id"] for played in row["bets"]] == ["z", "a", "b"]
    assert row["first_at"] == datetime(2025, 1, 15, 11, 59, 59, tzinfo=UTC)


def test_rounds_and_transactions_are_newest_first() -> None:
    later = "2025-01-15T12:00:01Z"
    model = model_of(
        bet("1", round_id="old"),
        bet("2", round_id="new", timestamp=later),
        deposit("3", timestamp=later, amount_eur=0.5),
        ("withdraw", deposit("4", amount_eur="unknown here")[1]),
    )
    assert [row["round_id"] for row in model.rounds()] == ["new", "old"]
    found = [(row["type"], row["amount_eur"]) for row in model.transactions()]
    assert found == [("deposit", Decimal("0.5")), ("withdraw", None)]


@pytest.mark.parametrize("arrange", [list, reversed])
def test_the_latest_timestamp_wins_field_by_field(arrange: Callable[[Any], Any]) -> None:
    updates = [
        item("player", "1", player_id="p", username="first", country="MT", tags=["a"]),
        item("player", "0", player_id="p", timestamp="2025-01-15T12:00:01Z", username="second"),
        item("player", "2", player_id="p", timestamp="2025-01-15T12:00:02Z", country=None),
    ]
    (row,) = model_of(*arrange(updates)).players()
    assert (row["username"], row["country"], row["tags"]) == ("second", None, ["a"])


@pytest.mark.parametrize("arrange", [list, reversed])
def test_at_equal_timestamps_the_greater_unique_id_wins(arrange: Callable[[Any], Any]) -> None:
    # In UTF-16 the emoji would be the lesser; as a number 9 would be.
    updates = [
        item("game", "10", game_id="g", name="10", provider="10"),
        item("game", "9", game_id="g", name="9", provider="9"),
        item("game", "\uff5e", game_id="g", name="tilde"),
        item(
            "game", "\U0001f600", game_id="g", timestamp="2025-01-15T14:00:00+02:00", name="emoji"
        ),
    ]
    (row,) = model_of(*arrange(updates)).games()
    assert (row["name"], row["provider"]) == ("emoji", "9")


def test_times_finer_than_microseconds_are_equal_once_truncated() -> None:
    model = model_of(
        item("game", "b", game_id="g", timestamp="2025-01-15T12:00:00.1234561z", name="b"),
        item("game", "a", game_id="g", timestamp="2025-01-15t12:00:00.1234569", name="a"),
    )
    assert model.games()[0]["name"] == "b"


def test_null_clears_and_an_array_replaces_the_array() -> None:
    later = "2025-01-15T12:00:01Z"
    model = model_of(
        item("game", "1", game_id="g", device="mobile", has_freespins="yes", features=["a", "b"]),
        item("game", "2", game_id="g", timestamp=later, device=None, features=["c"]),
        item("game", "3", game_id="g", timestamp=later, has_freespins=None, themes=None),
    )
    (row,) = model.games()
    assert (row["device"], row["has_freespins"]) == ("undefined", "unknown")
    assert (row["features"], row["themes"]) == (["c"], [])


def test_games_and_players_only_named_by_other_events_are_listed() -> None:
    model = model_of(bet("1"), item("login", "2", player_id="q"), item("game", "3", game_id="h"))
    game, other = model.games()
    assert (game["game_id"], game["name"], game["device"]) == ("g", None, "undefined")
    assert (other["game_id"], other["has_freespins"]) == ("h", "unknown")
    player, visitor = model.players()
    assert (player["player_id"], player["tags"], player["logins"]) == ("p", [], 0)
    assert player["last_login"] is None
    assert (visitor["player_id"], visitor["logins"]) == ("q", 1)
    assert visitor["last_login"] == visitor["first_seen"] == instant(NOON)


def test_a_registration_date_may_be_a_date() -> None:
    (row,) = model_of(item("player", "1", player_id="p", registration_date="2024-02-29")).players()
    assert row["registration_date"] == datetime(2024, 2, 29, tzinfo=UTC)


def test_facets_count_each_game_once_a_value_and_leave_out_null() -> None:
    model = model_of(
        item("game", "1", game_id="a", provider="x", features=["f", "f", "g"], device="mobile"),
        item("game", "2", game_id="b", features=["f"], has_freespins="no"),
        bet("3", game_id="c"),
    )
    facets = model.facets()
    assert facets["provider"] == [{"value": "x", "count": 1}]
    assert facets["feature"] == [{"value": "f", "count": 2}, {"value": "g", "count": 1}]
    assert facets["device"] == [
        {"value": "mobile", "count": 1},
        {"value": "undefined", "count": 2},
    ]
    assert facets["has_freespins"] == [
        {"value": "no", "count": 1},
        {"value": "unknown", "count": 2},
    ]
    chosen = [game for game in model.games() if game["provider"] == "x"]
    assert model.facets(chosen)["feature"] == [
        {"value": "f", "count": 1},
        {"value": "g", "count": 1},
    ]


def test_activity_counts_a_round_on_each_day_and_adds_the_days_up() -> None:
    model = model_of(
        bet("1", amount=2, timestamp="2025-01-15T23:59:59Z"),
        win("2", amount=1, timestamp="2025-01-16T00:00:00Z"),
        bet("3", amount=1, timestamp="2025-01-16T00:00:00Z", is_bonus=True),
        bet("4", round_id="other", timestamp="2025-01-16T01:00:00+02:00", amount=0),
    )
    first, second = model.activity()
    assert (first["day"], first["rounds"], first["bets"], first["ggr_real"]) == (
        "2025-01-15",
        2,
        2,
        2,
    )
    assert first["rtp"] == Ratio(Fraction(0))
    assert (second["rounds"], second["ggr_real"], second["ggr_bonus"]) == (1, -1, 1)
    assert second["rtp"] == Ratio(Fraction(1))
    (whole,) = model.activity(["game", "currency"])
    assert (whole["rounds"], "day" in whole, whole["rtp"]) == (3, False, Ratio(Fraction(1, 3)))


def test_without_bets_there_is_no_return_to_player() -> None:
    assert model_of(win("1")).activity()[0]["rtp"] is None


# Comparing


def test_an_answer_equals_the_model_as_numbers_and_instants() -> None:
    model = model_of(deposit("1", amount=2.5), win("2"))
    answer = """{"next_cursor": null, "items": [{"player_id": "p", "currency": "EUR", "real": "3.50",
        "bonus": "0", "deposited": "2.500", "withdrawn": "0.0", "bet_real": "0", "bet_bonus": "0",
        "win_real": "1", "win_bonus": "0", "deposited_eur": "0", "more": [1],
        "counts": {"deposits": 1, "withdrawals": 0, "bets": 0, "wins": 1},
        "rolled_back": {"bet_real": "0", "bet_bonus": "0.0", "win_real": "0", "win_bonus": "0", "bets": 0,
        "wins": 0}}]}"""
    assert normalise("balances", answer) == model.balances()
    assert_same("balances", answer, model.balances())


def test_a_difference_names_the_row_and_the_member() -> None:
    model = model_of(deposit("1"), deposit("2", player_id="q"), deposit("3", player_id="r"))
    first, second, third = model.balances()
    answer = [{**first, "real": "1.01"}, third]
    with pytest.raises(AssertionError) as failure:
        assert_same("balances", answer, [first, second])
    lines = str(failure.value).splitlines()[1:]
    assert [line[:24] for line in lines] == [
        "missing: player_id='q' c",
        "unexpected: player_id='r",
        "player_id='p' currency='",
    ]
    assert lines[2].endswith("real: Decimal('1.01') != Decimal('1')")


@pytest.mark.parametrize("amount", ['"1e0"', '"+1"', '"1."', '" 1"', '"1,0"', "1.0"])
def test_an_amount_is_a_string_in_plain_notation(amount: str) -> None:
    with pytest.raises(AssertionError, match="real"):
        normalise("balances", f'[{{"real": {amount}}}]')


def test_a_time_ends_in_z() -> None:
    with pytest.raises(AssertionError, match="first_seen"):
        normalise("games", '[{"first_seen": "2025-01-15T12:00:00+00:00"}]')


def test_a_flag_is_a_boolean() -> None:
    with pytest.raises(AssertionError, match="is_blocked is not a boolean"):
        normalise("players", '[{"is_blocked": 1}]')


def test_rows_in_another_order_or_repeated_are_a_difference() -> None:
    rows = model_of(deposit("1"), deposit("2", player_id="q")).balances()
    with pytest.raises(AssertionError, match="the order is not"):
        assert_same("balances", rows[::-1], rows)
    with pytest.raises(AssertionError, match="repeated"):
        assert_same("balances", [*rows, rows[-1]], rows)


def test_ties_may_stand_in_any_order_and_rounds_without_their_bets() -> None:
    rows = model_of(bet("1"), bet("2", round_id="s")).rounds()
    brief = [{name: row[name] for name in row if name not in {"bets", "wins"}} for row in rows]
    assert_same("rounds", brief[::-1], rows)


def test_facets_compare_in_any_order_of_values() -> None:
    model = model_of(item("game", "1", game_id="a", features=["f", "g"]))
    answer = {facet: rows[::-1] for facet, rows in model.facets().items()}
    assert_same("facets", answer, model.facets())
    with pytest.raises(AssertionError, match="count: 2 != 1"):
        assert_same("facets", {**answer, "device": [{"value": "undefined", "count": 2}]}, answer)
