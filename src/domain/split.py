"""Movements of real and bonus money at once, seen as what they are made of."""

from collections.abc import Mapping

from domain.events import (
    BetPlaced,
    BetRolledBack,
    Event,
    RoundEvent,
    Split,
    SplitBet,
    SplitBetRolledBack,
    SplitWin,
    SplitWinRolledBack,
    WinPaid,
    WinRolledBack,
)
from domain.money import EXACT

_KINDS: Mapping[type[Event], type[RoundEvent]] = {
    SplitBet: BetPlaced,
    SplitWin: WinPaid,
    SplitBetRolledBack: BetRolledBack,
    SplitWinRolledBack: WinRolledBack,
}


def kind_of(event: Event) -> type[Event]:
    """Return the type of an event, whatever money it moves."""
    kind = type(event)
    return _KINDS.get(kind, kind)


def parts(event: RoundEvent) -> tuple[RoundEvent, ...]:
    """Return a movement for each money that an event moves: one, or the real and the bonus part."""
    if not isinstance(event, Split):
        return (event,)
    real = EXACT.subtract(event.amount, event.bonus_amount)
    kind = _KINDS[type(event)]
    where = (event.unique_id, event.timestamp, event.player_id, event.game_id, event.round_id)
    return (
        kind(*where, real, event.currency, is_bonus=False),
        kind(*where, event.bonus_amount, event.currency, is_bonus=True),
    )
