"""A batch of messages: whose items are whose, and where in a message a fault is."""

import json
from datetime import UTC, datetime

import pytest

from app.consuming.reading import Batch
from app.consuming.source import Message
from app.wire.forms import Dialect, Form, decode_form
from tests.http.wire import login


def batch_of(
    *messages: bytes | tuple[bytes, str], dialect: Dialect = "events", most_items: int = 100
) -> Batch:
    batch = Batch(dialect, most_items=most_items, most_message_bytes=1_000_000)
    for message in messages:
        body, kind = message if isinstance(message, tuple) else (message, None)
        assert batch.add(Message(body, kind, "", None))
    return batch


def faults(batch: Batch, dialect: Dialect = "events") -> list[tuple[bytes, list[tuple[str, str]]]]:
    """The bodies that can't be recorded as they are, each with where and what is wrong."""
    decoded = decode_form(
        batch.body,
        Form(dialect, lenient=True),
        currencies={"EUR"},
        now=datetime.now(UTC),
        max_event_bytes=10_000,
    )
    assert len(decoded.items) + len(decoded.left_out) == batch.items
    return [
        (letter.message.body, [(fault.pointer, fault.code) for fault in letter.faults])
        for letter in batch.letters(decoded.left_out)
    ]


def text(*items: object) -> bytes:
    return json.dumps(items[0] if len(items) == 1 else items).encode()


GOOD, BAD = login("good"), {"event": "login", "data": {"unique_id": "bad", "player_id": 5}}


def test_faults_are_of_the_message_that_has_them() -> None:
    bodies = [
        *(text(GOOD), b" [ ] ", text(GOOD, BAD, GOOD), b"{", text({"items": [BAD, GOOD]})),
        *(b'{"items": []}', text(BAD), b"", text(GOOD)),
    ]
    wrong = [("player_id", "wrong_type"), ("timestamp", "missing")]
    found = [(body, sorted(each)) for body, each in faults(batch_of(*bodies))]
    assert found == [
        (bodies[2], sorted((f"/1/data/{name}", code) for name, code in wrong)),
        (b"{", [("", "not_json")]),
        (bodies[4], sorted((f"/items/0/data/{name}", code) for name, code in wrong)),
        (bodies[6], sorted((f"/data/{name}", code) for name, code in wrong)),
        (b"", [("", "not_json")]),
    ]


def test_a_type_beside_the_message_makes_all_of_it_data() -> None:
    data = b'{"user_id": "u", "timestamp": "2025-01-15T12:00:00Z", "items": [1]}'
    batch = batch_of(
        (data, "LOGIN_V2"),
        (b'{"user_id": 1.5}', "login"),
        (data, "teleport"),
        (b"[]", "login"),
        dialect="fasttrack",
    )
    assert batch.items == 4
    assert faults(batch, "fasttrack") == [
        (b'{"user_id": 1.5}', [("/user_id", "wrong_type"), ("/timestamp", "missing")]),
        (data, [("", "unknown_event")]),
        (b"[]", [("", "wrong_type")]),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"event":"login","data":{}},{"event":"login","data":{}}',
        b'{"event":"login","data":{}}]}',
        b'{"event":"login"} {"items":[]}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"event":"login","data":' + b"[" * 127 + b"]" * 127 + b"}",
    ],
)
def test_what_is_not_one_json_value_never_gets_to_the_others(body: bytes) -> None:
    batch = batch_of(text(GOOD), body, text(GOOD))
    assert batch.items == 2
    assert faults(batch) == [(body, [("", "not_json")])]


def test_batches_are_bounded_by_items_and_a_larger_message_is_one_by_itself() -> None:
    batch = batch_of(text(GOOD), text(GOOD, GOOD), most_items=4)
    assert not batch.add(Message(text(GOOD, GOOD), None, "", None))
    was_full = batch.is_full
    assert batch.add(Message(text(GOOD), None, "", None))
    assert (was_full, batch.is_full) == (False, True)
    large = batch_of(text(*[GOOD] * 9), most_items=4)
    assert (large.items, large.is_full) == (9, True)


def test_too_many_items_and_too_many_bytes_are_no_message() -> None:
    many, long = text(*[1] * 10_001), b'"' + b"x" * 1_000_000 + b'"'
    assert faults(batch_of(many)) == [(many, [("", "too_many_items")])]
    assert faults(batch_of(long)) == [(long, [("", "too-large")])]
