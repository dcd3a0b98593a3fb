"""Snapshots of aggregates: how they are written down, and the library's recorder that keeps them."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    AggregateRecorder,
    Mapper,
    MapperDeserialisationError,
    StoredEvent,
)
from msgspec import Struct

from app.log.recorder import library_errors, stored_events
from app.log.statements import SQL
from domain.aggregates import Game, Player
from domain.instant import Instant, as_datetime
from domain.streams import GAME, PLAYER
from postgres.connections import Pool

# Whoever changes what an aggregate is, or how it is folded, gives it the next version here: snapshots of
# another version are passed over, and replaced as streams go on.
TOPICS: dict[type[Player | Game], str] = {Player: "Player.v2", Game: "Game.v2"}

# By topic: the streams that there are such aggregates of.
_STREAMS = {"Player.v2": PLAYER, "Game.v2": GAME}
_DECODERS: dict[str, msgspec.json.Decoder[Player | Game]] = {
    topic: msgspec.json.Decoder(kind) for kind, topic in TOPICS.items()
}


# What JSON has no type for, by field of a profile.
_READ_AS: dict[str, Callable[[str], object]] = {
    "registration_date": Instant.parse,
    "theoretical_rtp": Decimal,
    "volatility": Decimal,
}

ERASURE_LOCK = 0x45726173
"""Shared by who keeps a snapshot, alone had by who erases: a number of PostgreSQL's advisory locks."""


class Taken(Struct, frozen=True):
    """A snapshot: an aggregate as it was at its version."""

    aggregate: Player | Game

    @property
    def originator_id(self) -> str:
        """Name the stream in the words of the `eventsourcing` library."""
        return self.aggregate.id

    @property
    def originator_version(self) -> int:
        """Return the version in the words of the `eventsourcing` library."""
        return self.aggregate.version


class SnapshotMapper(Mapper[str]):
    """Writes aggregates as JSON, amounts exact, under topics that change with what an aggregate is."""

    def __init__(self) -> None:
        """Needs neither transcoder, compressor nor cipher."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """Write a snapshot down."""
        if not isinstance(domain_event, Taken):
            raise TypeError(f"{domain_event.originator_id} is no snapshot")
        aggregate = domain_event.aggregate
        state = msgspec.json.encode(aggregate, enc_hook=_as_known)
        return StoredEvent(aggregate.id, aggregate.version, TOPICS[type(aggregate)], state)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """Read a snapshot. Raises MapperDeserialisationError unless it is one of this place and version."""
        topic, stream = stored_event.topic, str(stored_event.originator_id)
        where = f"{topic} {stored_event.originator_version} of {stream!r}"
        decoder = _DECODERS.get(topic)
        if decoder is None or not stream.startswith(_STREAMS[topic]):
            raise MapperDeserialisationError(f"{where} is of another kind or version")
        try:
            aggregate = decoder.decode(stored_event.state)
            values = aggregate.profile.values
            for field, read in _READ_AS.items():
                if values.get(field) is not None:
                    values[field] = read(values[field])
        except (
            msgspec.MsgspecError,
            UnicodeDecodeError,
            TypeError,
            ValueError,
            InvalidOperation,
        ) as error:
            raise MapperDeserialisationError(f"{where}: {error}") from error
        place = (aggregate.id, aggregate.version)
        if place != (stream, stored_event.originator_version):
            raise MapperDeserialisationError(f"{where} says it is {place}")
        return Taken(aggregate)


def _as_known(value: Any) -> Any:
    if isinstance(value, Instant):
        return as_datetime(value)
    raise NotImplementedError(type(value))


class SnapshotRecorder(AggregateRecorder):
    """One tenant's snapshots. Raises the library's IntegrityError and OperationalError."""

    def __init__(self, pool: Pool, tenant_id: int) -> None:
        """Read and write the snapshots of `tenant_id` through `pool`."""
        self._pool = pool
        self._tenant_id = tenant_id

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Keep snapshots. All of them, or none."""
        del kwargs
        rows = [self._row(event) for event in stored_events]
        with (
            library_errors(),
            self._pool.connection() as connection,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            cursor.executemany(SQL.insert_snapshot.sql, rows)

    def replace(self, stored_event: StoredEvent) -> None:
        """Keep a snapshot, in the place of one of the same version that may be there.

        Not if its stream was erased after that version: it may have been read before.
        """
        lock = {"number": ERASURE_LOCK, "tenant_id": self._tenant_id}
        with library_errors(), self._pool.connection() as connection, connection.transaction():
            connection.execute(SQL.share_snapshots.sql, lock)
            connection.execute(SQL.replace_snapshot.sql, self._row(stored_event))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read the snapshots of an aggregate by version."""
        statement = SQL.select_snapshots_backwards if desc else SQL.select_snapshots
        bounds = {"stream": str(originator_id), "gt": gt, "lte": lte, "limit": limit}
        return stored_events(self._pool, statement, {"tenant_id": self._tenant_id, **bounds})

    def _row(self, event: StoredEvent) -> dict[str, Any]:
        return {
            "tenant_id": self._tenant_id,
            "stream": str(event.originator_id),
            "version": event.originator_version,
            "topic": event.topic,
            "state": event.state,
        }
