"""Hypothesis strategies for what clients send: items and batches that the contract (§1) calls valid.

    from tests.strategies import batches, body, items

    @given(batches(player_ids=sampled_from(["p1", "p/2"])))
    def test_...(batch: list[WireItem]) -> None:
        post(body(batch))
        for item in batch:
            model.apply(item.event, item.data)   # amounts are Decimals, exact

Everything is text first (`WireItem.data_text`), so that what is sent is known digit for digit, in all
the notations JSON allows; `WireItem.data` reads it back as Python values. All ids can be narrowed by
passing strategies, to make players, rounds or unique_ids meet.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

NOW = datetime(2025, 6, 15, 12, 30, tzinfo=UTC)
"""The present, as far as the default timestamps are concerned: none is more than 24 hours later."""

CURRENCIES = ("EUR", "USD", "JPY", "BHD", "BTC", "USDT")
"""Default currencies; the last two are not of ISO 4217, a tenant has to be allowed them."""

EVENTS = (*("gameround", "rollback", "roundend", "deposit", "withdraw", "player", "game", "login"),)

NAMED_MEMBERS = frozenset(
    {"unique_id", "timestamp", "player_id", "game_id", "round_id", "amount", "currency", "is_win"}
    | {"is_bonus", "method", "amount_eur", "username", "registration_date", "country", "gender"}
    | {"affiliate", "operator", "tags", "consent_email", "is_blocked", "name", "provider"}
    | {"categories", "features", "themes", "device", "has_freespins", "reference", "reason"}
    | {"theoretical_rtp", "volatility"}
)
"""Every member of `data` that the contract names for some event."""


# Of two the second is that of a win.
_TOPICS = {
    "gameround": ("BetPlaced", "WinPaid"),
    "rollback": ("BetRolledBack", "WinRolledBack"),
    "roundend": ("RoundEnded",),
    "deposit": ("Deposited",),
    "withdraw": ("Withdrawn",),
    "player": ("PlayerUpdated",),
    "game": ("GameUpdated",),
    "login": ("LoggedIn",),
}


@dataclass(frozen=True)
class WireItem:
    """One item of a request. `data_text` is the JSON text of its `data`, exactly as it is sent."""

    event: str
    data_text: str

    @property
    def data(self) -> dict[str, Any]:
        """The members of `data`: numbers as exact Decimals, of a repeated member the last."""
        read: dict[str, Any] = json.loads(self.data_text, parse_float=Decimal, parse_int=Decimal)
        return read

    @property
    def topic(self) -> str:
        """The domain event that it becomes."""
        topics = _TOPICS[self.event]
        return topics[len(topics) == 2 and self.data["is_win"]]

    @property
    def text(self) -> str:
        """The JSON text of the item."""
        return f'{{"event":{json.dumps(self.event)},"data":{self.data_text}}}'


def body(batch: Sequence[WireItem]) -> bytes:
    """Render a request's body."""
    return f'{{"items":[{",".join(item.text for item in batch)}]}}'.encode()


# Text -------------------------------------------------------------------------------------------

_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(
    "aZ09/\\\"' ~%?#.:;,{}[]\n\té\u2028\ufeff😀𐍈\U0010ffff"
)


def texts(min_size: int = 0, max_size: int = 12) -> SearchStrategy[str]:
    """Draw a string of any Unicode but NUL and lone surrogates; sizes are in code points."""
    return st.text(_characters, min_size=min_size, max_size=max_size)


def ids() -> SearchStrategy[str]:
    """Draw an id of any shape: slashes, quotes, dots, astral characters, up to 255 code points."""
    return st.one_of(
        st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True),
        st.sampled_from(
            [
                "btg/bonanza",
                "book of ra",
                "a//b",
                "/a",
                "a/",
                "..",
                ".",
                "%2F",
                "null",
                "0",
                '"',
                "'",
            ]
        ),
        texts(1, 12),
        st.builds(lambda text: (text * 255)[:255], texts(1, 3)),
    )


@st.composite
def json_string_texts(draw: DrawFn, value: str) -> str:
    """Spell `value` as a JSON string: plain, all escaped, or with the optional escapes."""
    spelling = draw(st.sampled_from(["plain", "plain", "ascii", "escaped"]))
    if spelling == "escaped":
        units = value.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2)) + '"'
    text = json.dumps(value, ensure_ascii=spelling == "ascii")
    return text.replace("/", "\\/") if draw(st.booleans()) else text


# Numbers ----------------------------------------------------------------------------------------

_integers = (
    st.integers(0, 10_000) | st.integers(0, 10**20 - 1) | st.sampled_from([0, 10**19, 10**20 - 1])
)
_fractions = (
    st.just("")
    | st.from_regex(r"[0-9]{1,2}", fullmatch=True)
    | st.from_regex(r"[0-9]{1,18}", fullmatch=True)
)


@st.composite
def number_texts(draw: DrawFn, integer: str, fraction: str) -> str:
    """Spell the decimal `integer`.`fraction` (digits alone) in one of JSON's notations."""
    match draw(st.sampled_from(["plain", "plain", "zeros", "exponent", "exponent"])):
        case "plain":
            return f"{integer}.{fraction}" if fraction else integer
        case "zeros":
            return f"{integer}.{fraction}{'0' * draw(st.integers(1, 40))}"
    digits = integer + fraction + "0" * draw(st.integers(0, 5))
    point = draw(st.integers(1, len(digits)))
    exponent = len(integer) - point
    lead = digits[:point].lstrip("0") or "0"
    tail = f".{digits[point:]}" if digits[point:] else ""
    sign = draw(st.sampled_from(["", "+"])) if exponent >= 0 else "-"
    zeros = "0" * draw(st.integers(0, 2))
    return f"{lead}{tail}{draw(st.sampled_from('eE'))}{sign}{zeros}{abs(exponent)}"


@st.composite
def amount_texts(draw: DrawFn) -> str:
    """Draw a valid amount as JSON: up to 20 digits before and 18 after the point, any notation."""
    integer, fraction = str(draw(_integers)), draw(_fractions)
    minus = "-" if not (integer + fraction).strip("0") and draw(st.booleans()) else ""
    return minus + draw(number_texts(integer, fraction))


@st.composite
def ratio_texts(draw: DrawFn) -> str:
    """Draw a number from 0 to 2 as JSON, any notation."""
    integer = draw(st.sampled_from(["0", "0", "1", "2"]))
    return draw(number_texts(integer, "00" if integer == "2" else draw(_fractions)))


# Times ------------------------------------------------------------------------------------------

_offsets = st.just(timedelta(0)) | st.builds(
    lambda minutes: timedelta(minutes=minutes), st.integers(-23 * 60 - 59, 23 * 60 + 59)
)


@st.composite
def timestamp_texts(draw: DrawFn, earliest: datetime | None = None, latest: datetime = NOW) -> str:
    """Draw an RFC 3339 timestamp from `earliest` (default: 30 days before `latest`) to `latest`.

    With any offset or none, 0 to 9 digits of a second's fraction, upper or lower case.
    """
    if earliest is None:
        earliest = latest - timedelta(days=30)
    moment = draw(st.datetimes(earliest.replace(tzinfo=None), latest.replace(tzinfo=None))).replace(
        tzinfo=UTC
    )
    offset = draw(_offsets)
    local = moment.astimezone(timezone(offset)).replace(tzinfo=None)
    separator = draw(st.sampled_from("TTTt"))
    second = f"{local:%H:%M:%S}"
    fraction = draw(
        st.sampled_from(["", "", f".{local:%f}", f".{local:%f}999", f".{local:%f}"[:3]])
    )
    if offset:
        minutes = int(abs(offset).total_seconds()) // 60
        sign = "-" if offset < timedelta(0) else "+"
        zone = f"{sign}{minutes // 60:02}:{minutes % 60:02}"
    else:
        zone = draw(st.sampled_from(["Z", "Z", "", "z", "+00:00", "-00:00"]))
    return f"{local.date().isoformat()}{separator}{second}{fraction}{zone}"


# Values nobody reads ----------------------------------------------------------------------------

_untamed_numbers = st.sampled_from(["0", "-0", "1e400", "-1.50", "12345678901234567890123456789"])


def json_texts(max_leaves: int = 8) -> SearchStrategy[str]:
    """Draw the text of any JSON value: numbers beyond a float, NUL escapes, repeated members."""
    strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=6).flatmap(
        json_string_texts
    )
    leaves = st.sampled_from(["null", "true", "false"]) | _untamed_numbers | strings
    return st.recursive(
        leaves,
        lambda values: st.one_of(
            st.lists(values, max_size=3).map(lambda texts: f"[{', '.join(texts)}]"),
            st.lists(st.tuples(strings, values), max_size=3).map(
                lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
            ),
        ),
        max_leaves=max_leaves,
    )


# Items ------------------------------------------------------------------------------------------

Members = list[tuple[str, str]]
"""Name and JSON text of each member, in the order sent."""


def _strings(values: SearchStrategy[str]) -> SearchStrategy[str]:
    return values.flatmap(json_string_texts)


_nullable_strings = st.just("null") | _strings(texts())
_nullable_booleans = st.sampled_from(["null", "true", "false"])
_nullable_arrays = st.just("null") | st.lists(_strings(texts()), max_size=3).map(
    lambda texts: f"[{','.join(texts)}]"
)
_registration_dates = st.one_of(
    st.just("null"),
    _strings(st.dates().map(lambda day: day.isoformat())),
    _strings(timestamp_texts(datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC))),
)

_OPTIONAL: dict[str, dict[str, SearchStrategy[str]]] = {
    "rollback": {"reference": st.just("null") | _strings(ids()), "reason": _nullable_strings},
    "deposit": {"amount_eur": st.just("null") | amount_texts()},
    "player": {
        "username": _nullable_strings,
        "registration_date": _registration_dates,
        "country": _nullable_strings,
        "currency": _nullable_strings,
        "gender": st.sampled_from(["null", '"M"', '"F"']),
        "affiliate": _nullable_strings,
        "operator": _nullable_strings,
        "tags": _nullable_arrays,
        "consent_email": _nullable_booleans,
        "is_blocked": _nullable_booleans,
    },
    "game": {
        "name": _nullable_strings,
        "provider": _nullable_strings,
        "categories": _nullable_arrays,
        "features": _nullable_arrays,
        "themes": _nullable_arrays,
        "device": _nullable_strings,
        "has_freespins": st.sampled_from(["null", '"yes"', '"no"', '"unknown"']),
        "theoretical_rtp": st.just("null") | ratio_texts(),
        "volatility": st.just("null") | amount_texts(),
    },
}

_REQUIRED = {
    "gameround": "player_id game_id round_id amount currency is_win is_bonus",
    "rollback": "player_id game_id round_id amount currency is_win is_bonus",
    "roundend": "player_id game_id round_id",
    "deposit": "player_id amount currency method",
    "withdraw": "player_id amount currency method",
    "player": "player_id",
    "game": "game_id",
    "login": "player_id",
}

_unknown_members = st.lists(
    st.tuples(texts(max_size=6).filter(lambda name: name not in NAMED_MEMBERS), json_texts()),
    max_size=2,
)


@st.composite
def item_members(
    draw: DrawFn,
    event: str,
    *,
    unique_ids: SearchStrategy[str] | None = None,
    player_ids: SearchStrategy[str] | None = None,
    game_ids: SearchStrategy[str] | None = None,
    round_ids: SearchStrategy[str] | None = None,
    currencies: SearchStrategy[str] | None = None,
    timestamps: SearchStrategy[str] | None = None,
    amounts: SearchStrategy[str] | None = None,
    references: SearchStrategy[str] | None = None,
) -> Members:
    """Draw the members of a valid item's `data`, each once, in any order, unknown ones among them."""
    required = {
        "player_id": _strings(ids() if player_ids is None else player_ids),
        "game_id": _strings(ids() if game_ids is None else game_ids),
        "round_id": _strings(ids() if round_ids is None else round_ids),
        "amount": amount_texts() if amounts is None else amounts,
        "currency": _strings(st.sampled_from(CURRENCIES) if currencies is None else currencies),
        "is_win": st.sampled_from(["true", "false"]),
        "is_bonus": st.sampled_from(["true", "false"]),
        "method": _strings(ids()),
    }
    members = [
        ("unique_id", draw(_strings(ids() if unique_ids is None else unique_ids))),
        ("timestamp", draw(_strings(timestamp_texts() if timestamps is None else timestamps))),
        *((name, draw(required[name])) for name in _REQUIRED[event].split()),
    ]
    optional = dict(_OPTIONAL.get(event, {}))
    if references is not None and "reference" in optional:
        optional["reference"] = _strings(references)
    if optional:
        chosen = draw(st.sets(st.sampled_from(sorted(optional))))
        members += [(name, draw(optional[name])) for name in sorted(chosen)]
    members += draw(_unknown_members)
    return draw(st.permutations(members)) if draw(st.booleans()) else members


@st.composite
def render(draw: DrawFn, members: Members) -> str:
    """Spell an object: any white space, escaped member names."""
    gap = draw(st.sampled_from(["", "", " ", "\n ", "\t\r\n"]))
    names = [
        draw(json_string_texts(name)) if draw(st.integers(0, 7)) == 0 else json.dumps(name)
        for name, _ in members
    ]
    inside = f",{gap}".join(
        f"{name}:{gap}{value}" for name, (_, value) in zip(names, members, strict=True)
    )
    return f"{{{gap}{inside}{gap}}}"


@st.composite
def items(
    draw: DrawFn,
    events: SearchStrategy[str] | None = None,
    *,
    unique_ids: SearchStrategy[str] | None = None,
    player_ids: SearchStrategy[str] | None = None,
    game_ids: SearchStrategy[str] | None = None,
    round_ids: SearchStrategy[str] | None = None,
    currencies: SearchStrategy[str] | None = None,
    timestamps: SearchStrategy[str] | None = None,
    amounts: SearchStrategy[str] | None = None,
    references: SearchStrategy[str] | None = None,
    repeated_members: bool = True,
) -> WireItem:
    """Draw a valid item of any event (or of `events`).

    `timestamps` and `amounts` draw texts (`timestamp_texts`, `amount_texts`), the others plain values.
    With `repeated_members` some items hold a member twice, first with a value that need not be valid;
    the last one counts.
    """
    event = draw(st.sampled_from(EVENTS) if events is None else events)
    members = draw(
        item_members(
            event,
            unique_ids=unique_ids,
            player_ids=player_ids,
            game_ids=game_ids,
            round_ids=round_ids,
            currencies=currencies,
            timestamps=timestamps,
            amounts=amounts,
            references=references,
        )
    )
    if repeated_members and draw(st.integers(0, 9)) == 0:
        index = draw(st.integers(0, len(members) - 1))
        members.insert(draw(st.integers(0, index)), (members[index][0], draw(json_texts(4))))
    return WireItem(event, draw(render(members)))


class _Number(str):
    """A number as its digits."""

    __slots__ = ()


_PLAIN_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


@st.composite
def respellings(draw: DrawFn, item: WireItem) -> WireItem:
    """Spell an item's data another way: equal as a JSON value, so a duplicate of it."""

    def spell(value: Any) -> str:
        match value:
            case _Number():
                plain = _PLAIN_NUMBER.fullmatch(value)
                return draw(number_texts(plain[1], plain[2] or "")) if plain else str(value)
            case str():
                return draw(json_string_texts(value))
            case list():
                return f"[{','.join(map(spell, value))}]"
            case dict():
                return draw(render([(name, spell(member)) for name, member in value.items()]))
            case _:
                return json.dumps(value)

    read = json.loads(item.data_text, parse_float=_Number, parse_int=_Number)
    members = [(name, spell(value)) for name, value in read.items()]
    return WireItem(item.event, draw(render(draw(st.permutations(members)))))


def batches(
    of: SearchStrategy[WireItem] | None = None,
    *,
    min_size: int = 0,
    max_size: int = 8,
    **narrowed: Any,
) -> SearchStrategy[list[WireItem]]:
    """Draw the items of a request; `narrowed` is handed to `items`.

    Items of one batch may share ids by chance only: narrow `unique_ids` for duplicates and conflicts.
    """
    return st.lists(items(**narrowed) if of is None else of, min_size=min_size, max_size=max_size)
