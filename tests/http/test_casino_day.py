"""The samples of a casino's day, over HTTP: what was sent, and what is read then."""

import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from tests.conftest import SAMPLES
from tests.http.reading import KINDS, read_all
from tests.http.wire import EVENTS, counts
from tests.model import Model, assert_same, read_json
from tests.model.samples import with_later_members

CASINO_DAY = SAMPLES / "casino-day"
RECEIPT = {"prefer": "return=representation"}
LAST = 484


@pytest.fixture(scope="module")
def expected() -> Any:
    return with_later_members(json.loads((CASINO_DAY / "expected.json").read_text()))


@pytest.fixture(scope="module")
def batches(expected: Any) -> list[bytes]:
    return [(CASINO_DAY / receipt["batch"]).read_bytes() for receipt in expected["receipts"]]


@pytest.fixture(scope="module")
def model(batches: list[bytes]) -> Model:
    return model_of(batches)


def model_of(batches: Iterable[bytes]) -> Model:
    made = Model()
    for batch in batches:
        made.ingest_body(batch)
    return made


def send_all(client: httpx.Client, batches: Iterable[bytes]) -> list[dict[str, Any]]:
    """Send batches in order; the receipts."""
    return [client.post(EVENTS, content=batch, headers=RECEIPT).json() for batch in batches]


def test_each_batch_gets_its_receipt(
    client: httpx.Client, batches: list[bytes], expected: Any
) -> None:
    receipts = send_all(client, batches)
    for receipt, batch in zip(receipts, batches, strict=True):
        assert [row["unique_id"] for row in receipt.pop("items")] == [
            item["data"]["unique_id"] for item in json.loads(batch)["items"]
        ]
    assert receipts == [
        {name: row[name] for name in row if name != "batch"} for row in expected["receipts"]
    ]


def test_what_is_read_is_what_the_samples_say(
    client: httpx.Client, batches: list[bytes], expected: Any
) -> None:
    send_all(client, batches)
    for kind in ("balances", "games", "players"):
        assert_same(
            kind, read_all(client, kind, at_least=LAST), read_json(json.dumps(expected[kind]))
        )
    conflicts = read_all(client, "conflicts", at_least=LAST)
    assert [{name: row[name] for name in ("unique_id", "event")} for row in conflicts] == expected[
        "conflicts"
    ]


def test_what_is_read_is_what_the_model_says(
    client: httpx.Client, batches: list[bytes], model: Model
) -> None:
    send_all(client, batches)
    for kind in KINDS:
        assert_same(kind, read_all(client, kind, at_least=LAST), getattr(model, kind)())


def test_each_round_comes_with_its_bets_and_wins(
    client: httpx.Client, batches: list[bytes], expected: Any
) -> None:
    send_all(client, batches)
    for row in expected["rounds"][::10]:
        place = {name: row[name] for name in ("player_id", "game_id", "round_id")}
        [found] = client.get("/api/v1/rounds", params=place | {"at_least": LAST}).json()["items"]
        for side in ("bets", "wins"):
            assert [played["unique_id"] for played in found[side]] == row[side]


def test_each_batch_sent_again_changes_nothing(
    client: httpx.Client, batches: list[bytes], model: Model
) -> None:
    first = send_all(client, batches)
    for receipt, batch in reversed(list(zip(first, batches, strict=True))):
        answer = client.post(EVENTS, content=batch)
        repeated = receipt["stored"] + receipt["duplicate"]
        assert counts(answer) == (0, repeated, receipt["conflict"])
        assert int(answer.headers["log-position"]) <= LAST
    for kind in KINDS:
        assert_same(kind, read_all(client, kind, at_least=LAST), getattr(model, kind)())


def test_the_batches_in_any_order_give_the_same_read_models(
    client: httpx.Client, batches: list[bytes]
) -> None:
    backwards = batches[::-1]
    last = send_all(client, backwards)[-1]["log_position"]
    model = model_of(backwards)
    for kind in KINDS:
        assert_same(kind, read_all(client, kind, at_least=last), getattr(model, kind)())
