"""The bets and wins of rounds, and what took them back, read from the log by their positions."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from domain.events import BetPlaced, RolledBack, RoundEvent, Split, is_bare
from domain.instant import as_datetime
from domain.money import plain
from domain.rollback import first_of_kind
from domain.split import kind_of
from projections.reading import Amount, Snapshot, read_events

_AT_ONCE = 1_000


class PlayedView(Struct, frozen=True):
    """A bet or a win of a round, and what took it back: the earliest rollback of the round that names it.

    Of one that moved both, `bonus_amount` was bonus money, and the rest real.
    """

    unique_id: str
    timestamp: datetime
    amount: Amount
    currency: str
    is_bonus: bool
    position: int
    rolled_back_by: str | None = None
    rolled_back_at: datetime | None = None
    bonus_amount: Amount | UnsetType = UNSET


class Played(Struct, frozen=True):
    """The bets and the wins of one round, each by timestamp, then unique_id."""

    bets: list[PlayedView]
    wins: list[PlayedView]


def read_played(seen: Snapshot, rounds: Sequence[Sequence[int]]) -> list[Played]:
    """Read what was bet and won in each round, given the positions of its events.

    Within the round's own snapshot, so that bets and wins agree with its sums.
    """
    place = {position: index for index, held in enumerate(rounds) for position in held}
    positions = list(place)
    found: list[list[tuple[int, RoundEvent]]] = [[] for _ in rounds]
    for start in range(0, len(positions), _AT_ONCE):
        chunk = positions[start : start + _AT_ONCE]
        for position, event in read_events(seen, chunk):
            if is_bare(event):
                continue  # erased since; the round is about to be made anew without
            if not isinstance(event, RoundEvent):
                raise TypeError(f"the event at position {position} is no movement in a round")
            found[place[position]].append((position, event))
    return list(map(_played, found))


def _played(events: Sequence[tuple[int, RoundEvent]]) -> Played:
    played = Played([], [])
    taken_back = first_of_kind(event for _, event in events if isinstance(event, RolledBack))
    for position, event in events:
        if not isinstance(event, RolledBack):
            side = played.bets if isinstance(event, BetPlaced) else played.wins
            side.append(_view(event, position, taken_back.get((kind_of(event), event.unique_id))))
    played.bets.sort(key=_by_time)
    played.wins.sort(key=_by_time)
    return played


def _view(event: RoundEvent, position: int, rollback: RolledBack | None) -> PlayedView:
    return PlayedView(
        event.unique_id,
        as_datetime(event.timestamp),
        plain(event.amount),
        event.currency,
        event.is_bonus,
        position,
        rollback.unique_id if rollback else None,
        as_datetime(rollback.timestamp) if rollback else None,
        plain(event.bonus_amount) if isinstance(event, Split) else UNSET,
    )


def _by_time(view: PlayedView) -> tuple[datetime, str]:
    return view.timestamp, view.unique_id
