"""What is published at a broker is recorded as if it were sent over HTTP, and acknowledged then."""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpx
import msgspec

from tests.brokers.conftest import Consuming
from tests.brokers.places import Place, Sent
from tests.conftest import SAMPLES
from tests.http.reading import KINDS, read_all
from tests.http.service import Running, eventually
from tests.http.test_fasttrack import casino, payload, payment, shown
from tests.http.wire import deposit, login
from tests.model import Model, assert_same

CASINO_DAY = SAMPLES / "casino-day"
LAST = 484


class Items(msgspec.Struct):
    """A batch, its items as the texts they are."""

    items: list[msgspec.Raw]


def head(client: httpx.Client) -> int:
    position = client.get("/api/v1/status").json()["log_position"]
    assert isinstance(position, int)
    return position


def is_recorded(client: httpx.Client, position: int) -> bool:
    return head(client) >= position


def done(running: Running, place: Place, client: httpx.Client, position: int) -> None:
    """Wait until so much is recorded, end the consumer, and make sure that nothing is left."""
    eventually(lambda: head(client) >= position or gone(running))
    running.stop()
    assert head(client) == position
    assert place.waiting() == 0


def gone(running: Running) -> bool:
    assert running.process.poll() is None, running.log()
    return False


def one_each(items: Iterable[Any]) -> list[Sent]:
    """A message for each item, with the player as its key."""
    return [
        Sent(json.dumps(each).encode(), key=each["data"].get("player_id") or "none")
        for each in items
    ]


def test_a_day_is_what_it_is_over_http(
    place: Place, client: httpx.Client, tenant: str, consuming: Consuming
) -> None:
    model, sent = Model(), list[Sent]()
    for number, path in enumerate(sorted(CASINO_DAY.glob("batch-*.json"))):
        batch = path.read_bytes()
        model.ingest_body(batch)
        items = [bytes(each) for each in msgspec.json.decode(batch, type=Items).items]
        # All in one partition: which of two that conflict comes first is told by the order.
        forms = [[batch], [b"[" + b",".join(items) + b"]"], items]
        sent += [Sent(body, key="all") for body in forms[number % 3]]
    place.publish(sent)
    running = consuming(place)
    done(running, place, client, LAST)
    assert "items conflict with what is recorded" in running.log()
    for kind in KINDS:
        assert_same(kind, read_all(client, kind, at_least=LAST), getattr(model, kind)())


def test_payloads_of_fast_track_say_beside_them_what_they_are(
    place: Place, client: httpx.Client, consuming: Consuming
) -> None:
    payloads = [
        ("LOGIN_V2", payload("login", origin="sub.example.com")),
        ("PAYMENT", payment("p1", "Credit", 100.5, base_amount=100.5)),
        ("PAYMENT", payment("p2", "Credit", 7, status="Requested")),
        ("CASINO", casino("b1", "Bet", 2.5)),
        ("CASINO", casino("w1", "WIN", 4)),
    ]
    messages = [Sent(json.dumps(each["data"]).encode(), kind, "u") for kind, each in payloads]
    bulk = [payment("p3", "DEBIT", "20.25"), casino("b3", "bet", 1, round_id="lost")]
    messages.append(Sent(json.dumps(bulk).encode(), key="u"))
    place.publish(messages)
    done(consuming(place, "--format", "fasttrack"), place, client, 6)
    [balance] = shown(client, "balances", player_id="u")
    assert balance["counts"] == {"deposits": 1, "withdrawals": 1, "bets": 2, "wins": 1}
    assert (balance["real"], shown(client, "refused")) == ("80.75", [])


def test_what_cannot_be_recorded_is_set_aside_with_its_faults(
    place: Place, client: httpx.Client, tenant: str, consuming: Consuming
) -> None:
    good, bad = login("good"), deposit("bad", amount=-1, currency="XXXX")
    bodies = [
        b'{"event": "login"',
        json.dumps(bad).encode(),
        json.dumps({"items": [login("a"), bad, login("b")]}).encode(),
        b"\xff\xfe",
        b'[{"event":"login"},7]',
        b"12",
        json.dumps(good).encode(),
    ]
    place.publish([Sent(body, "login", "one") for body in bodies])
    running = consuming(place, "--metrics", "127.0.0.1:0")
    metrics = running.line().removeprefix("Metrics are on ").strip()
    eventually(lambda: head(client) >= 3 or gone(running))
    eventually(lambda: metric(metrics, "roundbook_consumed_messages_total") == len(bodies))
    # Counted last.
    invalid = 'roundbook_consumed_items_total{outcome="invalid"}'
    eventually(lambda: metric(metrics, invalid) == 4)
    assert metric(metrics, "roundbook_dead_letters_total") == 6
    assert metric(metrics, 'roundbook_consumed_items_total{outcome="stored"}') == 3
    eventually(lambda: metric(metrics, "roundbook_consumer_lag_messages") == 0)
    done(running, place, client, 3)

    letters = place.dead_letters()
    assert [letter.body for letter in letters] == bodies[:6]
    assert {letter.headers["roundbook-tenant"] for letter in letters} == {tenant}
    assert {letter.type for letter in letters} == {"login"}
    assert all(place.name in letter.headers["roundbook-place"] for letter in letters)
    faults = [
        {
            (fault["pointer"], fault["code"])
            for fault in json.loads(letter.headers["roundbook-faults"])
        }
        for letter in letters
    ]
    wrong = [("/data/amount", "negative"), ("/data/currency", "unknown_currency")]
    assert faults == [
        {("", "not_json")},
        set(wrong),
        {(f"/items/1{pointer}", code) for pointer, code in wrong},
        {("", "not_json")},
        {("/0/data", "missing"), ("/1", "wrong_type")},
        {("", "wrong_type")},
    ]
    refused = client.get("/api/v1/refused").json()["items"]
    [registered] = [row for row in refused if row["unique_id"] == "bad"]
    assert registered["data"]["amount"] == -1
    assert {fault["code"] for row in refused for fault in row["errors"]} >= {"not_json"}


def metric(url: str, name: str) -> float | None:
    lines = httpx.get(url, timeout=60).text.splitlines()
    found = [line.rpartition(" ")[2] for line in lines if line.rpartition(" ")[0] == name]
    return float(found[0]) if found else None


def test_each_partition_is_recorded_in_its_order(
    place: Place, client: httpx.Client, consuming: Consuming
) -> None:
    items = [login(f"{number:04}", player_id=f"p{number % 7}") for number in range(2_000)]
    place.publish(one_each(items))
    done(consuming(place, "--batch", "90"), place, client, len(items))
    recorded = read_all(client, "history", at_least=len(items))
    for player in range(7):
        ids = [
            row["data"]["unique_id"] for row in recorded if row["data"]["player_id"] == f"p{player}"
        ]
        assert ids == sorted(ids)
    if place.broker != "kafka":
        assert [row["data"]["unique_id"] for row in recorded] == [f"{n:04}" for n in range(2_000)]


def test_two_side_by_side_share_what_there_is(
    place: Place, client: httpx.Client, consuming: Consuming
) -> None:
    few = [] if place.broker == "kafka" else ["--prefetch", "40"]
    options = ["--batch", "20", *few, "--metrics", "127.0.0.1:0"]
    both = [consuming(place, *options) for _ in range(2)]
    urls = [each.line().removeprefix("Metrics are on ").strip() for each in both]
    sent = 0

    def taken() -> list[float]:
        return [metric(url, "roundbook_consumed_messages_total") or 0 for url in urls]

    # Until both have some: when the second one joins is up to it.
    while min(taken()) == 0 or sent < 2_000:
        items = [login(f"{sent + number}", player_id=f"p{number}") for number in range(500)]
        place.publish(one_each(items))
        sent += 500
        eventually(partial(is_recorded, client, sent))
        assert not any(map(gone, both))
        assert sent < 50_000
    eventually(lambda: sum(taken()) >= sent)
    for each in both:
        each.stop()
    # While Kafka gives the partitions of the first to the second, nobody can say how far the first was.
    if place.waiting():
        assert place.broker == "kafka"
        consuming(place)
        eventually(lambda: not place.waiting())
    assert head(client) == sent


def test_what_can_not_be_consumed_is_named(place: Place, tenant: str, consuming: Consuming) -> None:
    url = place.server.url
    cases = {
        "is not set": {"broker_url": ""},
        "is of another broker": {
            "broker_url": "kafka://x" if place.broker != "kafka" else "nats://x"
        },
        "there is no tenant": {},
    }
    if place.broker != "kafka":
        wrong = url.replace("for-tests-only", "wrong-secret")
        cases["lets nobody in with these credentials"] = {"broker_url": wrong}
    for says, settings in cases.items():
        running = consuming(place, **settings) if settings else unknown(consuming, place)
        status, _ = running.ended()
        assert (status, says in running.log()) == (1, True), running.log()
        assert "secret" not in running.log()


def unknown(consuming: Consuming, place: Place) -> Running:
    command = place.command
    place.command = lambda _tenant, *more: command("nobody", *more)  # type: ignore[method-assign]
    try:
        return consuming(place)
    finally:
        place.command = command  # type: ignore[method-assign]
