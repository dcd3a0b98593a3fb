"""What a rollback takes back, as far as its reference tells: nothing of it changes a sum."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from typing import Literal, TypeVar

from domain.events import (
    BetPlaced,
    BetRolledBack,
    Event,
    RolledBack,
    RoundEvent,
    Split,
    WinPaid,
    WinRolledBack,
)
from domain.split import kind_of

K = TypeVar("K", bound=Hashable)

Status = Literal["matched", "mismatched", "repeated", "unmatched", "unreferenced"]

_TAKES_BACK: dict[type[Event], type[Event]] = {BetRolledBack: BetPlaced, WinRolledBack: WinPaid}


def _age(rollback: RolledBack) -> tuple[datetime, str]:
    """Return what tells which of two rollbacks is earlier: the time, then the unique_id."""
    return rollback.timestamp, rollback.unique_id


def _is_taken_back(event: Event, rollback: RolledBack) -> bool:
    """Return whether a rollback and what it refers to agree in all that both know."""
    return (
        isinstance(event, RoundEvent)
        and kind_of(event) is _TAKES_BACK[kind_of(rollback)]
        and _facts(event) == _facts(rollback)
    )


def first_of_kind(rollbacks: Iterable[RolledBack]) -> dict[tuple[type[Event], str], RolledBack]:
    """Find the earliest rollback of each bet and each win, by the type of that and its unique_id."""
    found: dict[tuple[type[Event], str], RolledBack] = {}
    for rollback in sorted(rollbacks, key=_age, reverse=True):
        if rollback.reference is not None:
            found[_TAKES_BACK[kind_of(rollback)], rollback.reference] = rollback
    return found


def statuses(rollbacks: Mapping[K, RolledBack], events: Mapping[str, Event]) -> dict[K, Status]:
    """Tell what each rollback takes back, given the events that they refer to, as far as these are recorded.

    Of the rollbacks of a reference the earliest must be among them.
    """
    earliest: dict[str | None, RolledBack] = {}
    for rollback in sorted(rollbacks.values(), key=_age, reverse=True):
        earliest[rollback.reference] = rollback
    found: dict[K, Status] = {}
    for key, rollback in rollbacks.items():
        event = None if rollback.reference is None else events.get(rollback.reference)
        if rollback.reference is None:
            found[key] = "unreferenced"
        elif event is None:
            found[key] = "unmatched"
        elif rollback is not earliest[rollback.reference]:
            found[key] = "repeated"
        else:
            found[key] = "matched" if _is_taken_back(event, rollback) else "mismatched"
    return found


def _facts(event: RoundEvent) -> tuple[object, ...]:
    return (
        event.player_id,
        event.game_id,
        event.round_id,
        event.amount,
        event.currency,
        event.is_bonus,
        event.bonus_amount if isinstance(event, Split) else None,
    )
