"""Aggregates loaded from their streams, as they are or were, through the library's repository."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from eventsourcing.application import AggregateNotFoundError, Repository

from app.log.snapshots import Taken
from app.log.stores import LogStore, SnapshotStore
from app.log.versions import last_version, version_at
from domain.aggregates import Game, Player, fold_game, fold_player
from domain.recorded import RecordedEvent
from domain.streams import game_stream, player_stream
from postgres.connections import Pool

_AT_ONCE = 1_000

A = TypeVar("A", Player, Game)


def repository(pool: Pool, tenant_id: int) -> Repository[str]:
    """Return the repository of a tenant's players and games, which begins at snapshots where there are any.

    `repository.get("player:…", version=n, projector_func=project_player)` raises the library's
    AggregateNotFoundError where there is no such stream.
    """
    return Repository(LogStore(pool, tenant_id), snapshot_store=SnapshotStore(pool, tenant_id))


def project_player(player: Player | None, events: Iterable[RecordedEvent | Taken]) -> Player | None:
    """Fold a player's stream, from a snapshot if it comes first."""
    return _project(fold_player, Player, player, events)


def project_game(game: Game | None, events: Iterable[RecordedEvent | Taken]) -> Game | None:
    """Fold a game's stream, from a snapshot if it comes first."""
    return _project(fold_game, Game, game, events)


def player_at(pool: Pool, tenant_id: int, player_id: str, position: int) -> Player | None:
    """Load a player as the log told it up to a position, None if nothing was known yet."""
    stream = player_stream(player_id)
    version = _version_at(pool, tenant_id, stream, position)
    if not version:
        return None
    players = repository(pool, tenant_id)
    try:
        return players.get(stream, version=version, projector_func=project_player)
    except AggregateNotFoundError:  # where nothing but an erasure is recorded
        return None


def game_at(pool: Pool, tenant_id: int, game_id: str, position: int) -> Game | None:
    """Load a game as its own stream told it up to a position, None if nothing was known yet."""
    stream = game_stream(game_id)
    version = _version_at(pool, tenant_id, stream, position)
    if not version:
        return None
    return repository(pool, tenant_id).get(stream, version=version, projector_func=project_game)


def _version_at(pool: Pool, tenant_id: int, stream: str, position: int) -> int:
    with pool.connection() as connection:
        last = last_version(connection, tenant_id, stream)
        return version_at(connection, tenant_id, stream, position, last)


def _project(
    fold: Callable[[A | None, Iterable[RecordedEvent]], A | None],
    kind: type[A],
    aggregate: A | None,
    events: Iterable[RecordedEvent | Taken],
) -> A | None:
    """Fold some events at once, however many there are."""
    for batch in _batches(events):
        recorded = []
        for event in batch:
            if isinstance(event, RecordedEvent):
                recorded.append(event)
            elif isinstance(event.aggregate, kind):
                aggregate = event.aggregate
            else:
                raise TypeError(f"the snapshot of {event.originator_id!r} is no {kind.__name__}")
        aggregate = fold(aggregate, recorded)
    return aggregate


def _batches(
    events: Iterable[RecordedEvent | Taken],
) -> Iterator[Sequence[RecordedEvent | Taken]]:
    following = iter(events)
    while batch := list(islice(following, _AT_ONCE)):
        yield batch
