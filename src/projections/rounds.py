"""Rounds: bets paired with wins, by player, game and round."""

from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from domain.events import RoundEvent
from domain.money import plain
from domain.round import Round, RoundSums, fold_round
from projections.entries import Entry, Scope, columns, group_by
from projections.statements import Connection, statements

SQL = statements(__file__)

_SUMS = msgspec.json.Decoder(dict[str, tuple[Decimal, Decimal, Decimal, Decimal]])
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
    """Add the bets and wins of a stretch of the log to their rounds."""
    played = group_by(
        [(entry.event, entry.position) for entry in entries if isinstance(entry.event, RoundEvent)],
        lambda move: RoundName(move[0].player_id, move[0].game_id, move[0].round_id),
    )
    if not played:
        return
    keys = {name: name.key() for name in played}
    known = _known_rounds(connection, scope, list(keys.values()))
    new, changed = [], []
    for name, moves in played.items():
        key = keys[name]
        start = known.get(key)
        state = fold_round([event for event, _ in moves], start)
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
        currency: [plain(s.bet_real), plain(s.bet_bonus), plain(s.win_real), plain(s.win_bonus)]
        for currency, s in sums.items()
    }
    return msgspec.json.encode(amounts).decode()


def decode_sums(sums: str) -> dict[str, RoundSums]:
    """Read the sums of a round as the table holds them, by currency."""
    return {currency: RoundSums(*amounts) for currency, amounts in _SUMS.decode(sums).items()}
