"""Adding up structs of counts and exact amounts, member by member."""

from decimal import Decimal
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import astuple

from domain.money import EXACT

Sums = TypeVar("Sums", bound=Struct)


def add_sums(one: Sums, other: Sums) -> Sums:
    """Add what was counted and summed here and there, in one currency. Both stay as they were."""
    members = zip(astuple(one), astuple(other), strict=True)
    return type(one)(*[EXACT.add(a, b) if isinstance(a, Decimal) else a + b for a, b in members])
