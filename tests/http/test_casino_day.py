"""The samples of a casino's day, over HTTP."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import SAMPLES
from tests.http.wire import EVENTS, counts

CASINO_DAY = SAMPLES / "casino-day"
RECEIPT = {"prefer": "return=representation"}


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads((CASINO_DAY / "expected.json").read_text())


def send_all(client: httpx.Client, expected: Any) -> list[dict[str, Any]]:
    """Send each batch in order; the receipts in the form of the samples."""
    receipts = []
    for batch in (receipt["batch"] for receipt in expected["receipts"]):
        content = (CASINO_DAY / batch).read_bytes()
        receipt = client.post(EVENTS, content=content, headers=RECEIPT).json()
        sent = json.loads(content)["items"]
        assert [row["unique_id"] for row in receipt.pop("items")] == [
            item["data"]["unique_id"] for item in sent
        ]
        receipts.append({"batch": batch, **receipt})
    return receipts


def test_each_batch_gets_its_receipt(client: httpx.Client, expected: Any) -> None:
    assert send_all(client, expected) == expected["receipts"]


def test_each_batch_sent_again_changes_nothing(client: httpx.Client, expected: Any) -> None:
    first = send_all(client, expected)
    for receipt in reversed(first):
        answer = client.post(EVENTS, content=(CASINO_DAY / receipt["batch"]).read_bytes())
        repeated = receipt["stored"] + receipt["duplicate"]
        assert counts(answer) == (0, repeated, receipt["conflict"])
        assert int(answer.headers["log-position"]) <= expected["log_position"]
