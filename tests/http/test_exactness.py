"""What was sent comes back: ids of any shape, amounts digit for digit, each `data` as it was."""

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.reading import KINDS, read_all
from tests.http.service import Service
from tests.http.wire import (
    EVENTS,
    Wire,
    assert_problem,
    bet,
    body,
    counts,
    deposit,
    item,
    login,
    new_key,
)
from tests.model import Model, assert_same
from tests.strategies import WireItem, batches
from tests.strategies import body as body_of

_numbers = itertools.count(1)

IDS = [
    *(
        "a//b",
        "/a",
        "a/",
        "a",
        "..",
        ".",
        "a/../b",
        "%2F",
        "%",
        "a b",
        "a+b",
        "a?b=c",
        "a#b",
        "a;b",
    ),
    *(
        "ünïcode",
        "😀",
        "\u2028",
        '"',
        "'",
        "\\",
        "\n",
        "null",
        "x" * 255,
        "😀" * 255,
        "btg/bonanza",
    ),
]


@pytest.fixture
def new_client(service: Service, served: Database) -> Iterator[Any]:
    """A function that gives HTTP in the name of a new tenant."""
    opened: list[httpx.Client] = []

    def make() -> httpx.Client:
        with connect(served.service_url) as connection:
            tenant = create_tenant(connection, f"exact{next(_numbers)}", ["BTC", "USDT"])
        opened.append(service.client(new_key(served, tenant.name, "ingest", "read", "audit")))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@settings(max_examples=20)
@given(
    st.lists(
        batches(
            player_ids=st.sampled_from(["p", "p/2", "😀"]),
            game_ids=st.sampled_from(["g", "a//b"]),
            round_ids=st.sampled_from(["r", "R/1"]),
            unique_ids=st.sampled_from([f"u{n}" for n in range(9)]),
        ),
        max_size=4,
    )
)
def test_any_batches_read_as_the_model_says(new_client: Any, sent: list[list[WireItem]]) -> None:
    client, model = new_client(), Model()
    for batch in sent:
        receipt = model.ingest_body(body_of(batch))
        answer = client.post(EVENTS, content=body_of(batch))
        assert counts(answer) == (receipt.stored, receipt.duplicate, receipt.conflict)
    last = len(model.log.entries)
    for kind in KINDS:
        assert_same(kind, read_all(client, kind, at_least=last), getattr(model, kind)())


def test_data_comes_back_as_it_was_sent(client: httpx.Client) -> None:
    data = (
        '{ "unique_id":"\\u0061\\/", "timestamp" : "2025-01-15t12:00:00.123456789+01:00",'
        '"player_id":"p","amount":0,"amount": 1.50e1,"currency":"BTC","method":"\\ud83d\\ude00",'
        '"x":{"b":1e400,"a":-0.0,"a":[ ]} }'
    )
    sent = f'{{"items":[{{"event":"deposit","data":{data}}}]}}'.encode()
    assert counts(client.post(EVENTS, content=sent)) == (1, 0, 0)
    assert data in client.get("/api/v1/history?at_least=1").text
    lines = client.get("/api/v1/history", headers={"accept": "application/x-ndjson"})
    assert data in lines.text


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("99999999999999999999.999999999999999999", "99999999999999999999.999999999999999999"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("1e2", "100"),
        ("100e-20", "0.000000000000000001"),
        ("-0", "0"),
        ("0.10000000000000000000000000000", "0.1"),
    ],
)
def test_an_amount_is_exact(client: httpx.Client, sent: str, read: str) -> None:
    content = body(deposit("a")).replace(b'"amount": 1', f'"amount": {sent}'.encode())
    assert counts(client.post(EVENTS, content=content)) == (1, 0, 0)
    [balance] = client.get("/api/v1/balances?at_least=1").json()["items"]
    assert balance["real"] == balance["deposited"] == read
    assert f'"amount": {sent}' in client.get("/api/v1/history").text


def test_sums_are_exact_beyond_any_float(client: httpx.Client) -> None:
    most = "99999999999999999999.999999999999999999"
    items = [deposit(f"u{n}", amount=7) for n in range(1_000)]
    content = body(*items).replace(b'"amount": 7', f'"amount": {most}'.encode())
    assert counts(client.post(EVENTS, content=content)) == (1_000, 0, 0)
    [balance] = client.get("/api/v1/balances?at_least=1000").json()["items"]
    assert balance["real"] == "99999999999999999999999.999999999999999"


@pytest.mark.parametrize("encoding", ["percent", "plain slashes"])
def test_ids_of_any_shape_are_found_by_their_path(
    service: Service, client: httpx.Client, key: str, encoding: str
) -> None:
    players = [login(f"l{n}", player_id=name) for n, name in enumerate(IDS)]
    games = [item("game", f"g{n}", game_id=name) for n, name in enumerate(IDS)]
    answer = client.post(EVENTS, content=body(*players, *games))
    assert counts(answer) == (2 * len(IDS), 0, 0)
    last = answer.headers["log-position"]
    for kind, member in (("players", "player_id"), ("games", "game_id")):
        for name in IDS:
            path = quote(name, safe="" if encoding == "percent" else "/")
            with Wire(service.address) as wire:
                wire.request(f"GET /api/v1/{kind}/{path}?at_least={last}", {"x-api-key": key})
                found = wire.answer("GET")
            assert found.status_code == 200, name
            assert found.json()[member] == name


def test_ids_of_any_shape_are_found_by_filters_and_listed_in_order(client: httpx.Client) -> None:
    answer = client.post(
        EVENTS, content=body(*(deposit(f"d{n}", player_id=name) for n, name in enumerate(IDS)))
    )
    last = int(answer.headers["log-position"])
    assert [row["player_id"] for row in read_all(client, "balances", at_least=last)] == sorted(IDS)
    for name in IDS:
        [balance] = read_all(client, "balances", at_least=last, player_id=name)
        assert balance["player_id"] == name
        [entry] = read_all(client, "history", at_least=last, player_id=name)
        assert entry["stream"] == f"player:{name}"


@pytest.mark.parametrize("unknown", ["nobody", "b", "a/b", "A", "%61%00", "a%2F%2Fb%2F", "x" * 256])
def test_an_id_that_nobody_named_is_404(
    service: Service, client: httpx.Client, key: str, unknown: str
) -> None:
    client.post(
        EVENTS, content=body(*(login(f"l{n}", player_id=name) for n, name in enumerate(IDS)))
    )
    with Wire(service.address) as wire:
        wire.request(f"GET /api/v1/players/{unknown}?at_least={len(IDS)}", {"x-api-key": key})
        assert_problem(wire.answer("GET"), "not-found")


def test_a_tenant_sees_nothing_of_another(client: httpx.Client, new_client: Any) -> None:
    taken_back = {**bet("rb")["data"], "reference": "b"}
    sent = [
        *(deposit("a"), login("a"), bet("b"), {"event": "rollback", "data": taken_back}),
        item("game", "g", game_id="g", provider="ReelCo"),
    ]
    last = int(client.post(EVENTS, content=body(*sent)).headers["log-position"])
    other = new_client()
    for kind in KINDS:
        assert read_all(client, kind, at_least=last) != []
        assert read_all(other, kind, at_least=0) == []
    for path in ("players/p", "games/g"):
        assert client.get(f"/api/v1/{path}").status_code == 200
        assert_problem(other.get(f"/api/v1/{path}"), "not-found")
    assert any(client.get("/api/v1/facets").json().values())
    assert not any(other.get("/api/v1/facets").json().values())
    assert other.get("/api/v1/status").json()["log_position"] == 0


def test_what_was_sent_is_read_at_once_with_at_least(client: httpx.Client) -> None:
    for number in range(1, 30):
        answer = client.post(EVENTS, content=body(deposit(f"d{number}")))
        asked = client.get("/api/v1/balances", params={"at_least": answer.headers["log-position"]})
        [balance] = asked.json()["items"]
        assert balance["counts"]["deposits"] == number


def test_what_can_not_be_given_in_an_accepted_form_is_406(client: httpx.Client) -> None:
    for path in ("/api/v1/balances", "/api/v1/history"):
        assert_problem(client.get(path, headers={"accept": "application/xml"}), "not-acceptable")
