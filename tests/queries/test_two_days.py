"""Two days with rollbacks, round ends and two time zones: what is read is what the sample and the model say.

Written by hand for what the sample day doesn't have: a rollback before its bet, one after midnight and one
that comes twice, a round that is open for a while, times at the edge of a day in Valletta, Riga and UTC.
"""

from typing import Any

import pytest

from tests.conftest import SAMPLES
from tests.model import Model, Row, assert_same, read_json
from tests.queries.casino import Casino, OpenCasino

TWO_DAYS = SAMPLES / "two-days"
KINDS = ("balances", "rounds", "activity", "transactions", "rollbacks", "games", "players")


@pytest.fixture(scope="module")
def batches() -> list[bytes]:
    return [path.read_bytes() for path in sorted(TWO_DAYS.glob("batch-*.json"))]


@pytest.fixture(scope="module")
def expected() -> Any:
    return read_json((TWO_DAYS / "expected.json").read_bytes())


def without_positions(rows: Any) -> list[Row]:
    """Leave out what depends on the order of arrival."""
    return [{name: value for name, value in row.items() if name != "position"} for row in rows]


def assert_as_expected(casino: Casino, expected: Any) -> None:
    for kind in KINDS:
        found = read_json(casino.get(kind, limit=1000).body)["items"]
        assert_same(kind, without_positions(found), without_positions(expected[kind]))


def test_the_model_says_what_the_sample_says(batches: list[bytes], expected: Any) -> None:
    model = Model()
    receipts = [model.ingest_body(batch) for batch in batches]
    for receipt, row in zip(receipts, expected["receipts"], strict=True):
        for name in ("stored", "duplicate", "conflict", "log_position"):
            assert getattr(receipt, name) == int(row[name].text)
    for kind in KINDS:
        assert_same(kind, getattr(model, kind)(), expected[kind])


@pytest.mark.parametrize("chunk_events", [1, 7, 1_000])
@pytest.mark.parametrize("project_between", [False, True])
def test_what_is_read_is_what_the_sample_says(
    chunk_events: int,
    project_between: bool,
    batches: list[bytes],
    expected: Any,
    new_casino: OpenCasino,
) -> None:
    casino = new_casino()
    for batch in batches:
        casino.send_body(batch)
        if project_between:
            casino.project(chunk_events)
    casino.project(chunk_events)
    assert_as_expected(casino, expected)
    for row in expected["rounds"]:
        (found,) = read_json(
            casino.get(
                "rounds", **{name: row[name] for name in ("player_id", "game_id", "round_id")}
            ).body
        )["items"]
        assert_same("rounds", [found], [row])


def test_the_batches_backwards_give_the_same(
    batches: list[bytes], expected: Any, new_casino: OpenCasino
) -> None:
    casino = new_casino()
    for batch in reversed(batches):
        casino.send_body(batch)
        casino.project(3)
    assert_as_expected(casino, expected)


def test_balances_of_any_time_are_the_models(batches: list[bytes], new_casino: OpenCasino) -> None:
    casino, model = new_casino(), Model()
    for batch in batches:
        casino.send_body(batch)
        model.ingest_body(batch)
    casino.project(5)
    for entry in model.log.entries:
        for player_id in ("anna", "bo/1", "carl"):
            moment = entry.at.isoformat().replace("+00:00", "Z")
            found = casino.get("balances", player_id=player_id, as_of=moment).body
            wanted = [
                row for row in model.balances(as_of=entry.at) if row["player_id"] == player_id
            ]
            assert_same("balances", found, wanted)
            found = casino.get("balances", player_id=player_id, at_position=entry.position).body
            wanted = [
                row
                for row in model.balances(at_position=entry.position)
                if row["player_id"] == player_id
            ]
            assert_same("balances", found, wanted)
