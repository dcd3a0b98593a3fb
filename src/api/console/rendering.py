"""The templates, and how values are written in them."""

import re
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import iso4217
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from markupsafe import Markup, escape

from api.console.moments import on_clock
from domain.money import EXACT, plain

_MINUTE_S = 60
_UNKNOWN = "\N{EN DASH}"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def template_engine(static: str) -> JinjaTemplateEngine:
    """Return what renders the templates; static files are below the path `static`."""
    environment = Environment(
        loader=PackageLoader("api.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": static, "address": address}
    environment.filters |= {
        "amount": amount,
        "local_time": local_time,
        "utc": utc,
        "whole": whole,
        "percent": percent,
        "plain": plain,
        "plus": plus,
        "signed": signed,
        "age": age,
        "after": after,
        "on_clock": on_clock,
        "verbatim": verbatim,
    }
    return JinjaTemplateEngine.from_environment(environment)


def address(path: str, **parameters: Any) -> str:
    """Write an address: a path, and the parameters that are not None or empty. Ids may be anything."""
    given = {name: value for name, value in parameters.items() if value not in (None, "", [], ())}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def amount(value: str | None, currency: str) -> str:
    """Write an amount with the decimals of its currency, and more where it has more: none is ever cut."""
    if value is None:
        return _UNKNOWN
    exact = Decimal(value)
    exponent = exact.as_tuple().exponent
    given = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{exact:,.{max(given, _decimals(currency))}f}".replace("-", "\N{MINUS SIGN}")


def whole(number: int | None) -> str:
    """Write a count."""
    return _UNKNOWN if number is None else f"{number:,}".replace("-", "\N{MINUS SIGN}")


def plus(one: str, other: str) -> str:
    """Add two amounts of one currency, exactly."""
    return plain(EXACT.add(Decimal(one), Decimal(other)))


def signed(number: str | Decimal) -> str:
    """Write how far something is off, to three places."""
    return f"{Decimal(number):+,.3f}".replace("-", "\N{MINUS SIGN}")


def percent(ratio: str | float | None) -> str:
    """Write a ratio, as a return to player, in hundredths with two decimals."""
    if ratio is None:
        return _UNKNOWN
    return f"{Decimal(str(ratio)) * 100:,.2f} %".replace("-", "\N{MINUS SIGN}")


def age(seconds: int) -> str:
    """Write a length of time in its two largest units, as `2 d 5 h`."""
    rest, parts = seconds, []
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length_s)
        parts.append((count, unit))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{count:,} {unit}" for count, unit in parts[:2])


def after(length: timedelta) -> str:
    """Write how long after something else a thing was: below a minute with fractions."""
    seconds = length.total_seconds()
    if seconds < _MINUTE_S:
        return f"+{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    return f"+{age(int(seconds))}"


def local_time(instant: str | datetime, zone: tzinfo) -> str:
    """Write a time as a clock shows it in a zone, to the second."""
    return _moment(instant).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def utc(instant: str | datetime) -> str:
    """Write a time as it is recorded."""
    return instant if isinstance(instant, str) else instant.isoformat().replace("+00:00", "Z")


def verbatim(sent: bytes | str) -> Markup:
    """Write what was sent so that the text in the page is the same to the last byte.

    What turns the direction of writing is marked, and turns nothing but itself: else `{"a": 1}` could be read
    as something else.
    """
    text = escape(sent if isinstance(sent, str) else bytes(sent).decode())
    # As it is in HTML, a carriage return would be read as a line break.
    text = text.replace("\r", Markup("&#13;"))
    return Markup(_TURNING.sub(_marked, text))  # noqa: S704 (escaped above)


def _marked(turning: re.Match[str]) -> str:
    return f'<bdi class="turning" title="U+{ord(turning[0]):04X}">{turning[0]}</bdi>'


def _moment(instant: str | datetime) -> datetime:
    return datetime.fromisoformat(instant) if isinstance(instant, str) else instant


def _decimals(currency: str) -> int:
    try:
        exponent = iso4217.Currency(currency).exponent
    except ValueError:
        return 2
    return 2 if exponent is None else exponent
