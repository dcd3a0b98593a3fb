"""The generator: the same bytes for the same scenario, and what a casino would send."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from iso4217 import Currency

from app.simulation import Scenario, batches, simulate
from tests.model import Model, instant, read_json

EVENTS = 60_000
SCENARIO = Scenario(players=400, games=40, seed=11, currencies=("BTC",))

REQUIRED = {
    "gameround": "player_id game_id round_id amount currency is_win is_bonus",
    "deposit": "player_id amount currency method",
    "withdraw": "player_id amount currency method",
    "player": "player_id",
    "game": "game_id",
    "login": "player_id",
}


@pytest.fixture(scope="module")
def items() -> list[str]:
    return list(simulate(SCENARIO, EVENTS))


@pytest.fixture(scope="module")
def contents(items: list[str]) -> list[tuple[str, Any]]:
    return [(item["event"], item["data"]) for item in map(read_json, items)]


@pytest.fixture(scope="module")
def model(items: list[str]) -> Model:
    model = Model()
    for body in batches(items, 10_000):
        model.ingest_body(body)
    return model


# Determinism


def test_the_same_scenario_gives_the_same_items(items: list[str]) -> None:
    assert list(simulate(SCENARIO, EVENTS)) == items


def test_two_simulations_side_by_side_do_not_disturb_each_other() -> None:
    scenario = Scenario(players=5, games=2)
    pairs = list(zip(simulate(scenario, 500), simulate(scenario, 500), strict=True))
    assert all(one == other for one, other in pairs)


@pytest.mark.parametrize("scenario", [Scenario(players=1, games=1), Scenario(seed=-(2**70))])
def test_any_scenario_gives_exactly_as_many_items_as_asked_for(scenario: Scenario) -> None:
    texts = list(simulate(scenario, 3_000))
    assert len({json.loads(text)["data"]["unique_id"] for text in texts}) == 3_000


def test_a_scenario_without_players_or_games_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one player and one game"):
        Scenario(players=0)
    with pytest.raises(ValueError, match="at least one player and one game"):
        Scenario(games=0)


def test_a_start_without_a_zone_is_refused() -> None:
    naive = datetime(2025, 1, 15)  # noqa: DTZ001  # what is refused
    with pytest.raises(ValueError, match="time zone"):
        Scenario(start=naive)
    with pytest.raises(ValueError, match="time zone"):
        Scenario(end=naive)


def test_an_end_before_the_start_is_refused() -> None:
    for end in (SCENARIO.start, SCENARIO.start - timedelta(days=1)):
        with pytest.raises(ValueError, match="end after it starts"):
            Scenario(start=SCENARIO.start, end=end)


# Validity


def test_unique_ids_are_unique(contents: list[tuple[str, Any]]) -> None:
    assert len({data["unique_id"] for _, data in contents}) == EVENTS


def test_each_item_has_the_members_that_its_event_requires(
    contents: list[tuple[str, Any]],
) -> None:
    for event, data in contents:
        assert {"unique_id", "timestamp", *REQUIRED[event].split()} <= data.keys()
        for name in ("unique_id", "player_id", "game_id", "round_id", "method"):
            assert 0 < len(data.get(name, "-")) <= 255


def test_amounts_are_plain_and_currencies_are_known(contents: list[tuple[str, Any]]) -> None:
    known = {currency.code for currency in Currency} | {"BTC"}
    for _, data in contents:
        assert data.get("currency", "EUR") in known
        for name in ("amount", "amount_eur"):
            digits = data.get(name) or "0"
            assert re.fullmatch(r"\d{1,12}(\.\d{2}|\.\d{3}|\.\d{8})?", str(digits))


def test_only_allowed_currencies_go_beyond_iso_4217() -> None:
    texts = simulate(Scenario(players=400, seed=11), 20_000)
    codes = {read_json(text)["data"].get("currency", "EUR") for text in texts}
    assert codes <= {currency.code for currency in Currency}


def test_time_passes_from_the_start_and_some_items_are_late(
    contents: list[tuple[str, Any]],
) -> None:
    times = [instant(data["timestamp"]) for _, data in contents]
    assert min(times) >= SCENARIO.start
    assert timedelta(hours=6) < max(times) - SCENARIO.start < timedelta(days=3)
    late = sum(later < earlier for earlier, later in pairwise(times))
    assert 0.001 < late / EVENTS < 0.05


def test_the_start_is_the_callers() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    (item,) = simulate(Scenario(start=start), 1)
    assert instant(read_json(item)["data"]["timestamp"]) - start < timedelta(minutes=1)


# Realism


def test_the_catalogue_comes_first_and_some_games_are_never_described(model: Model) -> None:
    names = [game["name"] for game in model.games()]
    described = sum(name is not None for name in names)
    assert 0 < described < len(names)
    first = [entry.event for entry in model.log.entries[: described + 1]]
    assert set(first[:described]) == {"game"}
    assert first[described] != "game"


def test_all_events_occur_and_rounds_are_most_of_them(contents: list[tuple[str, Any]]) -> None:
    counts = Counter(event for event, _ in contents)
    assert counts.keys() == REQUIRED.keys()
    assert counts["gameround"] > EVENTS * 0.9
    assert min(counts.values()) > 40


def test_nearly_every_round_is_one_bet_and_one_win_but_all_kinds_occur(model: Model) -> None:
    rounds = model.rounds()
    shapes = Counter((row["bet_count"], row["win_count"]) for row in rounds)
    assert shapes[1, 1] > len(rounds) * 0.7
    assert max(bets for bets, _ in shapes) > 1
    assert max(wins for _, wins in shapes) > 3
    assert {row["status"] for row in rounds} == {"open", "settled", "unmatched"}
    assert 0 < sum(row["mixed_currency"] for row in rounds) < len(rounds) * 0.01
    assert any(sums["bet_bonus"] and sums["win_bonus"] for row in rounds for sums in row["sums"])


def test_a_few_players_play_most_rounds(contents: list[tuple[str, Any]]) -> None:
    played = Counter(data["player_id"] for event, data in contents if event == "gameround")
    top = sum(times for _, times in played.most_common(len(played) // 10))
    assert top > played.total() * 0.3


def test_money_mostly_returns_to_players_but_not_all_of_it(model: Model) -> None:
    (euro,) = [row for row in model.activity(["currency"]) if row["currency"] == "EUR"]
    assert 0.75 < euro["win_real"] / euro["bet_real"] < 1.2
    assert 0.005 < euro["bet_bonus"] / euro["bet_real"] < 0.2


def test_wallets_come_in_several_currencies_and_scales(contents: list[tuple[str, Any]]) -> None:
    scales = Counter(
        len(str(data["amount"]).partition(".")[2]) for _, data in contents if "amount" in data
    )
    assert {0, 2, 8} <= scales.keys()
    assert scales.most_common(1)[0][0] == 2
    assert len({data["currency"] for _, data in contents if "currency" in data}) > 4
    euros = [data["amount_eur"] for _, data in contents if "amount_eur" in data]
    assert None in euros
    assert any(euros)


def test_profiles_are_updated_in_parts_with_nulls(contents: list[tuple[str, Any]]) -> None:
    updates = [data for event, data in contents if event == "player" and "username" not in data]
    assert any(None in data.values() for data in updates)
    assert any("tags" in data for data in updates)


def test_ids_hold_slashes_spaces_quotes_and_letters_of_the_world(
    contents: list[tuple[str, Any]],
) -> None:
    ids = "".join(data.get("player_id", "") + data.get("game_id", "") for _, data in contents)
    assert set("/ ':ü") <= set(ids)


# Bodies


def test_bodies_hold_all_items_in_order(items: list[str]) -> None:
    bodies = list(batches(islice(items, 25), 10))
    found = [json.loads(body)["items"] for body in bodies]
    assert [len(batch) for batch in found] == [10, 10, 5]
    assert [item for batch in found for item in batch] == [json.loads(item) for item in items[:25]]


def test_no_items_make_no_body() -> None:
    assert list(batches([], 10)) == []
