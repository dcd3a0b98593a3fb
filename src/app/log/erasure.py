"""Erasing a player: what the log, its register of conflicts and its snapshots hold goes, once and for all.

What commits to it stays, so that the log can be proven as before. Needs the credential that owns the schema.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from app.log.append import copy, locked_log
from app.log.holds import is_held
from app.log.rows import encode_bare
from app.log.snapshots import ERASURE_LOCK
from app.log.versions import last_version
from domain.erasure import encode_record
from domain.events import TOPICS, PlayerErased
from domain.evidence.leaves import NO_SALT, commitment, content
from domain.item_types import PERSONAL_TOPICS, WIRE_TYPES
from domain.streams import player_stream
from postgres.binary import micros
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Finding what there is of a player, and erasing it."""

    erasable: Statement
    conflicts_at: Statement
    personal_conflicts: Statement
    shut_out_snapshots: Statement
    erase: Statement
    delete_snapshots: Statement
    forget_refused: Statement


SQL = Sql(__file__)

_TOPIC = TOPICS[PlayerErased]
_PERSONAL_ITEMS = sorted({WIRE_TYPES[topic] for topic in PERSONAL_TOPICS})
_AT_ONCE = 1_000


class HeldError(Exception):
    """The player is on hold: nothing of it may be erased. `roundbook hold --release` ends that."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


class Why(NamedTuple):
    """Why something is done, and who wants it: kept for ever, so neither may name a player's person."""

    reason: str
    by: str


class Erased(NamedTuple):
    """How much was erased, and the position of the record of it.

    None where the log had nothing: what was `refused` is no part of it.
    """

    record_position: int | None
    events: int = 0
    conflicts: int = 0
    snapshots: int = 0
    refused: int = 0


def erase(
    connection: Connection,
    tenant_id: int,
    player_id: str,
    why: Why,
    *,
    before: datetime | None = None,
) -> Erased:
    """Erase what is personal in a player's stream, and with `before` all else that happened before then.

    With it goes what was refused because of these events, what the player's own refused items say, and all
    that was left out of batches and names the player. One transaction under the tenant's lock: all of it or
    nothing. How old `before` must be says the caller.
    Raises HeldError, and psycopg.errors.InsufficientPrivilege for another role than the owner.
    """
    stream = player_stream(player_id)
    # The register is read before the lock is taken, but for what is added to it meanwhile.
    numbers, seen = _own_conflicts(connection, tenant_id, player_id, after=0)
    with locked_log(connection, tenant_id) as log:
        if is_held(connection, tenant_id, player_id):
            raise HeldError
        whose = {"tenant_id": tenant_id, "player_id": player_id}
        refused = connection.execute(SQL.forget_refused.sql, whose).rowcount
        positions = _erasable(connection, tenant_id, stream, before)
        numbers |= _own_conflicts(connection, tenant_id, player_id, after=seen)[0]
        at_them = {"tenant_id": tenant_id, "positions": positions}
        numbers |= set(fetch_all(connection, SQL.conflicts_at, at_them, int))
        if not positions and not numbers:
            return Erased(None, refused=refused)
        state = encode_record(positions, reason=why.reason, by=why.by, at=log.now)
        at = micros(log.now)
        version = last_version(connection, tenant_id, stream) + 1
        row = encode_bare(stream, _TOPIC, state, at)
        committed = content(stream, _TOPIC, None, at, commitment(NO_SALT, state))
        copy(connection, log, [version], [row], [committed])
        record_position = log.position + 1
        lock = {"number": ERASURE_LOCK, "tenant_id": tenant_id}
        connection.execute(SQL.shut_out_snapshots.sql, lock)
        what = {"record_position": record_position, "numbers": sorted(numbers)}
        connection.execute(SQL.erase.sql, {**at_them, **what})
        of_stream = {"tenant_id": tenant_id, "stream": stream}
        snapshots = connection.execute(SQL.delete_snapshots.sql, of_stream).rowcount
    return Erased(record_position, len(positions), len(numbers), snapshots, refused)


def _erasable(
    connection: Connection, tenant_id: int, stream: str, before: datetime | None
) -> list[int]:
    parameters = {
        "tenant_id": tenant_id,
        "stream": stream,
        "personal": sorted(PERSONAL_TOPICS),
        "record_topic": _TOPIC,
        "before": before,
    }
    return fetch_all(connection, SQL.erasable, parameters, int)


class _Whose(Struct):
    # Values of any kind: of a repeated member the last one counts.
    player_id: msgspec.Raw = msgspec.Raw()
    user_id: msgspec.Raw = msgspec.Raw()


_WHOSE = msgspec.json.Decoder(_Whose)


def _own_conflicts(
    connection: Connection, tenant_id: int, player_id: str, *, after: int
) -> tuple[set[int], int]:
    """Find the numbers of what was refused of a player's personal items, and up to which number."""
    found = set()
    for number, data in _personal_conflicts(connection, tenant_id, after):
        after = number
        whose = _WHOSE.decode(data)
        if player_id in map(_named, (whose.player_id, whose.user_id)):
            found.add(number)
    return found, after


def _named(member: msgspec.Raw) -> str | None:
    """Return the player that a member names; a number of one dialect is the same as its digits."""
    value = msgspec.json.decode(member) if bytes(member) else None
    return None if isinstance(value, bool) or not isinstance(value, str | int) else str(value)


def _personal_conflicts(
    connection: Connection, tenant_id: int, after: int
) -> Iterator[tuple[int, bytes]]:
    """Read what was refused of all players' personal items, some at a time."""
    while True:
        bounds = {"tenant_id": tenant_id, "after": after, "limit": _AT_ONCE}
        parameters = {**bounds, "personal": _PERSONAL_ITEMS}
        found = fetch_pairs(
            connection, SQL.personal_conflicts, parameters, "number", bytes, binary=True
        )
        yield from found
        if len(found) < _AT_ONCE:
            return
        after = found[-1][0]
