"""The comparison: what was acknowledged, what is stored, and what the read models say."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from postgres.connections import connect
from tests.faults.sending import Item, Ledger
from tests.model import Model, Row, assert_same, read_json

_PATIENCE_S = 60.0
_READ_MODELS = ("balances", "rounds", "activity", "transactions", "games", "players")


class Stored(NamedTuple):
    """An event as the table holds it."""

    position: int
    stream: str
    version: int
    topic: str
    state: str


def assert_exactly_once(
    service_url: str, database_url: str, tenant_id: int, key: str, ledger: Ledger
) -> None:
    """Fail unless all that was acknowledged, and only that, is stored once and shown by the read models.

    All clients must have finished, so that everything they sent is acknowledged.
    """
    log = stored_events(database_url, tenant_id)
    model = _assert_log(log, ledger)
    headers = {"x-api-key": key}
    with httpx.Client(base_url=service_url, headers=headers, timeout=_PATIENCE_S) as client:
        for kind in _READ_MODELS:
            assert_same(kind, _all(client, kind, at_least=len(log)), getattr(model, kind)())
        _assert_conflicts(_all(client, "conflicts"), model)
        [lag] = {row["lag_events"] for row in client.get("/api/v1/status").json()["projections"]}
        assert lag == 0


def stored_events(database_url: str, tenant_id: int) -> list[Stored]:
    """Read a tenant's log past the service."""
    with connect(database_url) as connection:
        rows = connection.execute(
            "select position, stream, version, topic, state from events where tenant_id = %s"
            " order by position",
            [tenant_id],
        ).fetchall()
    return [
        Stored(position, stream, version, topic, state.decode())
        for position, stream, version, topic, state in rows
    ]


def assert_nothing_half(database_url: str, tenant_id: int, ledger: Ledger) -> None:
    """Fail unless all that was acknowledged so far is stored, and of each other batch all or nothing.

    While nothing is being stored.
    """
    acknowledged = {item.unique_id for item in ledger.acknowledged}
    log = stored_events(database_url, tenant_id)
    stored = {Item("", event.state).unique_id for event in log}
    assert len(stored) == len(log)
    assert acknowledged <= stored
    for batch in ledger.batches:
        assert stored.issuperset(batch) or stored.isdisjoint(batch)


def _assert_log(log: list[Stored], ledger: Ledger) -> Model:
    everything = {item for items in ledger.sent.values() for item in items}
    assert set(ledger.acknowledged) == everything
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    data = Counter(event.state for event in log)
    assert [text for text, times in data.items() if times > 1] == []
    sent = {item.data: item for item in everything}
    assert [text for text in data if text not in sent] == []

    # The model numbers streams by itself: versions are compared with its own.
    model = Model()
    receipt = model.ingest((sent[event.state].event, event.state) for event in log)
    assert receipt.stored == len(log), "a unique_id is stored twice"
    for event, entry in zip(log, model.log.entries, strict=True):
        assert event[:4] == (entry.position, entry.stream, entry.version, entry.type)
    assert {entry.unique_id for entry in model.log.entries} == set(ledger.sent)

    # Everything once more: what is not stored itself contradicts what is.
    refused = [item for item in everything if item.data not in data]
    assert model.ingest(refused).conflict == len(refused)
    for item, outcome, position in ledger.told:
        stands = log[position - 1]
        assert (outcome == "conflict") == (stands.state != item.data), (item, outcome, stands)
        assert Item(item.event, stands.state).unique_id == item.unique_id
    return model


def _assert_conflicts(rows: list[Row], model: Model) -> None:
    """Compare the registers, their order aside: it is that of arrival."""

    def by_content(row: Mapping[str, Any]) -> tuple[int, str]:
        return int(str(row["position"])), str(row["data"])

    expected = sorted(model.conflicts(), key=by_content)
    assert_same("conflicts", sorted(rows, key=by_content), expected)


def _all(client: httpx.Client, kind: str, **parameters: int) -> list[Row]:
    """Read all pages of a collection; the first waits for the read models."""
    rows: list[Row] = []
    asked: dict[str, Any] = {"limit": 1_000, **parameters}
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer = client.get(f"/api/v1/{kind}", params=asked)
        if answer.status_code == 503 and time.monotonic() < deadline:
            continue
        assert answer.status_code == 200, answer.text
        page = read_json(answer.content)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        asked["cursor"] = page["next_cursor"]
