"""The contract's rules for items once more, written plainly on parsed JSON, to compare with."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from tests.strategies import CURRENCIES, NOW

_WIDE = Context(prec=1000)
_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?([Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)

ID = ("unique_id", "player_id", "game_id", "round_id", "method", "reference")
MEMBERS = {
    "gameround": "unique_id timestamp player_id game_id round_id amount currency is_win is_bonus",
    "rollback": "unique_id timestamp player_id game_id round_id amount currency is_win is_bonus",
    "roundend": "unique_id timestamp player_id game_id round_id",
    "deposit": "unique_id timestamp player_id amount currency method",
    "withdraw": "unique_id timestamp player_id amount currency method",
    "player": "unique_id timestamp player_id",
    "game": "unique_id timestamp game_id",
    "login": "unique_id timestamp player_id",
}
NULLABLE = {
    "deposit": "amount_eur",
    "player": "username registration_date country currency gender affiliate operator tags"
    " consent_email is_blocked",
    "game": "name provider categories features themes device has_freespins theoretical_rtp volatility",
    "rollback": "reference reason",
}


def moment_of(value: str) -> datetime | None:
    found = _TIMESTAMP.fullmatch(value)
    if not found:
        return None
    hour, minute, second = (int(found[group]) for group in (2, 3, 4))
    offset = timedelta()
    try:
        local = datetime.combine(date.fromisoformat(found[1]), datetime.min.time(), UTC)
        if found[6]:
            if int(found[7]) > 23 or int(found[8]) > 59:
                return None
            offset = timedelta(hours=int(found[7]), minutes=int(found[8]))
            offset = -offset if found[6] == "-" else offset
        if hour > 23 or minute > 59 or second > 59:
            return None
        # Added in one step, so that a sum outside the years is one although a part lies inside.
        return local + (timedelta(hours=hour, minutes=minute, seconds=second) - offset)
    except (ValueError, OverflowError):
        return None


def is_text(value: object) -> bool:
    return type(value) is str and "\0" not in value


def is_id(value: object) -> bool:
    return is_text(value) and 1 <= len(str(value)) <= 255


def is_amount(value: object) -> bool:
    if not isinstance(value, Decimal):
        return False
    return 0 <= value < 10**20 and value.scaleb(18, _WIDE) == int(value.scaleb(18, _WIDE))


def is_timestamp(value: object) -> bool:
    moment = moment_of(value) if isinstance(value, str) else None
    return moment is not None and moment <= NOW + timedelta(hours=24)


def is_day_or_timestamp(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return moment_of(value) is not None or moment_of(f"{value}T00:00:00Z") is not None


def is_known_currency(value: object) -> bool:
    return isinstance(value, str) and value in CURRENCIES


def _rule(event: str, name: str) -> Callable[[Any], bool]:
    if name in ID:
        return is_id
    if name == "currency" and event != "player":
        return is_known_currency
    rules: dict[str, Callable[[Any], bool]] = {
        "timestamp": is_timestamp,
        "amount": is_amount,
        "amount_eur": is_amount,
        "theoretical_rtp": lambda value: is_amount(value) and value <= 2,
        "volatility": is_amount,
        "registration_date": is_day_or_timestamp,
        "gender": lambda value: value in ("M", "F"),
        "has_freespins": lambda value: value in ("yes", "no", "unknown"),
    }
    if name in {"is_win", "is_bonus", "consent_email", "is_blocked"}:
        return lambda value: isinstance(value, bool)
    return rules.get(name, is_text)


def number(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent that no Decimal holds: of zero, or of something huge
        return Decimal(0) if Decimal(re.split("[eE]", digits)[0]) == 0 else Decimal("Infinity")


def parse(text: str) -> Any:
    return json.loads(text, parse_float=number, parse_int=number)


def faulty(event: str, data: dict[str, Any]) -> Iterator[str]:
    """Yield the pointer, below `data` (as `parse` reads it), of each fault."""
    required = MEMBERS[event].split()
    for name in (*required, *NULLABLE.get(event, "").split()):
        if name not in data:
            if name in required:
                yield f"/{name}"
            continue
        value = data[name]
        if name not in required and value is None:
            continue
        if name in {"tags", "categories", "features", "themes"} and isinstance(value, list):
            yield from (f"/{name}/{i}" for i, text in enumerate(value) if not is_text(text))
        elif name in {"tags", "categories", "features", "themes"} or not _rule(event, name)(value):
            yield f"/{name}"
