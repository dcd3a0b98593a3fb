"""How sums stand in tables: net, and in columns of their own what was rolled back, null where nothing was.

Nearly no row has any of it. So what is net is written for all rows, and the rest for the few, by a statement
of its own.
"""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct, defstruct
from msgspec.structs import astuple

from domain.money import plain
from domain.wagers import NOTHING, CountedWagers, TakenBack
from projections.reading import Amount
from projections.upserts import Columns, columns

Sums = TypeVar("Sums", bound=CountedWagers)

COLUMNS = tuple(f"rolled_back_{name}" for name in TakenBack.__struct_fields__)
"""The columns of what was rolled back."""

Row = tuple[tuple[object, ...], CountedWagers]
"""What tells a row from others, and its sums."""


class Columned(Generic[Sums]):
    """Sums of a kind as columns of a table, whose rows are told apart by the columns `key`."""

    def __init__(self, key: Sequence[str], kind: type[Sums]) -> None:
        """Name the columns of sums after their members."""
        self._key = key
        self._kind = kind
        self.net = kind.__struct_fields__[1:]
        self.row = defstruct(
            f"{kind.__name__}Row", [(name, object) for name in (*self.net, *COLUMNS)]
        )
        """What the columns of both are read as."""

    def net_columns(self, rows: Iterable[Row]) -> Columns:
        """Return what is net, a row for each."""
        return columns([(*key, *net(sums)) for key, sums in rows], (*self._key, *self.net))

    def rolled_back_columns(self, rows: Iterable[Row]) -> Columns:
        """Return what was rolled back, a row for each that has any."""
        return columns(
            [
                (*key, *astuple(sums.rolled_back))
                for key, sums in rows
                if sums.rolled_back is not NOTHING
            ],
            (*self._key, *COLUMNS),
        )

    def sums(self, row: Struct) -> Sums:
        """Return the sums of a row that was read."""
        members = astuple(row)
        taken_back = members[len(self.net) :]
        known = NOTHING if taken_back[-1] is None else TakenBack(*taken_back)
        return self._kind(known, *members[: len(self.net)])


def net(sums: CountedWagers) -> tuple[object, ...]:
    """Return the members of sums but for what was rolled back."""
    return astuple(sums)[1:]


class RolledBackView(Struct, frozen=True):
    """What rollbacks took back, which is no longer in the sums beside it, and in how many of them."""

    bet_real: Amount
    bet_bonus: Amount
    win_real: Amount
    win_bonus: Amount
    bets: int
    wins: int


def rolled_back_view(taken_back: TakenBack) -> RolledBackView:
    """Show what was rolled back."""
    return RolledBackView(
        plain(taken_back.bet_real),
        plain(taken_back.bet_bonus),
        plain(taken_back.win_real),
        plain(taken_back.win_bonus),
        taken_back.bets,
        taken_back.wins,
    )
