"""Amounts of money: exact decimals, read from digits, added without rounding, written plainly."""

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, Rounded

MAX_INTEGER_DIGITS = 20
MAX_FRACTION_DIGITS = 18

# Sums are unbounded: a context that would rather raise than round. A Decimal's own operators use the
# thread's context, which rounds to 28 digits, so sums go through `EXACT` alone.
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, Rounded])

ZERO = Decimal(0)

_COMMON = re.compile(r"(?:0|[1-9]\d{0,19})(?:\.\d{1,18})?", re.ASCII)
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_LONGEST_EXPONENT = 18


class AmountError(ValueError):
    """A number that is no amount. `code` is the stable name of the fault."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep `code` (for programs) beside `detail` (for people)."""
        super().__init__(detail)
        self.code = code


def parse_amount(digits: str) -> Decimal:
    """Read an amount from the digits of a JSON number, exactly.

    At most 20 digits before and 18 after the point, judged by value: `1e2`, `-0` and trailing zeros
    are fine. Raises AmountError, with the code `negative` or `too_many_digits`.
    """
    if _COMMON.fullmatch(digits):
        return Decimal(digits)
    sign, significant, exponent = number_value(digits)
    if significant == "":
        return ZERO
    if sign:
        raise AmountError("negative", "must not be negative")
    if isinstance(exponent, str):
        raise AmountError("too_many_digits", "has too many digits")
    if len(significant) + exponent > MAX_INTEGER_DIGITS:
        raise AmountError("too_many_digits", "has more than 20 digits before the point")
    if -exponent > MAX_FRACTION_DIGITS:
        raise AmountError("too_many_digits", "has more than 18 digits after the point")
    return Decimal(f"{significant}e{exponent}")


def number_value(digits: str) -> tuple[bool, str, int | str]:
    """Reduce a JSON number of any size to its exact value, without computing it.

    Returns (negative, significant, exponent): the value is ±significant × 10^exponent, where
    significant has no leading and no trailing zeros; zero is (False, "", 0). An exponent of more
    than 18 digits is given as text: Python refuses to write or read an int of thousands.
    Raises ValueError if the text is no JSON number.
    """
    found = _NUMBER.fullmatch(digits)
    if found is None:
        raise ValueError("not a JSON number")
    sign, integer, fraction, exponent = found.groups(default="")
    joined = (integer + fraction).lstrip("0")
    significant = joined.rstrip("0")
    if not significant:
        return False, "", 0
    shift = len(joined) - len(significant) - len(fraction)
    if not exponent:
        return bool(sign), significant, shift
    minus = "-" if exponent.startswith("-") else ""
    # Leading zeros go first: int() refuses a text of more than 4,300 digits, whatever its value.
    power = exponent.lstrip("+-").lstrip("0") or "0"
    if len(power) <= _LONGEST_EXPONENT:
        exact: int | Decimal = int(minus + power) + shift
    else:
        exact = EXACT.add(Decimal(minus + power), shift)
    is_short = -(10**_LONGEST_EXPONENT) < exact < 10**_LONGEST_EXPONENT
    return bool(sign), significant, int(exact) if is_short else str(exact)


def plain(amount: Decimal) -> str:
    """Write an amount in plain decimal notation: no exponent, no trailing zeros, no minus on zero."""
    if not amount:
        return "0"
    text = str(amount)
    if "E" in text:
        text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
