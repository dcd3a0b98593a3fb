"""Rounds: bets paired with wins, by player, game and round."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from domain.events import RoundEvent
from domain.ids import Id
from domain.money import plain
from domain.round import Round, RoundSums, Status, fold_round, newly_played
from projections import activity
from projections.activity import Cell
from projections.entries import Entry, Scope, columns, group_by
from projections.played import PlayedView, read_played
from projections.reading import Amount, Rows, Snapshot, rows, select
from projections.statements import Connection, statements

VERSION = 1
"""Raised with each change that makes other rows of the same events: the read models are then rebuilt."""

SQL = statements(__file__)

_SUMS = msgspec.json.Decoder(dict[str, tuple[Decimal, Decimal, Decimal, Decimal, frozenset[date]]])
_UPDATED = (
    "key", "first_at", "last_at", "bet_count", "win_count", "status", "mixed_currency", "sums", "positions",
)  # fmt: skip


class RoundName(NamedTuple):
    """What names a round: its id is unique only within a player and a game."""

    player_id: str
    game_id: str
    round_id: str

    def key(self) -> bytes:
        """Hash the name to 16 bytes (BLAKE2b, RFC 7693); the three ids may be too wide for an index."""
        return blake2b(msgspec.msgpack.encode(self), digest_size=16).digest()


def project(connection: Connection, scope: Scope, entries: Sequence[Entry]) -> None:
    """Add the bets and wins of a stretch of the log to their rounds.

    What is new to them is counted in `activity`: on which days a round was played is known here alone.
    """
    played = group_by(
        [(entry.event, entry.position) for entry in entries if isinstance(entry.event, RoundEvent)],
        lambda move: RoundName(move[0].player_id, move[0].game_id, move[0].round_id),
    )
    if not played:
        return
    keys = {name: name.key() for name in played}
    known = _known_rounds(connection, scope, list(keys.values()))
    new, changed = [], []
    counted: Counter[Cell] = Counter()
    for name, moves in played.items():
        key = keys[name]
        start = known.get(key)
        state = fold_round([event for event, _ in moves], start)
        counted.update(
            Cell(day, name.game_id, currency) for day, currency in newly_played(start, state)
        )
        row = (
            state.first_at,
            state.last_at,
            state.bet_count,
            state.win_count,
            state.status,
            state.mixed_currency,
            _encode_sums(state.sums),
            "{" + ",".join(str(position) for _, position in moves) + "}",
        )
        if start is None:
            new.append((*scope, key, *name, *row))
        else:
            changed.append((key, *row))
    if new:
        with connection.cursor() as cursor, cursor.copy(SQL.copy_rounds.sql) as sink:
            for new_row in new:
                sink.write_row(new_row)
    if changed:
        written = connection.execute(
            SQL.update_rounds.sql, scope._asdict() | columns(changed, _UPDATED)
        )
        if written.rowcount != len(changed):
            raise RuntimeError(f"{written.rowcount} rounds were updated, not {len(changed)}")
    activity.count_rounds(connection, scope, counted)


def _known_rounds(
    connection: Connection, scope: Scope, keys: Sequence[bytes]
) -> dict[bytes, Round]:
    found = connection.execute(SQL.known_rounds.sql, {**scope._asdict(), "keys": keys}, binary=True)
    return {
        key: Round(first_at, last_at, bet_count, win_count, decode_sums(sums))
        for key, first_at, last_at, bet_count, win_count, sums in found
    }


def _encode_sums(sums: dict[str, RoundSums]) -> str:
    amounts = {
        currency: (
            plain(s.bet_real),
            plain(s.bet_bonus),
            plain(s.win_real),
            plain(s.win_bonus),
            sorted(s.days),
        )
        for currency, s in sums.items()
    }
    return msgspec.json.encode(amounts).decode()


def decode_sums(sums: str) -> dict[str, RoundSums]:
    """Read the sums of a round as the table holds them, by currency."""
    return {currency: RoundSums(*members) for currency, members in _SUMS.decode(sums).items()}


class RoundFilters(Struct, frozen=True):
    """Which rounds; the times are about the first bet or win."""

    player_id: Id | None = None
    game_id: Id | None = None
    round_id: Id | None = None
    status: Status | None = None
    mixed_currency: bool | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class RoundSumsView(Struct, frozen=True):
    """What was bet and won in one currency; net is wins minus bets."""

    currency: str
    bet_real: Amount
    bet_bonus: Amount
    win_real: Amount
    win_bonus: Amount
    net_real: Amount
    net_bonus: Amount


class RoundView(Struct, frozen=True):
    """A round. `sums` are by currency; `bets` and `wins` are there where a round_id was asked for."""

    player_id: str
    game_id: str
    round_id: str
    status: Status
    mixed_currency: bool
    first_at: datetime
    last_at: datetime
    bet_count: int
    win_count: int
    sums: list[RoundSumsView]
    bets: list[PlayedView] | UnsetType = UNSET
    wins: list[PlayedView] | UnsetType = UNSET


RoundPlace = tuple[datetime, Annotated[bytes, Meta(min_length=16, max_length=16)]]
"""Time of the first bet or win, and the key: the order of rounds, backwards."""


def find_rounds(
    seen: Snapshot, filters: RoundFilters, after: RoundPlace | None, limit: int
) -> Rows[RoundView, RoundPlace]:
    """List rounds, the last begun first."""
    after_at, after_key = after or (None, None)
    found = select(
        seen, SQL.find_rounds, filters, after_at=after_at, after_key=after_key, limit=limit + 1
    )
    views = [_view(row) for row in found]
    page = rows(views, limit, _place)
    if filters.round_id is None:
        return page
    played = read_played(seen, [row[-1] for row in found[:limit]])
    whole = [
        msgspec.structs.replace(view, bets=moves.bets, wins=moves.wins)
        for view, moves in zip(page.items, played, strict=True)
    ]
    return Rows(whole, page.last_place)


def _place(view: RoundView) -> RoundPlace:
    return view.first_at, RoundName(view.player_id, view.game_id, view.round_id).key()


def _view(row: tuple[Any, ...]) -> RoundView:
    player_id, game_id, round_id, status, mixed, first_at, last_at, bets, wins, sums, _ = row
    names = (player_id, game_id, round_id)
    return RoundView(*names, status, mixed, first_at, last_at, bets, wins, _sums_view(sums))


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
        )
        for currency, total in sorted(decode_sums(sums).items())
    ]
