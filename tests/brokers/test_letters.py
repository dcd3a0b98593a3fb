"""Dead letters: each is stored, none comes back, and none is too long for ever."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.brokers.conftest import Consuming
from tests.brokers.places import Queue, Sent, Stream, Topic
from tests.brokers.servers import MockKafka, Nats, RabbitMq
from tests.brokers.test_consuming import done, gone, head
from tests.http.service import eventually
from tests.http.wire import login

BAD = b'{"event":"login","data":{"unique_id":"bad"}}'
on_nats = pytest.mark.xdist_group("nats")


@pytest.fixture
def stream(nats_server: Nats) -> Stream:
    return Stream(nats_server)


def padded(length: int) -> bytes:
    text = b'{"event":"login","data":{"unique_id":"bad","more":""}}'
    return text.replace(b'""', b'"' + b"x" * (length - len(text)) + b'"')


@on_nats
def test_letters_of_streams_with_the_same_numbers_are_all_stored(
    stream: Stream, tenant: str, consuming: Consuming
) -> None:
    def consume(*more: str) -> None:
        running = consuming(stream, *more)
        eventually(lambda: "messages are set aside" in running.log() or gone(running))
        eventually(lambda: stream.waiting() == 0 or gone(running))
        running.stop()

    stream.publish([Sent(BAD)])
    consume()
    stream.remake()
    stream.publish([Sent(b"{")])
    consume()
    consume("--durable", "another")
    assert [letter.body for letter in stream.dead_letters()] == [BAD, b"{", b"{"]


@on_nats
def test_a_filter_that_dead_letters_pass_is_refused(
    stream: Stream, tenant: str, consuming: Consuming
) -> None:
    name = stream.name
    stream.remake(f"{name}.>")
    cases = {
        f"dead letters would come back: their subject '{name}.dead'": ["--subject", f"{name}.>"],
        f"it consumes '{name}.>', not the --subject '{name}.a'": ["--subject", f"{name}.a"],
    }
    for says, options in cases.items():
        status, _ = (running := consuming(stream, *options)).ended()
        assert (status, says in running.log()) == (1, True), running.log()


@on_nats
def test_what_a_publisher_orders_is_not_ordered_of_the_letter(
    stream: Stream, client: httpx.Client, consuming: Consuming
) -> None:
    orders = {"Nats-Expected-Stream": stream.name, "nats-Rollup": "all", "mine": "kept"}
    stream.remake(allow_rollup_hdrs=True)
    stream.publish([Sent(BAD, headers=orders), Sent(json.dumps(login("good")).encode())])
    done(consuming(stream), stream, client, 1)
    [letter] = stream.dead_letters()
    assert [name for name in letter.headers if name.lower().startswith("nats-")] == ["Nats-Msg-Id"]
    assert letter.headers["mine"] == "kept"


@on_nats
def test_a_letter_is_made_to_fit_what_the_server_takes(
    stream: Stream, client: httpx.Client, consuming: Consuming
) -> None:
    most = 1 << 20
    long, whole = padded(most - 1_000), padded(most)
    headers = {"mine": "m" * 900}
    good = json.dumps(login("good")).encode()
    stream.publish([Sent(long, headers=headers), Sent(whole), Sent(good)])
    done(consuming(stream), stream, client, 1)
    first, second = stream.dead_letters()
    assert (first.body, "mine" in first.headers) == (long, False)
    assert second.headers["roundbook-truncated"] == str(most)
    assert most - 1_500 < len(second.body) < most
    assert whole.startswith(second.body)
    assert json.loads(second.headers["roundbook-faults"])


@on_nats
def test_many_large_messages_come_without_the_server_giving_up(
    stream: Stream, client: httpx.Client, consuming: Consuming
) -> None:
    filled = json.dumps({**login("good"), "more": "x" * 900_000}).encode()
    for _ in range(20):
        stream.publish([Sent(filled)] * 10)
    running = consuming(stream)
    eventually(lambda: head(client) >= 1 or gone(running))
    eventually(lambda: stream.waiting() == 0 or gone(running))
    done(running, stream, client, 1)
    assert "waiting for the broker" not in running.log()


@pytest.mark.xdist_group("rabbitmq")
def test_a_letter_of_rabbitmq_goes_nowhere_else(
    rabbitmq: RabbitMq, client: httpx.Client, consuming: Consuming
) -> None:
    queue = Queue(rabbitmq)
    good = json.dumps(login("good")).encode()
    copied: Any = {"CC": [queue.name], "mine": "kept"}
    queue.publish([Sent(BAD, headers=copied), Sent(BAD, headers={"mine": "m" * 120_000})])
    queue.publish([Sent(good)])
    done(consuming(queue), queue, client, 1)
    letters = queue.dead_letters()
    assert [letter.body for letter in letters] == [BAD] * 2
    assert [letter.headers.get("mine") for letter in letters] == ["kept", None]


@pytest.mark.xdist_group("kafka")
def test_a_letter_too_long_for_kafka_is_shortened_or_ends_it(
    kafka: MockKafka, client: httpx.Client, tmp_path: Path, consuming: Consuming
) -> None:
    file = tmp_path / "properties"
    file.write_text("message.max.bytes=3000\n")
    topic = Topic(kafka)
    fits = padded(2_900)
    topic.publish([Sent(fits, key="one", headers={"mine": "m" * 90}), Sent(b"{", key="one")])
    running = consuming(topic, broker_file=str(file))
    eventually(lambda: "messages are set aside" in running.log() or gone(running))
    topic.publish([Sent(padded(9_000), key="one")])
    status, _ = running.ended()
    assert (status, "max.message.bytes" in running.log()) == (1, True), running.log()
    short, long = sorted(topic.dead_letters(), key=lambda letter: len(letter.body))
    assert (short.body, long.headers["roundbook-truncated"]) == (b"{", "2900")
    assert fits.startswith(long.body)
