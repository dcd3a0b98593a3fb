"""The fast way, the exact way and a plain reading of the contract agree on every item."""

import json
from contextlib import suppress
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from app.wire.common_form import READERS
from app.wire.exact import read_parts
from app.wire.faults import Faults, InvalidItemsError, TooManyItemsError
from app.wire.item import Item
from app.wire.items import MAX_EVENT_BYTES, decode_batch
from app.wire.json_text import NotJsonError
from app.wire.rules import Limits
from tests.strategies import (
    CURRENCIES,
    EVENTS,
    NOW,
    WireItem,
    amount_texts,
    batches,
    body,
    item_members,
    items,
    json_string_texts,
    json_texts,
    render,
    texts,
    timestamp_texts,
)
from tests.wire.reference import faulty, moment_of, parse

LIMITS = Limits(CURRENCIES, NOW + timedelta(hours=24), MAX_EVENT_BYTES)

_EDGES = st.sampled_from(
    [
        "null", "true", "false", "0", "1", "-0", "-0.0", "-1", "-1e-30", "1e19", "1e20", "1E+19",
        "0e99999999999999999999", "1e-18", "1e-19", "10e-19", "1e400", "1e-400", "100000000000000000000",
        "99999999999999999999.999999999999999999", "99999999999999999999.9999999999999999990",
        "0.0000000000000000001", "0.1234567890123456789", "[]", "{}", '["a",1]', '["\\u0000",[],null]',
        '""', '"a"', '"\\u0000"', '"\\\\u0000"', '"EUR"', '"eur"', '"EURO"', '"M"', '"m"', '"yes"', '"12.5"',
        '"NaN"', '"true"', '"2025-01-15"', '"2025-02-29"', '"2025-01-15T12:00:00"', '"2025-01-15 12:00:00Z"',
        '"2025-01-15T12:00:60Z"', '"2025-01-15T24:00:00Z"', '"2025-01-15T12:00Z"',
        '"2025-01-15T12:00:00+0100"', '"2025-01-15T12:00:00+01"', '"2025-01-15T12:00:00,5Z"',
        '"2025-01-15T12:00:00.Z"', '"20250115T120000Z"', '"2025-W03-3T12:00:00Z"', '" 2025-01-15T12:00:00Z"',
        '"2025-01-15T12:00:00Z\\n"', '"2025-01-15T12:00:00+24:00"', '"2025-01-15T12:00:00+23:59"',
        '"0001-01-01T00:00:00+00:01"', '"9999-12-31T23:59:59-00:01"', '"0000-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00-00:01"', '"2025-06-16T12:30:00Z"', '"2025-06-16T12:30:00.0000009Z"',
        '"2025-06-16T12:30:00.000001Z"', '"2025-06-16T13:30:00+01:00"', '"2025-06-16T12:30:01Z"',
        '"\u0662025-01-15T12:00:00Z"', '"2999-01-01T00:00:00Z"', '1736942400',
        f'"{"x" * 255}"', f'"{"x" * 256}"', f'"{"😀" * 255}"', f'"{"😀" * 256}"',
        '"%s"' % ("\\ud83d\\ude00" * 255),
    ]
)  # fmt: skip

_SIMILAR = (
    amount_texts()
    | timestamp_texts().flatmap(json_string_texts)
    | texts().flatmap(json_string_texts)
    | st.from_regex(r"-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
)


@st.composite
def any_items(draw: DrawFn) -> WireItem:
    """Draw an item that is valid but for some members, which are whatever, missing or repeated."""
    event = draw(st.sampled_from(EVENTS))
    members = draw(item_members(event))
    for _ in range(draw(st.integers(0, 3))):
        index = draw(st.integers(0, len(members) - 1))
        name = members[index][0]
        value = draw(st.one_of(_EDGES, _SIMILAR, json_texts(4)))
        match draw(st.sampled_from(["replace", "replace", "repeat", "drop"])):
            case "replace":
                members[index] = (name, value)
            case "repeat":
                members.append((name, value))
            case "drop" if len(members) > 1:
                del members[index]
    return WireItem(event, draw(render(members)))


def exactly(item: WireItem) -> tuple[Item | None, list[str]]:
    faults = Faults()
    read = read_parts(item.event, item.data_text.encode(), LIMITS, "", faults)
    try:
        faults.raise_any()
    except InvalidItemsError as error:
        return read, [fault.pointer for fault in error.faults]
    return read, []


def pointers_of(text: bytes) -> list[str]:
    try:
        decode_batch(text, currencies=CURRENCIES, now=NOW)
    except InvalidItemsError as error:
        return [fault.pointer for fault in error.faults]
    return []


@settings(max_examples=400)
@given(any_items())
def test_the_exact_way_is_what_the_contract_says(item: WireItem) -> None:
    read, pointers = exactly(item)
    assert pointers == [f"/data{pointer}" for pointer in faulty(item.event, parse(item.data_text))]
    assert (read is None) == bool(pointers)


@settings(max_examples=400)
@given(any_items() | items())
def test_what_the_fast_way_accepts_the_exact_way_reads_the_same(item: WireItem) -> None:
    state = item.data_text.encode()
    read, pointers = exactly(item)
    try:
        fast = READERS[item.event](state, LIMITS.currencies, LIMITS.latest)
    except ValueError:
        return
    if b"\\u0000" not in state:
        assert fast == read
        assert pointers == []


@settings(max_examples=100)
@given(st.lists(any_items(), max_size=5))
def test_a_batch_names_every_fault_of_every_item(batch: list[WireItem]) -> None:
    expected = [
        f"/items/{index}/data{pointer}"
        for index, item in enumerate(batch)
        for pointer in faulty(item.event, parse(item.data_text))
    ]
    assert pointers_of(body(batch)) == expected


@settings(max_examples=150)
@given(batches())
def test_every_valid_item_is_accepted_with_its_data_as_sent(batch: list[WireItem]) -> None:
    read = decode_batch(body(batch), currencies=CURRENCIES, now=NOW)
    assert len(read) == len(batch)
    for item, sent in zip(read, batch, strict=True):
        data = sent.data
        assert item.state == sent.data_text.encode()
        assert item.unique_id == data["unique_id"]
        if sent.event == "game":
            assert item.stream == f"game:{data['game_id']}"
        else:
            assert item.stream == f"player:{data['player_id']}"
        assert item.topic == sent.topic
        moment = moment_of(data["timestamp"])
        assert item.occurred_at.replace(microsecond=0) == moment
        assert item.occurred_at.utcoffset() == timedelta(0)


def refuses_or_reads(text: bytes) -> None:
    with suppress(NotJsonError, TooManyItemsError, InvalidItemsError):
        decode_batch(text, currencies=CURRENCIES, now=NOW)


@given(st.binary(max_size=200))
@example(b"\xff")
@example(b'{"items":[]}\xff')
def test_arbitrary_bytes_raise_the_named_errors_alone(text: bytes) -> None:
    refuses_or_reads(text)


@given(items(), st.data())
def test_a_damaged_batch_raises_the_named_errors_alone(item: WireItem, data: st.DataObject) -> None:
    text = bytearray(body([item]))
    for _ in range(data.draw(st.integers(1, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    refuses_or_reads(bytes(text))


@st.composite
def nearly_batches(draw: DrawFn) -> str:
    """Draw JSON with the names of a batch at its places, or nearly."""
    anything = json_texts(5)

    def an_object(*members: tuple[str, st.SearchStrategy[str]]) -> str:
        drawn = [
            (name, draw(draw(st.sampled_from([of, of, anything]))))
            for name, of in members
            for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2])))
        ]
        return draw(render(draw(st.permutations([*drawn, ("x", draw(anything))]))))

    events = st.sampled_from(EVENTS).map(json.dumps)
    elements = [
        an_object(("event", events), ("data", items().map(lambda item: item.data_text)))
        for _ in range(draw(st.integers(0, 3)))
    ]
    return an_object(("items", st.just(f"[{','.join(elements)}]")))


@settings(max_examples=150)
@given(json_texts(10) | nearly_batches())
def test_arbitrary_json_is_judged_by_its_last_members(text: str) -> None:
    expected: list[str] = []
    parsed = parse(text)
    if not isinstance(parsed, dict):
        expected.append("")
    elif not isinstance(parsed.get("items"), list):
        expected.append("/items")
    else:
        for index, item in enumerate(parsed["items"]):
            at = f"/items/{index}"
            if not isinstance(item, dict):
                expected.append(at)
                continue
            event, data = item.get("event"), item.get("data")
            known = isinstance(event, str) and event in EVENTS
            if not known:
                expected.append(f"{at}/event")
            if not isinstance(data, dict):
                expected.append(f"{at}/data")
            elif known:
                expected += [f"{at}/data{p}" for p in faulty(str(event), data)]
    assert pointers_of(text.encode()) == expected
