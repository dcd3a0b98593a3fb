"""Every parameter of every route is read strictly, and all faults are told at once."""

import re
from typing import Any

import pytest

from tests.queries.asgi import Answer, encode, path_of
from tests.queries.casino import Casino, bet, deposit, item
from tests.strategies import EVENTS

ID = "id"
TEXT = "text"
BOOLEAN = "boolean"
TIME = "time"
POSITION = "position"
PAST = "position in the log of one of each"
GROUPS = "groups"
LOG_ID = "log id"
KEY_ID = "key id"
TIME_OR_DAY = "time or day"
GAMES = {
    **dict.fromkeys(("provider", "category", "feature", "theme", "device", "q"), TEXT),
    "has_freespins": ("yes", "no", "unknown"),
}
COLLECTIONS: dict[str, dict[str, Any]] = {
    "players": {
        **dict.fromkeys(("country", "currency", "tag", "affiliate", "operator"), TEXT),
        "is_blocked": BOOLEAN,
        "q": TEXT,
    },
    "balances": {"player_id": ID, "currency": ID, "as_of": TIME, "at_position": PAST},
    "rounds": {
        **dict.fromkeys(("player_id", "game_id", "round_id"), ID),
        "status": ("open", "settled", "unmatched", "rolled_back"),
        "mixed_currency": BOOLEAN,
        "from": TIME_OR_DAY,
        "to": TIME_OR_DAY,
    },
    "rollbacks": {
        **dict.fromkeys(("player_id", "game_id", "round_id"), ID),
        "status": ("matched", "mismatched", "repeated", "unmatched", "unreferenced"),
        "from": TIME_OR_DAY,
        "to": TIME_OR_DAY,
    },
    "transactions": {
        **dict.fromkeys(("player_id", "method", "currency"), ID),
        "type": ("deposit", "withdraw"),
        "from": TIME_OR_DAY,
        "to": TIME_OR_DAY,
    },
    "games": GAMES,
    "activity": {
        **dict.fromkeys(("from", "to"), TIME_OR_DAY),
        **dict.fromkeys(("game_id", "currency"), ID),
        "group_by": GROUPS,
    },
    "conflicts": {
        "unique_id": ID,
        **dict.fromkeys(("from_position", "to_position"), POSITION),
        **dict.fromkeys(("from", "to"), TIME_OR_DAY),
    },
    "accesses": {"key_id": KEY_ID, "from": TIME_OR_DAY, "to": TIME_OR_DAY},
    "history": {
        **dict.fromkeys(("player_id", "game_id"), ID),
        "event": EVENTS,
        "from": TIME_OR_DAY,
        "to": TIME_OR_DAY,
        "from_position": POSITION,
        "to_position": POSITION,
        "order": ("asc", "desc"),
    },
}
SINGLE: dict[str, dict[str, Any]] = {
    "facets": GAMES,
    "status": {},
    "players/p": {"at_position": PAST},
    "games/g": {"at_position": PAST},
}
IN_CSV = {*COLLECTIONS, "facets"}
COMMON = {"at_least": POSITION, "log_id": LOG_ID}
ROUTES = {
    **{
        route: {**own, "limit": "limit", "cursor": "cursor", **COMMON}
        for route, own in COLLECTIONS.items()
    },
    **{route: {**own, **COMMON} for route, own in SINGLE.items()},
}
FITTING: dict[Any, list[str]] = {
    ID: ["p", "btg%2Fbonanza", "a+b", "%F0%9F%98%80", "x" * 255, "%22'%5C", "null"],
    TEXT: ["x", "", "%25", "x" * 1000],
    BOOLEAN: ["true", "false"],
    TIME: [
        "2025-01-15T06:00:00Z",
        "2025-01-15t06:00:00.123456789z",
        "2025-01-15T06:00:00",
        "2025-01-15T06:00:00%2B02:00",
        "2025-01-15T06:00:00+02:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ],
    POSITION: ["0"],
    PAST: ["3", "4"],
    GROUPS: [
        *("currency", "day,game,currency", "currency,game", "day%2Ccurrency", "game,day,currency"),
    ],
    LOG_ID: [],
    KEY_ID: ["1", str(2**31 - 1)],
    "limit": ["1", "1000"],
    "cursor": [],
}
UNFIT: dict[Any, list[tuple[str, str]]] = {
    ID: [
        ("", "empty"),
        ("%00", "nul"),
        ("x" * 256, "too_long"),
        ("%F0%9F%98%80" * 256, "too_long"),
    ],
    TEXT: [("a%00b", "nul")],
    BOOLEAN: [(text, "not_a_boolean") for text in ("", "1", "True", "yes", "null")],
    TIME: [
        (text, "not_a_timestamp")
        for text in (
            "",
            "now",
            "2025-01-15",
            "1736899200",
            "2025-01-15T06:00:60Z",
            "2025-02-30T06:00:00Z",
            "2025-01-15+06:00:00Z",
            "0001-01-01T00:00:00%2B01:00",
        )
    ],
    POSITION: [
        *(
            (text, "not_an_integer")
            for text in ("", "one", "1.0", "1e3", "%D9%A1", "+1", "0x1", "07")
        ),
        ("-1", "out_of_range"),
        (str(2**63), "out_of_range"),
        ("9" * 5000, "out_of_range"),
    ],
    GROUPS: [
        *((text, "not_one_of") for text in ("", "Day", "day,", ",", "day;game", " day", "game_id")),
        *((text, "repeated") for text in ("day,day", "currency,day,currency")),
        *((text, "adds_currencies") for text in ("day", "game", "game,day")),
    ],
    KEY_ID: [
        *((text, "not_an_integer") for text in ("", "one", "1.0", "+1", "01", "rb_x")),
        *((text, "out_of_range") for text in ("0", "-1", str(2**31), "9" * 5000)),
    ],
    LOG_ID: [
        (text, "not_a_log_id")
        for text in ("", "1", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "%D9%A1" * 32)
    ],
    "limit": [
        ("0", "out_of_range"),
        ("1001", "out_of_range"),
        ("-1", "out_of_range"),
        ("ten", "not_an_integer"),
        ("", "not_an_integer"),
    ],
    "cursor": [
        (text, "malformed_cursor")
        for text in ("", "x", "AAAA", "%F0%9F%98%80", "ksQIAAECAwQFBgeRpnAtMTAwMQ=", "kg==")
    ],
}
FITTING[TIME_OR_DAY] = [*FITTING[TIME], "2025-01-15", "0001-01-01", "9999-12-31"]
UNFIT[TIME_OR_DAY] = [
    *((text, code) for text, code in UNFIT[TIME] if text != "2025-01-15"),
    *((text, "not_a_timestamp") for text in ("2025-02-30", "2025-1-5", "20250115", "0000-01-01")),
]
UNFIT[PAST] = [*UNFIT[POSITION], ("5", "beyond_head"), (str(2**63 - 1), "beyond_head")]
ANY_KIND = [
    ("%zz", "malformed"),
    ("%", "malformed"),
    ("%ff", "malformed"),
    ("%ed%a0%80", "malformed"),
]
NOT_OF_THIS_LOG = {"cursor", "at_least", "at_position", "log_id"}
EVERY = [(route, name) for route, parameters in ROUTES.items() for name in parameters]


@pytest.fixture(scope="module")
def one_of_each(new_casino: Any) -> Casino:
    """A tenant with one of each."""
    casino: Casino = new_casino()
    casino.fill([bet(), deposit(), item("game", game_id="g"), item("player", player_id="p")])
    return casino


def ask(casino: Casino, route: str, query: str) -> Answer:
    """Ask, and name a player where the past is asked for, which needs one."""
    needs_player = route == "balances" and query.startswith(("as_of", "at_position"))
    return casino.get(route, query=f"{query}&player_id=p" if needs_player else query)


def faults(answer: Answer) -> set[tuple[str, str]]:
    assert answer.status == 422, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["type"] == "urn:roundbook:problem:invalid-parameters"
    assert problem["status"] == 422
    assert all(fault.keys() == {"parameter", "code", "detail"} for fault in problem["errors"])
    return {(fault["parameter"], fault["code"]) for fault in problem["errors"]}


def kind(route: str, name: str) -> Any:
    found = ROUTES[route][name]
    return "choice" if isinstance(found, tuple) else found


@pytest.mark.parametrize(("route", "name"), EVERY)
def test_what_fits_is_taken(route: str, name: str, one_of_each: Casino) -> None:
    choice = ROUTES[route][name]
    for text in choice if kind(route, name) == "choice" else FITTING[choice]:
        answer = ask(one_of_each, route, f"{name}={text}")
        assert answer.status == 200, (text, answer.body)


@pytest.mark.parametrize(("route", "name"), EVERY)
def test_what_does_not_fit_is_a_fault(route: str, name: str, one_of_each: Casino) -> None:
    unfit = UNFIT.get(kind(route, name)) or [(t, "not_one_of") for t in ("", "x", "Yes", "%00")]
    for text, code in unfit + ANY_KIND:
        assert faults(ask(one_of_each, route, f"{name}={text}")) == {(name, code)}, text


@pytest.mark.parametrize(("route", "name"), EVERY)
def test_a_repeated_parameter_is_a_fault(route: str, name: str, one_of_each: Casino) -> None:
    found = faults(ask(one_of_each, route, f"{name}=1&{name}=1&{name}=1"))
    assert (name, "repeated") in found
    assert {parameter for parameter, _ in found} == {name}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "name", ["offset", "Limit", "limit%20", "as_of", "at_position", "", "%zz", "%ff", "a%00"]
)
def test_an_unknown_parameter_is_a_fault(route: str, name: str, one_of_each: Casino) -> None:
    if name in ROUTES[route]:
        return
    ((_, code),) = faults(ask(one_of_each, route, f"{name}=1"))
    assert code == "unknown"


@pytest.mark.parametrize("name", ["as_of", "at_position"])
def test_the_past_is_that_of_one_player(name: str, one_of_each: Casino) -> None:
    past = {"as_of": "2025-01-15T12:00:00Z", "at_position": "4"}
    for beside in ("", "&currency=EUR", "&limit=3"):
        found = faults(one_of_each.get("balances", query=f"{name}={past[name]}{beside}"))
        assert found == {(name, "incomplete")}
    both = "&".join(f"{each}={value}" for each, value in past.items())
    found = faults(one_of_each.get("balances", query=f"{both}&player_id=p"))
    assert found == {("at_position", "contradictory")}
    assert faults(one_of_each.get("balances", query=both)) == {
        ("at_position", "contradictory"),
        ("as_of", "incomplete"),
        ("at_position", "incomplete"),
    }


@pytest.mark.parametrize("route", ["balances", "players/p", "games/g"])
def test_at_least_is_not_beyond_the_position_that_is_shown(route: str, one_of_each: Casino) -> None:
    assert ask(one_of_each, route, "at_position=3&at_least=3").status == 200
    found = faults(ask(one_of_each, route, "at_position=3&at_least=4"))
    assert found == {("at_least", "contradictory")}


def test_one_currency_may_be_added_up_by_anything(one_of_each: Casino) -> None:
    for groups in ("day", "game", "day,game", "currency"):
        query = f"group_by={groups}&currency=EUR"
        assert ask(one_of_each, "activity", query).status == 200


def test_a_parameter_without_a_value_has_an_empty_one(one_of_each: Casino) -> None:
    assert faults(ask(one_of_each, "balances", "player_id")) == {("player_id", "empty")}
    assert ask(one_of_each, "balances", "&&").status == 200


def test_all_faults_are_told_at_once(one_of_each: Casino) -> None:
    query = "status=x&from=x&to=%ff&limit=0&limit=1&cursor=x&at_least=-1&mixed_currency=1&y=1&player_id="
    assert faults(ask(one_of_each, "rounds", query)) == {
        ("status", "not_one_of"),
        ("from", "not_a_timestamp"),
        ("to", "malformed"),
        ("limit", "out_of_range"),
        ("limit", "repeated"),
        ("cursor", "malformed_cursor"),
        ("at_least", "out_of_range"),
        ("mixed_currency", "not_a_boolean"),
        ("y", "unknown"),
        ("player_id", "empty"),
    }


def test_the_history_of_a_player_and_a_game_is_a_fault(one_of_each: Casino) -> None:
    found = faults(ask(one_of_each, "history", "player_id=p&game_id=g"))
    assert found == {("game_id", "contradictory")}


def test_a_plus_before_an_offset_need_not_be_encoded(one_of_each: Casino) -> None:
    (found,) = one_of_each.items("rounds", query="to=2025-01-15T14:00:01+02:00")
    assert found["first_at"] == "2025-01-15T12:00:00Z"
    assert one_of_each.items("rounds", query="to=2025-01-15T14:00:00+02:00") == []
    assert one_of_each.items("rounds", query="to=2025-01-15T14:00:00%2B02:00") == []


def test_every_parameter_is_documented_with_its_type_and_an_example(one_of_each: Casino) -> None:
    paths = one_of_each.api.get("/schema/openapi.json").json["paths"]
    for route, read in ROUTES.items():
        expected = {*read, *({"raw"} if route in IN_CSV else {})}
        path = "/api/v1/" + re.sub(r"^(player|game)s/.$", r"\1s/{\1_id}", route)
        operation = paths[path]["get"]
        documented = {each["name"]: each for each in operation["parameters"]}
        own = {name for name, each in documented.items() if each["in"] == "query"}
        assert own == expected, path
        for each in documented.values():
            assert each["schema"]["type"]
            assert each["description"]
            assert "example" in each or "examples" in {**each, **each["schema"]}


@pytest.mark.parametrize("route", ROUTES)
def test_the_documented_examples_are_taken(route: str, one_of_each: Casino) -> None:
    paths = one_of_each.api.get("/schema/openapi.json").json["paths"]
    path = "/api/v1/" + re.sub(r"^(player|game)s/.$", r"\1s/{\1_id}", route)
    for each in paths[path]["get"]["parameters"]:
        if each["in"] == "query" and each["name"] not in {*NOT_OF_THIS_LOG, "raw"}:
            example = each["example"] if "example" in each else each["schema"]["examples"][0]
            if isinstance(example, list):
                assert each["explode"] is False
                example = ",".join(example)
            answer = ask(one_of_each, route, encode({each["name"]: example}))
            assert answer.status == 200, (each, answer.body)


@pytest.mark.parametrize("kind_of_resource", ["players", "games"])
def test_parameters_of_one_resource_come_before_whether_it_exists(
    kind_of_resource: str, one_of_each: Casino
) -> None:
    path = path_of(kind_of_resource, "nobody")
    assert one_of_each.api.get(path, one_of_each.key, query="limit=1").status == 422
