"""How the sums of a round stand in its table: JSON, by currency."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from domain.money import plain
from domain.round import RoundSums
from domain.wagers import NOTHING, TakenBack
from projections.rolled_back import rolled_back_view

_encode_json = msgspec.json.Encoder().encode


class _Sums(Struct, array_like=True, gc=False):
    """The sums of a round as the table holds them; what was rolled back follows only where there is any."""

    bet_real: Decimal
    bet_bonus: Decimal
    win_real: Decimal
    win_bonus: Decimal
    days: frozenset[date]
    rolled_back: tuple[Decimal, Decimal, Decimal, Decimal, int, int] | None = None


_SUMS = msgspec.json.Decoder(dict[str, _Sums])
_TEXTS = msgspec.json.Decoder(dict[str, list[Any]])


def encode_sums(sums: dict[str, RoundSums]) -> str:
    """Write the sums of a round as the table holds them: the same text for the same sums."""
    amounts = {
        currency: (
            plain(s.bet_real),
            plain(s.bet_bonus),
            plain(s.win_real),
            plain(s.win_bonus),
            sorted(s.days),
            *_taken_back(s.rolled_back),
        )
        for currency, s in sorted(sums.items())
    }
    return _encode_json(amounts).decode()


def _taken_back(rolled_back: TakenBack) -> Sequence[object]:
    return () if rolled_back is NOTHING else (astuple(rolled_back_view(rolled_back)),)


def decode_sums(sums: str) -> dict[str, RoundSums]:
    """Read the sums of a round as the table holds them, by currency."""
    return {
        currency: RoundSums(
            TakenBack(*s.rolled_back) if s.rolled_back else NOTHING,
            s.bet_real,
            s.bet_bonus,
            s.win_real,
            s.win_bonus,
            s.days,
        )
        for currency, s in _SUMS.decode(sums).items()
    }


def sums_by_currency(sums: str) -> Sequence[tuple[str | None, Sequence[Any]]]:
    """Return the sums of a round as its table holds them, texts as they are, by currency.

    Of each: bet_real, bet_bonus, win_real, win_bonus, its days, and what was rolled back, if anything was.
    """
    return list(_TEXTS.decode(sums).items())
