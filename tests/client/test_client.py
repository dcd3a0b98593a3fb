"""The client against a real service: what is sent is in the log once, whatever is refused or killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import asdict, replace
from roundbook_client import (
    AnsweredError,
    AsyncClient,
    Client,
    Closed,
    InvalidItems,
    NotAcknowledged,
    SpoolInUse,
)

from tests.client.conftest import new_key, quick
from tests.client.test_items import deposit
from tests.conftest import SAMPLES
from tests.databases import Database
from tests.http.service import Service, eventually, on

_LONG_S = 60


def in_log(service: Service, key: str) -> list[dict[str, Any]]:
    """What is in the log, in its order."""
    with service.client(key) as http:
        answer = http.get("/api/v1/history", headers={"accept": "application/x-ndjson"})
    return [json.loads(line)["data"] for line in answer.text.splitlines()]


def ids(service: Service, key: str) -> list[str]:
    return [data["unique_id"] for data in in_log(service, key)]


def test_what_is_sent_is_recorded_in_its_order_and_counted(
    service: Service, key: str, client: Client
) -> None:
    client.send(deposit("a"))
    client.send([deposit("b"), deposit("c")])
    client.send([])
    assert client.flush(_LONG_S) == 3 == client.log_position
    client.send([deposit("b"), deposit("c", amount=2)])
    assert client.flush(_LONG_S) == 3
    assert ids(service, key) == ["a", "b", "c"]
    counters = client.counters
    assert (counters.spooled, counters.stored) == (5, 3)
    assert (counters.duplicate, counters.conflict, counters.refused) == (1, 1, 0)
    assert client.problem is None


def test_items_with_faults_are_not_spooled(service: Service, key: str, client: Client) -> None:
    with pytest.raises(InvalidItems, match="nothing was spooled"):
        client.send([deposit("a"), deposit("b", currency="???")])
    client.flush(_LONG_S)
    assert client.counters.spooled == 0
    assert ids(service, key) == []


def test_what_was_written_before_the_service_is_there_is_sent_when_it_is(
    fresh_database: Database, start: Callable[..., Service], tmp_path: Path
) -> None:
    """And a client that was closed meanwhile goes on at its next start, where it was."""
    first = start(settings=on(fresh_database))
    first.new_tenant("acme")
    key = first.new_key("acme", "ingest", "read", "audit")
    port = str(first.address[1])
    first.stop()
    with Client(first.url, key=key, spool=tmp_path / "spool", options=quick()) as client:
        for number in range(20):
            client.send(deposit(str(number)))
        with pytest.raises(NotAcknowledged, match="it is sent as soon as it does"):
            client.flush(0.1)
        eventually(lambda: client.problem is not None)
        with pytest.raises(SpoolInUse):
            Client(first.url, key=key, spool=tmp_path / "spool").open()
        client.close(timeout_s=0)
        with pytest.raises(Closed):
            client.send(deposit("late"))
    second = start("--port", port, settings=on(fresh_database))
    with Client(first.url, key=key, spool=tmp_path / "spool") as client:
        assert client.flush(_LONG_S) == 20
        assert client.counters.stored == 20
        assert client.problem is None
    assert ids(second, key) == [str(number) for number in range(20)]
    # The position is kept with the spool.
    with Client(first.url, key=key, spool=tmp_path / "spool") as client:
        assert client.flush(_LONG_S) == 20


def test_what_the_service_refuses_is_set_aside_with_its_faults_and_the_rest_goes_on(
    service: Service, key: str, tmp_path: Path
) -> None:
    """Faults that the client can't know: currencies that the tenant may not send."""
    options = quick(currencies=("XDOGE",))
    some = [deposit(str(n), currency="XDOGE" if n % 3 == 0 else "EUR") for n in range(10)]
    with Client(service.url, key=key, spool=tmp_path / "spool", options=options) as client:
        client.send(some)
        client.send(deposit("last"))
        client.flush(_LONG_S)
        assert (client.counters.stored, client.counters.refused) == (7, 4)
    assert ids(service, key) == [str(n) for n in range(10) if n % 3] + ["last"]
    lines = (tmp_path / "spool" / "dead-letters.ndjson").read_text().splitlines()
    letters = [json.loads(line) for line in lines]
    assert [each["item"]["data"]["unique_id"] for each in letters] == ["0", "3", "6", "9"]
    assert [each["place"][2] for each in letters] == [0, 3, 6, 9]
    for letter in letters:
        [fault] = letter["faults"]
        assert (fault["pointer"], fault["code"]) == ("/data/currency", "unknown_currency")


def test_more_faulty_items_than_are_told_at_once_are_set_aside_all(
    service: Service, key: str, tmp_path: Path
) -> None:
    options = quick(currencies=("XDOGE",))
    with Client(service.url, key=key, spool=tmp_path / "spool", options=options) as client:
        client.send([deposit(str(n), currency="XDOGE") for n in range(2_500)] + [deposit("good")])
        client.flush(_LONG_S)
        assert client.counters.refused == 2_500
    assert ids(service, key) == ["good"]


def test_batches_that_are_too_large_for_the_service_are_split(
    fresh_database: Database, start: Callable[..., Service], tmp_path: Path
) -> None:
    """And an item that is too large alone is set aside."""
    service = start(settings=on(fresh_database) | {"ROUNDBOOK_MAX_BODY_BYTES": "20000"})
    service.new_tenant("acme")
    key = service.new_key("acme", "ingest", "audit")
    with Client(service.url, key=key, spool=tmp_path / "spool", options=quick()) as client:
        client.send([deposit(str(number)) for number in range(500)])
        huge = {"event": "deposit", "data": {**_data("huge"), "note": "x" * 30_000}}
        client.send([deposit("before"), huge, deposit("after")])
        client.flush(_LONG_S)
        assert (client.counters.stored, client.counters.refused) == (502, 1)
    assert ids(service, key) == [*map(str, range(500)), "before", "after"]
    [letter] = (tmp_path / "spool" / "dead-letters.ndjson").read_text().splitlines()
    assert json.loads(letter)["faults"][0]["code"] == "too-large"


def test_with_a_key_that_is_refused_nothing_is_dropped_and_the_reason_is_told(
    service: Service, key: str, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with Client(service.url, key="rb_wrong", spool=spool, options=quick()) as client:
        client.send(deposit("a"))
        eventually(lambda: (client.problem or "").startswith("403: "))
        client.close(timeout_s=0)
    with Client(service.url, key=key, spool=spool) as client:
        client.flush(_LONG_S)
    assert ids(service, key) == ["a"]


def test_an_application_that_is_killed_loses_nothing_that_it_was_told_is_spooled(
    service: Service, key: str, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    killed = [
        sys.executable,
        "-m",
        "tests.client.application",
        service.url,
        str(tmp_path / "spool"),
        str(told),
    ]
    for number in range(3):
        with subprocess.Popen(
            killed, env=os.environ | {"API_KEY": key, "RUN": str(number)}
        ) as process:
            size = told.stat().st_size if told.exists() else 0
            eventually(lambda: told.exists() and told.stat().st_size > size + 2_000)  # noqa: B023 (at once)
            process.send_signal(signal.SIGKILL)
    with Client(service.url, key=key, spool=tmp_path / "spool") as client:
        client.flush(_LONG_S)
    recorded = ids(service, key)
    lines = told.read_text().split("\n")[:-1]
    assert len(set(recorded)) == len(recorded)
    assert set(lines) <= set(recorded)
    assert len(lines) > 100


def test_collections_are_read_page_by_page_as_types(
    service: Service, key: str, client: Client
) -> None:
    for path in sorted((SAMPLES / "casino-day").glob("batch-*.json")):
        client.send([Raw(text) for text in _texts(path)])
    position = client.flush(_LONG_S)
    assert position == 484
    players = list(client.players(at_least=position))
    assert [each.player_id for each in players] == sorted(each.player_id for each in players)
    [balance] = client.balances(player_id="StQ-1", currency="EUR")
    assert balance.real == Decimal("50.923335")
    assert list(client.balances(player_id="StQ-1", at_position=1)) != list(
        client.balances(player_id="StQ-1", at_position=position)
    )
    games = list(client.games())
    assert "btg/bonanza" in [each.game_id for each in games]
    player = client.player("StQ-1")
    [listed] = [each for each in players if each.player_id == "StQ-1"]
    assert asdict(listed).items() < asdict(player).items()
    assert player.set_by["country"].position <= position
    assert client.player("StQ-1", at_position=position) == player
    with pytest.raises(AnsweredError) as raised:
        client.player("../nobody")
    assert raised.value.status == 404
    rounds = list(client.rounds(begin="2025-01-15", mixed_currency=False))
    [one] = client.rounds(
        player_id=rounds[0].player_id, round_id=rounds[0].round_id, game_id=rounds[0].game_id
    )
    assert one.bets is not None
    assert rounds[0].bets is None
    assert {each.type for each in client.transactions()} == {"deposit", "withdraw"}
    days = list(client.activity(group_by=["day", "currency"]))
    assert all(each.game_id is None and each.day is not None for each in days)
    bonanza = client.game("btg/bonanza")
    [provider] = client.facets(provider=bonanza.provider).provider
    assert provider.value == bonanza.provider
    assert client.game("btg/bonanza", at_position=position).set_by == bonanza.set_by != {}
    assert client.status().log_position == position
    assert list(client.rollbacks()) == []
    assert [each.position for each in client.history.entries()] == list(range(1, position + 1))
    newest = [each.position for each in client.history.entries(order="desc")]
    assert newest == list(range(position, 0, -1))
    [entry, *_] = client.history.entries(from_position=position)
    assert json.loads(entry.text)["position"] == position
    with pytest.raises(AnsweredError) as raised:
        list(client.balances(currency=""))
    assert raised.value.status == 422
    [fault] = raised.value.problem.errors
    assert fault.parameter == "currency"


def test_a_balance_over_time_is_told_at_so_many_times(
    service: Service, key: str, client: Client
) -> None:
    client.send([deposit("a"), replace(deposit("b", amount=2), timestamp="2025-01-16T12:00:00Z")])
    position = client.flush(_LONG_S)
    history = client.balance_history("p", "EUR", at_least=position, points=3)
    assert [each.real for each in history.points] == [Decimal(1), Decimal(1), Decimal(3)]
    first = client.balance_history("p", "EUR", begin="2025-01-15", end="2025-01-16")
    assert {each.real for each in first.points} == {Decimal(0), Decimal(1)}
    assert len(first.points) == 100


def test_conflicts_are_found_by_when_they_were_refused(
    service: Service, key: str, client: Client
) -> None:
    client.send(deposit("conflict"))
    client.send(deposit("conflict", amount=2))
    client.flush(_LONG_S)
    [conflict] = client.conflicts(unique_id="conflict")
    assert json.loads(bytes(conflict.data))["amount"] == 2
    refused_at = conflict.received_at
    assert list(client.conflicts(begin=refused_at, end=refused_at + timedelta(1))) == [conflict]
    assert list(client.conflicts(end=refused_at)) == []


def test_all_pages_are_read(service: Service, key: str, client: Client) -> None:
    client.send([deposit(str(n), player_id=f"p{n:05}") for n in range(2_345)])
    found = [each.player_id for each in client.players(at_least=client.flush(_LONG_S))]
    assert found == [f"p{n:05}" for n in range(2_345)]


def test_in_an_event_loop_it_does_the_same(service: Service, key: str, tmp_path: Path) -> None:
    async def work() -> None:
        async with AsyncClient(
            service.url, key=key, spool=tmp_path / "spool", options=quick()
        ) as client:
            await asyncio.gather(*(client.send(deposit(f"{n}")) for n in range(500)))
            await client.send([deposit("x"), deposit("y")])
            with pytest.raises(InvalidItems):
                await client.send(deposit("z", currency=""))
            position = await client.flush(_LONG_S)
            assert position == 502
            assert client.counters.stored == client.counters.spooled == 502
            [balance] = [each async for each in client.balances(player_id="p", at_least=position)]
            assert balance.counts.deposits == 502
            assert (await client.player("p")).set_by == {}
            history = await client.balance_history("p", "EUR", points=2)
            assert history.points[-1].real == balance.real
            newest = [each.position async for each in client.history.entries(order="desc")]
            assert newest == list(range(502, 0, -1))
            assert (await client.status()).log_position == 502
            followed = [each.position async for each in client.history.follow(to_position=502)]
            assert followed == list(range(1, 503))
            with pytest.raises(TypeError, match="async for"):
                list(client.players())
        with pytest.raises(Closed):
            await client.send(deposit("late"))

    asyncio.run(work())
    assert len(set(ids(service, key))) == 502


def test_without_a_spool_it_only_asks(service: Service, key: str) -> None:
    with Client(service.url, key=key) as client:
        assert client.status().log_position == 0
        with pytest.raises(Closed, match="without a spool"):
            client.send(deposit())
        with pytest.raises(TypeError, match="`for`"):
            asyncio.run(_pass(client))


async def _pass(client: Client) -> None:
    async for _ in client.players():
        pass


def test_keys_are_shown_nowhere(
    service: Service, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("DEBUG")
    key = new_key(service)
    with Client(service.url, key=key, spool=tmp_path / "spool") as client:
        client.send(deposit())
        client.flush(_LONG_S)
        assert key not in repr(client._service)
    assert key not in caplog.text


def _data(unique_id: str) -> dict[str, Any]:
    item = deposit(unique_id)
    return {
        name: getattr(item, name)
        for name in ("unique_id", "timestamp", "player_id", "amount", "currency", "method")
    }


def _texts(path: Path) -> list[bytes]:
    return [json.dumps(item).encode() for item in json.loads(path.read_text())["items"]]
