"""The sample day, asked for over HTTP, is what the samples and the model say."""

from typing import Any

import pytest

from tests.model import Model, assert_same, read_json
from tests.model.samples import with_later_members
from tests.queries.asgi import path_of
from tests.queries.casino import CASINO_DAY, Casino

COLLECTIONS = (
    *("balances", "rounds", "activity", "games", "players", "transactions", "rollbacks"),
    *("conflicts", "history"),
)


@pytest.fixture(scope="module")
def model() -> Model:
    model = Model()
    for path in sorted(CASINO_DAY.glob("batch-*.json")):
        model.ingest_body(path.read_bytes())
    return model


@pytest.fixture(scope="module")
def expected() -> Any:
    return with_later_members(read_json((CASINO_DAY / "expected.json").read_bytes()))


@pytest.mark.parametrize("kind", ["balances", "games", "players"])
def test_it_is_what_the_sample_says(kind: str, day: Casino, expected: Any) -> None:
    answer = day.get(kind, limit=1000)
    assert answer.position == int(expected["log_position"].text)
    assert_same(kind, answer.body, expected[kind])


@pytest.mark.parametrize("kind", COLLECTIONS)
def test_it_is_what_the_model_says(kind: str, day: Casino, model: Model) -> None:
    answer = day.get(kind, limit=1000)
    assert answer.status == 200
    assert_same(kind, answer.body, getattr(model, kind)())


def test_facets_are_what_the_model_says(day: Casino, model: Model) -> None:
    assert_same("facets", day.get("facets").body, model.facets())


def test_each_round_comes_with_its_bets_and_wins_where_it_is_named(
    day: Casino, model: Model, expected: Any
) -> None:
    names = sorted({row["round_id"] for row in model.rounds()})
    for round_id in names[::7]:
        wanted = [row for row in model.rounds() if row["round_id"] == round_id]
        answer = day.get("rounds", round_id=round_id)
        assert all("bets" in row and "wins" in row for row in answer.json["items"])
        assert_same("rounds", answer.body, wanted)
    for row in expected["rounds"][::11]:
        (found,) = day.items(
            "rounds",
            player_id=row["player_id"],
            game_id=row["game_id"],
            round_id=row["round_id"],
        )
        assert [each["unique_id"] for each in found["bets"]] == row["bets"]
        assert [each["unique_id"] for each in found["wins"]] == row["wins"]


def test_rounds_have_no_bets_and_wins_unless_they_are_named(day: Casino) -> None:
    for row in day.get("rounds", player_id="5", limit=1000).json["items"]:
        assert "bets" not in row
        assert "wins" not in row


@pytest.mark.parametrize("kind", ["players", "games"])
def test_each_single_resource_is_as_in_its_collection(kind: str, day: Casino) -> None:
    for row in day.items(kind):
        name = "player_id" if kind == "players" else "game_id"
        answer = day.api.get(path_of(kind, row[name]), day.key)
        assert answer.status == 200
        # Alone it tells more: of each field by what it was set.
        assert answer.json == row | {"set_by": answer.json["set_by"]}


def test_status_says_that_nothing_lags(day: Casino) -> None:
    answer = day.get("status")
    assert answer.position == 484
    assert answer.json == {
        "log_id": day.log_id.hex(),
        "log_position": 484,
        "projections": [
            {
                "name": name,
                "position": 484,
                "lag_events": 0,
                "lag_seconds": 0.0,
                "failure": None,
            }
            for name in (
                "players",
                "games",
                "activity",
                "transactions",
                "rollbacks",
                "balances",
                "rounds",
            )
        ],
        "rebuild": None,
        "evidence": {
            "size": 0,
            "sealed_at": None,
            "failure": None,
            "statement_failure": None,
            "rebuilt_anyway": None,
        },
    }


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("kind", COLLECTIONS)
def test_pages_of_any_size_put_together_are_the_whole(kind: str, limit: int, day: Casino) -> None:
    whole = day.items(kind, limit=1000)
    assert day.all(kind, limit) == whole
