import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.wire.currencies import ISO_4217
from app.wire.items import (
    Fault,
    InvalidItemsError,
    Item,
    TooManyItemsError,
    UncommonError,
    decode_batch,
)
from app.wire.json_text import NotJsonError

SAMPLES = Path(__file__).parent.parent / "samples"
NOW = datetime(2025, 6, 15, 12, 30, tzinfo=UTC)
CURRENCIES = ISO_4217 | {"BTC"}

INVALID: list[dict[str, Any]] = json.loads((SAMPLES / "invalid.json").read_text())


def decode(body: str | bytes) -> list[Item]:
    return decode_batch(
        body if isinstance(body, bytes) else body.encode(), currencies=CURRENCIES, now=NOW
    )


def faults_of(body: str) -> list[Fault]:
    with pytest.raises(InvalidItemsError) as caught:
        decode(body)
    assert caught.value.total == len(caught.value.faults)
    return caught.value.faults


def pointers_of(body: str) -> list[str]:
    return [fault.pointer for fault in faults_of(body)]


VALID: dict[str, dict[str, str]] = {
    "gameround": {
        "unique_id": '"u"',
        "timestamp": '"2025-01-15T12:00:00Z"',
        "player_id": '"p"',
        "game_id": '"btg/bonanza"',
        "round_id": '"r"',
        "amount": "0.5",
        "currency": '"EUR"',
        "is_win": "false",
        "is_bonus": "false",
    },
    "deposit": {
        "unique_id": '"u"',
        "timestamp": '"2025-01-15T12:00:00Z"',
        "player_id": '"p"',
        "amount": "10",
        "currency": '"EUR"',
        "method": '"card"',
    },
    "player": {"unique_id": '"u"', "timestamp": '"2025-01-15T12:00:00Z"', "player_id": '"p"'},
    "game": {"unique_id": '"u"', "timestamp": '"2025-01-15T12:00:00Z"', "game_id": '"g"'},
    "login": {"unique_id": '"u"', "timestamp": '"2025-01-15T12:00:00Z"', "player_id": '"p"'},
}
VALID["withdraw"] = VALID["deposit"]
VALID["rollback"] = VALID["gameround"]
VALID["roundend"] = {
    name: VALID["gameround"][name]
    for name in ("unique_id", "timestamp", "player_id", "game_id", "round_id")
}


def item(event: str, /, **members: str) -> str:
    spelled = ",".join(f'"{name}":{text}' for name, text in (VALID[event] | members).items())
    return f'{{"event":"{event}","data":{{{spelled}}}}}'


def batch(*items: str) -> str:
    return f'{{"items":[{",".join(items)}]}}'


# Samples ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", INVALID, ids=[sample["name"] for sample in INVALID])
def test_the_invalid_samples_are_refused_as_they_say(sample: dict[str, Any]) -> None:
    if sample["status"] == 400:
        with pytest.raises(NotJsonError):
            decode(sample["body"])
    else:
        assert sample["status"] == 422
        assert pointers_of(sample["body"]) == sample["pointers"]


@pytest.mark.parametrize(
    "path", sorted(SAMPLES.glob("casino-day/batch-*.json")), ids=lambda path: path.stem
)
def test_the_casino_day_is_valid(path: Path) -> None:
    body = path.read_bytes()
    items = decode(body)
    sent = json.loads(body)["items"]
    assert [json.loads(read.state) for read in items] == [one["data"] for one in sent]


# What a valid item comes down to -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "topic", "stream"),
    [
        (item("gameround"), "BetPlaced", "player:p"),
        (item("gameround", is_win="true"), "WinPaid", "player:p"),
        (item("rollback"), "BetRolledBack", "player:p"),
        (item("rollback", is_win="true", reference='"u"'), "WinRolledBack", "player:p"),
        (item("roundend"), "RoundEnded", "player:p"),
        (item("deposit"), "Deposited", "player:p"),
        (item("withdraw"), "Withdrawn", "player:p"),
        (item("player"), "PlayerUpdated", "player:p"),
        (item("game"), "GameUpdated", "game:g"),
        (item("login"), "LoggedIn", "player:p"),
    ],
)
def test_each_event_has_its_topic_and_stream(text: str, topic: str, stream: str) -> None:
    # With a repeated member the same item goes the exact way.
    for body in (batch(text), batch(text.replace('"unique_id"', '"unique_id":0,"unique_id"'))):
        (read,) = decode(body)
        assert (read.unique_id, read.topic, read.stream) == ("u", topic, stream)
        assert read.occurred_at == datetime(2025, 1, 15, 12, tzinfo=UTC)


def test_the_state_is_the_data_as_sent_to_the_byte() -> None:
    data = b'{ "x":1.50 ,\n"player_id":"\\u0070","unique_id":"\xc3\xa9", '
    data += b'"timestamp":"2025-01-15T12:00:00Z"  }'
    (read,) = decode(b' {"items" : [ {"event":"login","data" : ' + data + b" } ] } ")
    assert read.state == data
    assert type(read.state) is bytes


# Members ------------------------------------------------------------------------------------------

LONGEST = '"' + "x" * 255 + '"'
ASTRAL = '"' + "😀" * 255 + '"'

ACCEPTED: list[tuple[str, str, list[str]]] = [
    ("gameround", "unique_id", ['"a/b c\\"d\'"', '"\\n"', '" "', '"\\ud83d\\ude00"', LONGEST, ASTRAL]),
    ("gameround", "round_id", [LONGEST, ASTRAL, '"\\\\u0000"']),
    ("deposit", "method", [LONGEST, ASTRAL]),
    ("gameround", "amount", ["0", "-0", "-0.0e5", "1e2", "1.5E+1", "100e-20", "1e19", "1e-18"]),
    ("gameround", "amount", ["99999999999999999999.999999999999999999", "0.10" + "0" * 5000]),
    ("gameround", "amount", ["0e" + "9" * 30, "1" + "0" * 5000 + "e-5000", "1e" + "0" * 5000 + "1"]),
    ("deposit", "amount_eur", ["null", "0", "1e2", "-0", "0.000000000000000001"]),
    ("gameround", "currency", ['"USD"', '"BTC"', '"\\u0045UR"']),
    ("gameround", "timestamp", ['"2025-01-15T12:00:00"', '"2025-01-15t12:00:00z"']),
    ("gameround", "timestamp", ['"2025-01-15T12:00:00.1234567891+23:59"', '"0001-01-01T00:00:00Z"']),
    ("gameround", "timestamp", ['"2025-06-16T12:30:00.0000009Z"', '"2025-06-16T14:30:00+02:00"']),
    ("player", "registration_date", ['"2025-01-15"', '"2999-01-01T00:00:00Z"', '"0001-01-01"', "null"]),
    ("player", "currency", ['"anything"', '""', "null"]),
    ("player", "gender", ['"M"', '"F"', "null"]),
    ("player", "tags", ["null", "[]", '["a","",""]']),
    ("player", "username", ["null", '""', '"' + "x" * 1000 + '"']),
    ("player", "consent_email", ["null", "true", "false"]),
    ("game", "has_freespins", ["null", '"yes"', '"no"', '"unknown"']),
    ("game", "categories", ["null", "[]", '["a"]']),
    ("game", "device", ["null", '"watch"']),
    ("game", "theoretical_rtp", ["null", "0", "2", "2.0e0", "0.9612", "20e-1", "-0"]),
    ("game", "volatility", ["null", "0", "12.5", "99999999999999999999"]),
    ("rollback", "reference", ["null", LONGEST, '"none that there is"']),
    ("rollback", "reason", ["null", '""', '"' + "x" * 1000 + '"']),
    ("roundend", "amount", ['"none of an end"']),
    ("login", "x", ['"\\u0000"', "1e400", "[null]", '{"originator_id":1}', "-1"]),
    ("login", "amount", ['"none of a login"']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "member", "text"),
    [(event, member, text) for event, member, texts in ACCEPTED for text in texts],
)
def test_it_is_accepted(event: str, member: str, text: str) -> None:
    assert len(decode(batch(item(event, **{member: text})))) == 1


REFUSED: list[tuple[str, str, str, list[str]]] = [
    ("gameround", "unique_id", "wrong_type", ["null", "1", "true", "[]", "{}"]),
    ("gameround", "unique_id", "empty", ['""']),
    ("gameround", "unique_id", "nul", ['"\\u0000"', '"a\\u0000"', '"\\\\\\u0000"']),
    ("gameround", "player_id", "too_long", [LONGEST[:-1] + 'x"', ASTRAL[:-1] + 'x"']),
    ("deposit", "method", "empty", ['""']),
    ("withdraw", "method", "wrong_type", ["null"]),
    ("gameround", "amount", "wrong_type", ["null", '"1"', "true", "[]", "{}", '"NaN"']),
    ("gameround", "amount", "negative", ["-1", "-0.01", "-1e-400", "-1e400"]),
    ("gameround", "amount", "too_many_digits", ["1e20", "100000000000000000000", "1e400", "1e" + "9" * 30]),
    ("gameround", "amount", "too_many_digits", ["0.1234567890123456789", "1e-19", "1e-400"]),
    ("deposit", "amount_eur", "wrong_type", ['"1"', "false"]),
    ("deposit", "amount_eur", "negative", ["-1"]),
    ("gameround", "currency", "unknown_currency", ['"EURO"', '"eur"', '""', '"EUR "', '"EUR\\u0000"']),
    ("gameround", "currency", "wrong_type", ["null", "978"]),
    ("gameround", "is_win", "wrong_type", ["1", "0", "null", '"true"', '"yes"']),
    ("gameround", "timestamp", "wrong_type", ["1736942400", "null"]),
    ("gameround", "timestamp", "not_a_timestamp", ['""', '"2025-01-15"', '"2025-01-15 12:00:00Z"']),
    ("gameround", "timestamp", "not_a_timestamp", ['"2025-01-15T12:00:00+0100"', '"2025-02-30T12:00:00Z"']),
    ("gameround", "timestamp", "not_a_timestamp", ['"2025-01-15T12:00:60Z"', '"2025-01-15T24:00:00Z"']),
    ("gameround", "timestamp", "not_a_timestamp", ['"0001-01-01T00:00:00+00:01"', '"0000-01-01T00:00:00Z"']),
    ("gameround", "timestamp", "not_a_timestamp", ['"9999-12-31T23:59:00-00:01"']),
    ("gameround", "timestamp", "not_a_timestamp", ['"2025-01-15T12:00:00Z\\u0000"']),
    ("gameround", "timestamp", "in_the_future", ['"2025-06-16T12:30:00.000001Z"', '"2999-01-01T00:00:00Z"']),
    ("player", "registration_date", "not_a_date", ['""', '"2025-1-15"', '"2025-02-29"', '"2025-01-15T12"']),
    ("player", "registration_date", "wrong_type", ["20250115"]),
    ("player", "currency", "wrong_type", ["978"]),
    ("player", "currency", "nul", ['"\\u0000"']),
    ("player", "gender", "not_allowed", ['"X"', '"m"', '""']),
    ("player", "gender", "wrong_type", ["0"]),
    ("player", "tags", "wrong_type", ['"a"', "{}", "1"]),
    ("player", "is_blocked", "wrong_type", ["0", '"no"']),
    ("player", "username", "nul", ['"\\u0000"']),
    ("game", "has_freespins", "not_allowed", ['"maybe"', '"undefined"']),
    ("game", "has_freespins", "wrong_type", ["true"]),
    ("game", "device", "wrong_type", ["[]"]),
    ("game", "theoretical_rtp", "too_great", ["2.000000000000000001", "96", "1e2"]),
    ("game", "theoretical_rtp", "negative", ["-0.1"]),
    ("game", "theoretical_rtp", "too_many_digits", ["1e400", "0.1234567890123456789"]),
    ("game", "theoretical_rtp", "wrong_type", ['"0.96"', "true"]),
    ("game", "volatility", "negative", ["-1"]),
    ("game", "volatility", "wrong_type", ['"high"']),
    ("rollback", "reference", "empty", ['""']),
    ("rollback", "reference", "too_long", [LONGEST[:-1] + 'x"']),
    ("rollback", "reference", "wrong_type", ["1"]),
    ("rollback", "reason", "nul", ['"\\u0000"']),
    ("rollback", "amount", "negative", ["-1"]),
    ("rollback", "is_win", "wrong_type", ["null"]),
    ("roundend", "round_id", "empty", ['""']),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "member", "code", "text"),
    [(event, member, code, text) for event, member, code, texts in REFUSED for text in texts],
)
def test_it_is_refused(event: str, member: str, code: str, text: str) -> None:
    (fault,) = faults_of(batch(item(event, **{member: text})))
    assert (fault.pointer, fault.code) == (f"/items/0/data/{member}", code)
    assert fault.detail


@pytest.mark.parametrize("event", VALID)
def test_every_required_member_is_missed(event: str) -> None:
    faults = faults_of(f'{{"items":[{{"event":"{event}","data":{{}}}}]}}')
    assert [fault.pointer for fault in faults] == [f"/items/0/data/{name}" for name in VALID[event]]
    assert {fault.code for fault in faults} == {"missing"}


def test_elements_of_arrays_have_pointers_of_their_own() -> None:
    tags = '["a",1,"\\u0000",null,["b"],"c"]'
    faults = faults_of(batch(item("game"), item("player", tags=tags)))
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/items/1/data/tags/1", "wrong_type"),
        ("/items/1/data/tags/2", "nul"),
        ("/items/1/data/tags/3", "wrong_type"),
        ("/items/1/data/tags/4", "wrong_type"),
    ]
    assert pointers_of(batch(item("game", themes='["\\u0000"]'))) == ["/items/0/data/themes/0"]


@pytest.mark.parametrize("element", ["0", '"a"', '","'])
def test_an_array_of_more_than_10000_is_one_fault(element: str) -> None:
    fits = "[" + ",".join([element] * 10_000) + "]"
    if element != "0":
        assert len(decode(batch(item("player", tags=fits)))) == 1
    tags = fits[:-1] + "," + element + "]"
    (fault,) = faults_of(batch(item("player", tags=tags)))
    assert (fault.pointer, fault.code) == ("/items/0/data/tags", "too_many")


def test_an_amount_is_written_with_up_to_10000_characters() -> None:
    longest = "1." + "0" * 9_998
    assert len(decode(batch(item("deposit", amount=longest)))) == 1
    (fault,) = faults_of(batch(item("deposit", amount=longest + "0")))
    assert (fault.pointer, fault.code) == ("/items/0/data/amount", "too_many_digits")


# How large -----------------------------------------------------------------------------------------


def sized(size: int, filling: str = "x") -> str:
    """An item whose `data` is so long, most of it in a member that nobody knows."""
    empty = item("login", x="FILL")
    start = empty.index('"data":') + len('"data":')
    data = empty[start:-1]
    room = size - len(data.encode()) + len("FILL") - 2
    count, rest = divmod(room, len(filling.encode()))
    return empty[:start] + data.replace("FILL", '"' + "x" * rest + filling * count + '"') + "}"


@pytest.mark.parametrize("filling", ["x", "\\u0041", "é", '\\"', "{"])
@pytest.mark.parametrize("others", [0, 3])
def test_data_has_up_to_256_kib_as_sent(filling: str, others: int) -> None:
    beside = [item("login")] * others
    assert len(decode(batch(*beside, sized(262_144, filling)))) == others + 1
    (fault,) = faults_of(batch(*beside, sized(262_145, filling)))
    assert (fault.pointer, fault.code) == (f"/items/{others}/data", "too-large")
    assert "262,144" in fault.detail


def test_white_space_within_data_counts_and_around_it_does_not() -> None:
    around = item("login").replace('"data":', '"data":' + " " * 300_000)
    assert len(decode(batch(around))) == 1
    within = item("login").replace('"player_id"', " " * 300_000 + '"player_id"')
    assert pointers_of(batch(within)) == ["/items/0/data"]
    # Of a repeated member the last counts: what is left out takes no room in the log.
    twice = item("login").replace('"data":', f'"data":{{"x":"{"x" * 300_000}"}},"data":')
    assert len(decode(batch(twice))) == 1


def test_a_limit_is_the_operators() -> None:
    def decode_up_to(limit: int) -> list[Item]:
        body = batch(sized(1_000)).encode()
        return decode_batch(body, currencies=CURRENCIES, now=NOW, max_event_bytes=limit)

    assert len(decode_up_to(1_000)) == 1
    with pytest.raises(InvalidItemsError, match="999"):
        decode_up_to(999)


def test_of_data_that_is_too_large_nothing_else_is_told() -> None:
    broken = sized(300_000).replace('"player_id":"p"', '"player_id":7').replace("login", "bonus")
    assert pointers_of(batch(broken)) == ["/items/0/event", "/items/0/data"]


@pytest.mark.parametrize(
    "text",
    [
        batch(item("login"), item("deposit", amount="1e0")),
        batch(item("login"), item("deposit", amount='"1"')),
        batch(item("login"), "0"),
        batch(item("login", x="[" * 127 + "]" * 127)),
        batch(*[item("login", x="[{},{},{}]")] * 10_000),
        batch(sized(300_000)),
    ],
    ids=range(6),
)
def test_where_only_the_common_form_is_to_be_read_another_is_left_alone(text: str) -> None:
    with pytest.raises(UncommonError):
        decode_batch(text.encode(), currencies=CURRENCIES, now=NOW, common_only=True)
    common = batch(item("login"), item("deposit")).encode()
    assert len(decode_batch(common, currencies=CURRENCIES, now=NOW, common_only=True)) == 2


def test_details_say_what_was_expected() -> None:
    details = [
        fault.detail
        for fault in faults_of(
            batch(
                item("gameround", amount="-1", currency='"XX"'),
                item("player", gender='"X"', username="1"),
                '{"event":"bonus","data":{}}',
            )
        )
    ]
    assert details == [
        "must not be negative",
        "must be an ISO 4217 code, or a code allowed for the tenant",
        "must be a string, or null",
        "must be one of M, F, or null",
        "must be one of gameround, rollback, roundend, deposit, withdraw, player, game, login",
    ]


def test_the_last_of_repeated_members_counts() -> None:
    valid = item("gameround")
    assert len(decode(batch(valid.replace('"amount":0.5', '"amount":"x","amount":0.5')))) == 1
    assert len(decode(batch(valid.replace('"amount":0.5', '"\\u0061mount":-1,"amount":0.5')))) == 1
    for last in ("-1", '"x"'):
        body = batch(valid.replace('"amount":0.5', f'"amount":0.5,"\\u0061mount":{last}'))
        assert pointers_of(body) == ["/items/0/data/amount"]


# The envelope -------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["1", '"a"', "null", "[]", ' [{"items":[]}]'])
def test_a_body_that_is_no_object_is_a_fault_at_the_root(body: str) -> None:
    assert faults_of(body) == [Fault("", "wrong_type", "must be an object")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{}", "missing"),
        ('{"Items":[]}', "missing"),
        ('{"items":null}', "wrong_type"),
        ('{"items":{}}', "wrong_type"),
        ('{"items":[],"items":5}', "wrong_type"),
    ],
)
def test_items_must_be_an_array(body: str, code: str) -> None:
    (fault,) = faults_of(body)
    assert (fault.pointer, fault.code) == ("/items", code)


@pytest.mark.parametrize(
    "body",
    [
        '{"items":[]}',
        ' \n{"items" : [ ] }\t',
        '{"items":5,"items":[]}',
        '{"x":{"items":5},"items":[],"\\u0000":"\\u0000"}',
        '{"items":[{"event":5}],"\\u0069tems":[]}',
    ],
)
def test_no_items_are_a_batch(body: str) -> None:
    assert decode(body) == []


def test_what_stands_beside_event_and_data_is_ignored_and_the_last_of_each_counts() -> None:
    data = item("login").partition('"data":')[2][:-1]
    for text in (
        f'{{"x":[{{}}],"event":"login","data":{data},"y":1e400}}',
        f'{{"event":5,"data":5,"event":"login","data":{data}}}',
        f'{{"event":"bonus","data":[],"\\u0065vent":"login","d\\u0061ta":{data}}}',
    ):
        (read,) = decode(batch(text))
        assert read.state == data.encode()
    body = batch(f'{{"event":"login","event":null,"data":{data},"data":null}}')
    assert pointers_of(body) == ["/items/0/event", "/items/0/data"]


@pytest.mark.parametrize("text", ["null", "5", '"login"', "[]", "true"])
def test_an_item_that_is_no_object_is_a_fault_of_the_item(text: str) -> None:
    (fault,) = faults_of(batch(item("login"), text))
    assert (fault.pointer, fault.code) == ("/items/1", "wrong_type")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", [("event", "missing"), ("data", "missing")]),
        ('{"event":null,"data":null}', [("event", "wrong_type"), ("data", "wrong_type")]),
        ('{"event":"bonus","data":[]}', [("event", "unknown_event"), ("data", "wrong_type")]),
        ('{"event":"bonus"}', [("event", "unknown_event"), ("data", "missing")]),
        ('{"event":"","data":{"amount":-1}}', [("event", "unknown_event")]),
        ('{"event":"Login","data":{}}', [("event", "unknown_event")]),
        ('{"event":"login\\u0000","data":{}}', [("event", "unknown_event")]),
        ('{"event":["login"],"data":{}}', [("event", "wrong_type")]),
        ('{"event":"login","data":"{}"}', [("data", "wrong_type")]),
    ],
)
def test_event_and_data_are_judged_each(text: str, expected: list[tuple[str, str]]) -> None:
    faults = faults_of(batch(text))
    assert [(fault.pointer, fault.code) for fault in faults] == [
        (f"/items/0/{member}", code) for member, code in expected
    ]


def test_names_of_events_may_be_escaped() -> None:
    assert len(decode(batch(item("login").replace('"login"', '"\\u006cogin"')))) == 1


# How many -----------------------------------------------------------------------------------------


def test_ten_thousand_items_are_fine() -> None:
    assert len(decode(batch(*[item("login")] * 10_000))) == 10_000
    nested = item("login", x="[{},{},{}]")
    assert len(decode(batch(*[nested] * 10_000))) == 10_000


@pytest.mark.parametrize(
    "text",
    [item("login"), item("login", x="[{},{},{}]"), "0", "{}", '"[{,"', "[[[]]]", '{"event":5}'],
    ids=range(7),
)
def test_one_more_is_too_many_however_invalid(text: str) -> None:
    with pytest.raises(TooManyItemsError, match="10,000"):
        decode(batch(*[text] * 10_001))


def test_the_items_that_count_are_the_last_ones() -> None:
    many = f"[{','.join('0' * 10_001)}]"
    assert decode(f'{{"items":{many},"items":[]}}') == []
    assert pointers_of(f'{{"items":{many},"items":[0]}}') == ["/items/0"]


def test_the_first_1000_faults_are_reported() -> None:
    with pytest.raises(InvalidItemsError, match="more than 1,000") as caught:
        decode(batch(*["{}"] * 501))
    assert len(caught.value.faults) == 1000
    assert caught.value.total == 1001
    assert caught.value.faults[-1].pointer == "/items/499/data"
    assert len(faults_of(batch(*["{}"] * 500))) == 1000
    tags = f"[{'0,' * 2000}0]"
    with pytest.raises(InvalidItemsError) as caught:
        decode(batch(item("player", tags=tags)))
    assert caught.value.faults[-1].pointer == "/items/0/data/tags/999"


# What comes first ---------------------------------------------------------------------------------


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("levels", [125, 997, 100_000])
def test_nesting_over_128_levels_is_no_json_wherever_it_stands(levels: int) -> None:
    inside = deep(levels)
    for body in (
        batch(item("login", x=inside)),
        batch(item("login", x=inside), "0"),
        batch(item("login", unique_id=inside)),
        batch(*[item("login", x=inside)] + ["0"] * 10_000),
        batch(*[item("login")] * 200 + [item("login", x=inside)]),
        batch(f'{{"event":"login","data":{inside}0}}'.replace("]0", "]]").replace("[", "[[", 1)),
        f'{{"items":[],"x":{deep(levels + 3)}}}',
        deep(levels + 4),
    ):
        with pytest.raises(NotJsonError):
            decode(body)


def test_nesting_of_128_levels_is_fine_wherever_it_stands() -> None:
    assert len(decode(batch(*[item("login", x=deep(124))] * 20))) == 20
    assert len(decode(batch(f'{{"x":{deep(125)},{item("login")[1:]}'))) == 1
    assert decode(f'{{"items":[],"x":{deep(127)}}}') == []
    assert pointers_of(batch(item("login", unique_id=deep(124)))) == ["/items/0/data/unique_id"]


def test_an_item_that_is_no_object_does_not_hide_what_nests_elsewhere() -> None:
    # Counting openers alone would take items without any for room to nest in.
    with pytest.raises(NotJsonError):
        decode(batch(*['{"event":"login","data":1}'] * 300 + [item("login", x=deep(200))]))


@pytest.mark.parametrize(
    "bad",
    [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b"\\ud800", b"\x00"],
)
def test_what_is_not_unicode_is_no_json_wherever_it_stands(bad: bytes) -> None:
    good = item("login").encode()
    for body in (
        b'{"items":[],"x":"' + bad + b'"}',
        b'{"items":[],"' + bad + b'":1}',
        b'{"items":[' + good.replace(b'"p"', b'"' + bad + b'"') + b"]}",
        b'{"items":[' + good.replace(b'"data":{', b'"data":{"x":{"' + bad + b'":0},') + b"]}",
        b'{"items":[' + b"0," * 10_001 + b'"' + bad + b'"]}',
        b'{"items":"' + bad + b'"}',
        b'["' + bad + b'"]',
    ):
        with pytest.raises(NotJsonError):
            decode(body)


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        ('\ufeff{"items":[]}', 0),
        ('{\ufeff"items":[]}', 1),
        ('{"items":\ufeff[]}', 9),
        ('{"items":[\ufeff{"event":"login","data":{}}]}', 10),
        ('{"items":[{"event":"login","data":{}},\ufeff{}]}', 38),
        ('{"items":[]}\ufeff', 12),
        ('{"items":5,"x":\ufeff1}', 15),
        ("\ufeff", 0),
    ],
)
def test_a_byte_order_mark_is_no_json_and_named_as_what_it_is(body: str, offset: int) -> None:
    with pytest.raises(NotJsonError) as caught:
        decode(body.encode())
    assert caught.value.detail == "a byte order mark, which has no place in JSON"
    assert caught.value.offset == offset


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_the_byte_order_mark_of_another_encoding_is_named(encoding: str) -> None:
    with pytest.raises(NotJsonError) as caught:
        decode('\ufeff{"items":[]}'.encode(encoding))
    name = encoding.upper()[:6]
    assert caught.value.detail == f"not UTF-8: begins with the byte order mark of {name}"
    with pytest.raises(NotJsonError):
        decode('{"items":[]}'.encode(encoding))


@pytest.mark.parametrize(
    "rest", ["", "]", "]}}", "]} x", "]}{}", "],}", '],"x":NaN}', '],"x":01}', '],"x":"\t"}']
)
def test_broken_syntax_comes_before_too_many_and_invalid_items(rest: str) -> None:
    for items in ("", "0", ",".join("0" * 10_001), item("login"), '{"event":5}', '{"event":""}'):
        with pytest.raises(NotJsonError):
            decode(f'{{"items":[{items}{rest}')


def test_now_and_24_hours_are_the_callers() -> None:
    body = batch(item("login", timestamp='"2030-01-01T00:00:00Z"')).encode()
    now = datetime(2029, 12, 31, tzinfo=UTC)
    assert len(decode_batch(body, currencies=(), now=now)) == 1
    with pytest.raises(InvalidItemsError):
        decode_batch(body, currencies=(), now=now - timedelta(microseconds=1))


def test_iso_4217_is_what_the_library_knows() -> None:
    assert {"EUR", "USD", "JPY", "SEK", "XAU"} <= ISO_4217
    assert len(ISO_4217) > 150
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in ISO_4217)
    assert "BTC" not in ISO_4217
