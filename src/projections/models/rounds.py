"""Rounds: bets paired with wins, what was taken back, and how they end, by player, game and round."""

import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from domain.events import RoundEnded, RoundEvent
from domain.gaming_day import GamingDays
from domain.ids import Id
from domain.money import plain
from domain.round import Round, Status, fold_round, newly_played
from postgres.binary import bigints, copy_in, micros, moment_or_null, text
from postgres.connections import Connection
from postgres.rows import fetch_pairs
from postgres.statements import Statement, Statements
from projections.entries import Entries, Scope, Stretch, group_by, group_entries
from projections.models import activity
from projections.models.activity import Cell
from projections.models.played import PlayedView, read_played
from projections.models.round_sums import decode_sums, encode_sums
from projections.reading import PAGE_BYTES, Amount, Rows, Snapshot, measured_rows, select_pairs
from projections.rolled_back import RolledBackView, rolled_back_view
from projections.upserts import array, columns, upsert

VERSION = 2
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""
TABLES = ["rounds"]


class Sql(Statements):
    """Writing rounds, and reading them."""

    known_rounds: Statement
    copy_rounds: Statement
    update_rounds: Statement
    find_rounds: Statement


SQL = Sql(__file__)

_encode_name = msgspec.msgpack.Encoder().encode

# Of the statement `copy_rounds`: tenant and generation, then the other fields but texts and positions.
_FIELDS = 15
_SCOPE = struct.Struct(">hiiii")
_NUMBERS = struct.Struct(">i16siqiqiiiii?")


_NAME = ("player_id", "game_id", "round_id")
_UPDATED = (
    "key", *_NAME, "first_at", "last_at", "bet_count", "win_count", "status", "mixed_currency",
    "sums", "ended_at", "positions",
)  # fmt: skip


RoundName = tuple[str, str, str]
"""What names a round: player, game and its id, which is unique only within those."""

_name_of: Callable[[RoundEvent | RoundEnded], RoundName] = attrgetter(*_NAME)


def round_key(name: RoundName) -> bytes:
    """Hash a name to 16 bytes (BLAKE2b, RFC 7693); the three ids may be too wide for an index."""
    return blake2b(_encode_name(name), digest_size=16).digest()


class Moved(NamedTuple):
    """What happened in one round, in the order of the log, and what it is if there was nothing before.

    The positions are those of `events` alone: an end has nothing to show but its time. As nearly all rounds
    are new, `row` is what is copied then, but for the scope.
    """

    name: RoundName
    events: Sequence[RoundEvent]
    ends: Sequence[RoundEnded]
    positions: Sequence[int]
    alone: Round
    row: bytes


class Folded(NamedTuple):
    """Rounds by their keys, and the days by which they are counted."""

    rounds: Mapping[bytes, Moved]
    days: GamingDays


def fold(stretch: Stretch) -> Folded:
    """Fold a stretch of the log into what its rounds are if they are new, by their keys."""
    folded, days = {}, stretch.days
    played = group_entries(stretch.played, map(_name_of, stretch.played.events))
    ended = [event for event in stretch.others.events if isinstance(event, RoundEnded)]
    ends_of = group_by(ended, map(_name_of, ended))
    for name in ends_of:
        played.setdefault(name, Entries([], []))
    for name, (positions, events) in played.items():
        ends = ends_of.get(name, ())
        key, alone = round_key(name), fold_round(events, ends=ends, day_of=days.of)
        row = _new_row(key, name, alone, positions)
        folded[key] = Moved(name, events, ends, positions, alone, row)
    if len(folded) != len(played):
        raise RuntimeError("two rounds have one key")
    return Folded(folded, days)


def write(connection: Connection, scope: Scope, folded: Folded) -> None:
    """Add rounds that are new, and what happened to those that are known.

    What is new to them is counted in `activity`: on which days a round was played is known here alone.
    """
    rounds, days = folded
    if not rounds:
        return
    known = _known_rounds(connection, scope, rounds)
    in_scope = _SCOPE.pack(_FIELDS, 4, scope.tenant_id, 4, scope.generation)
    new, changed = [], []
    counted: Counter[Cell] = Counter()
    for key, (name, events, ends, positions, alone, row) in rounds.items():
        start = known.get(key)
        state = fold_round(events, start, ends, day_of=days.of) if start else alone
        for day, currency in newly_played(start, state):
            counted[day, name[1], currency] += 1
        if start is None:
            new.append(in_scope + row)
        else:
            changed.append((key.hex(), *name, *_row(state), array(positions)))
    if new:
        copy_in(connection, SQL.copy_rounds, new)
    upsert(connection, SQL.update_rounds, scope, columns(changed, _UPDATED))
    activity.count_rounds(connection, scope, counted)


def _known_rounds(
    connection: Connection, scope: Scope, keys: Iterable[bytes]
) -> dict[bytes, Round]:
    parameters = {**scope._asdict(), "keys": b"".join(keys)}
    return dict(fetch_pairs(connection, SQL.known_rounds, parameters, "key", _known, binary=True))


def _known(
    first_at: datetime,
    last_at: datetime,
    bet_count: int,
    win_count: int,
    sums: str,
    ended_at: datetime | None,
) -> Round:
    return Round(first_at, last_at, bet_count, win_count, decode_sums(sums), ended_at)


def _row(state: Round) -> tuple[datetime, datetime, int, int, str, bool, str, datetime | None]:
    return (
        state.first_at,
        state.last_at,
        state.bet_count,
        state.win_count,
        state.status,
        state.mixed_currency,
        encode_sums(state.sums),
        state.ended_at,
    )


def _new_row(key: bytes, name: RoundName, state: Round, positions: Sequence[int]) -> bytes:
    player_id, game_id, round_id = name
    return b"".join(
        (
            _NUMBERS.pack(
                16, key, 8, micros(state.first_at), 8, micros(state.last_at),
                4, state.bet_count, 4, state.win_count, 1, state.mixed_currency,
            ),
            text(state.status),
            text(player_id),
            text(game_id),
            text(round_id),
            text(encode_sums(state.sums)),
            moment_or_null(state.ended_at),
            bigints(positions),
        )
    )  # fmt: skip


class RoundFilters(Struct, frozen=True):
    """Which rounds; the times are about the first of their events."""

    player_id: Id | None = None
    game_id: Id | None = None
    round_id: Id | None = None
    status: Status | None = None
    mixed_currency: bool | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class RoundSumsView(Struct, frozen=True):
    """What was bet and won in one currency, without what was rolled back; net is wins minus bets."""

    currency: str
    bet_real: Amount
    bet_bonus: Amount
    win_real: Amount
    win_bonus: Amount
    net_real: Amount
    net_bonus: Amount
    rolled_back: RolledBackView


class RoundView(Struct, frozen=True):
    """A round. `sums` are by currency; `bets` and `wins` are there where a round_id was asked for.

    Counts are of what was sent. `ended_at` is when it was first said to be over, null where nothing said so.
    """

    player_id: str
    game_id: str
    round_id: str
    status: Status
    mixed_currency: bool
    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    ended_at: datetime | None
    sums: list[RoundSumsView]
    bets: list[PlayedView] | UnsetType = UNSET
    wins: list[PlayedView] | UnsetType = UNSET


class FoundRound(NamedTuple):
    """A round as its table has it, and where its bets and wins stand in the log."""

    player_id: str
    game_id: str
    round_id: str
    status: Status
    mixed_currency: bool
    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    ended_at: datetime | None
    sums: str
    positions: list[int]

    def view(self) -> RoundView:
        """Show it, without its bets and wins."""
        members = self._asdict() | {"sums": _sums_view(self.sums)}
        del members["positions"]
        return RoundView(**members)


RoundPlace = tuple[datetime, Annotated[bytes, Meta(min_length=16, max_length=16)]]
"""Time of the first event, and the key: the order of rounds, backwards."""


def find_rounds(
    seen: Snapshot, filters: RoundFilters, after: RoundPlace | None, limit: int
) -> Rows[RoundView, RoundPlace]:
    """List rounds, the last begun first; fewer than `limit` where they are large."""
    after_at, after_key = after or (None, None)
    found = select_pairs(
        seen,
        SQL.find_rounds,
        "selected",
        FoundRound,
        filters,
        after_at=after_at,
        after_key=after_key,
        limit=limit + 1,
        page_bytes=PAGE_BYTES,
    )
    page = measured_rows([(selected, row.view()) for selected, row in found], limit, _place)
    if filters.round_id is None:
        return page
    played = read_played(seen, [row.positions for _, row in found[:limit]])
    whole = [
        msgspec.structs.replace(view, bets=moves.bets, wins=moves.wins)
        for view, moves in zip(page.items, played, strict=True)
    ]
    return Rows(whole, page.last_place)


def _place(view: RoundView) -> RoundPlace:
    return view.first_at, round_key((view.player_id, view.game_id, view.round_id))


def _sums_view(sums: str) -> list[RoundSumsView]:
    return [
        RoundSumsView(
            currency,
            plain(total.bet_real),
            plain(total.bet_bonus),
            plain(total.win_real),
            plain(total.win_bonus),
            plain(total.net_real),
            plain(total.net_bonus),
            rolled_back_view(total.rolled_back),
        )
        for currency, total in sorted(decode_sums(sums).items())
    ]
