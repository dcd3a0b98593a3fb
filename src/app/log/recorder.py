"""A tenant's log as the `eventsourcing` library's recorder."""

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    OperationalError,
    StoredEvent,
    Subscription,
)

from app.log.append import copy, head, locked_log
from app.log.rows import encode_bare
from app.log.statements import SQL
from domain.evidence.leaves import NO_SALT, commitment, content
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE
from postgres.rows import fetch_all
from postgres.statements import Statement

_SUBSCRIPTION_POLL_S = 0.05
_SUBSCRIPTION_CHUNK = 500


@contextmanager
def library_errors() -> Iterator[None]:
    """Raise the library's errors where PostgreSQL raises its own."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise IntegrityError(str(error)) from error
    except UNAVAILABLE as error:
        raise OperationalError(str(error)) from error


def stored_events(
    pool: Pool, statement: Statement, parameters: Mapping[str, object]
) -> list[StoredEvent]:
    """Read what the library calls stored events. Raises the library's errors."""
    with library_errors(), pool.connection() as connection:
        return fetch_all(connection, statement, parameters, _stored_event, binary=True)


class TenantLog(ApplicationRecorder):
    """One tenant's log; notification ids are its positions: 1, 2, 3, … without gaps, in commit order.

    Raises the library's IntegrityError and OperationalError.
    """

    def __init__(self, pool: Pool, tenant_id: int, *, stretch_bytes: int | None = None) -> None:
        """Read and write the log of `tenant_id` through `pool`.

        A stretch of notifications ends where its states exceed `stretch_bytes`, behind the first.
        """
        self._pool = pool
        self._tenant_id = tenant_id
        self._stretch_bytes = stretch_bytes

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append events that bring their versions; gives their positions. All of them, or none."""
        del kwargs
        rows = [
            encode_bare(str(event.originator_id), event.topic, event.state)
            for event in stored_events
        ]
        contents = [
            content(
                str(event.originator_id), event.topic, None, None, commitment(NO_SALT, event.state)
            )
            for event in stored_events
        ]
        versions = [event.originator_version for event in stored_events]
        with (
            library_errors(),
            self._pool.connection() as connection,
            locked_log(connection, self._tenant_id) as log,
        ):
            copy(connection, log, versions, rows, contents)
        return list(range(log.position + 1, log.position + 1 + len(rows)))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read a stream's events by version."""
        statement = SQL.select_stream_backwards if desc else SQL.select_stream
        bounds = {"stream": str(originator_id), "gt": gt, "lte": lte, "limit": limit}
        return stored_events(self._pool, statement, {"tenant_id": self._tenant_id, **bounds})

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read a stretch of the log by position."""
        first = (start or 0) + (0 if inclusive_of_start else 1)
        parameters = {
            "tenant_id": self._tenant_id,
            "first": first,
            "last": stop,
            "limit": limit,
            "topics": list(topics),
            "stretch_bytes": self._stretch_bytes,
        }
        statement = SQL.select_log_of_topics if topics else SQL.select_log
        with library_errors(), self._pool.connection() as connection:
            return fetch_all(connection, statement, parameters, _notification, binary=True)

    def max_notification_id(self) -> int | None:
        """Return the head of the log, or None if it is empty."""
        with library_errors(), self._pool.connection() as connection:
            return head(connection, self._tenant_id) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the log: first what is recorded, then what will be, until stopped."""
        return LogSubscription(self, gt=gt, topics=topics)


def _stored_event(stream: str, version: int, topic: str, state: bytes) -> StoredEvent:
    return StoredEvent(stream, version, topic, state)


def _notification(
    position: int, stream: str, version: int, topic: str, state: bytes
) -> Notification:
    return Notification(stream, version, topic, state, position)


class LogSubscription(Subscription[ApplicationRecorder]):
    """Reads a log in chunks and looks for more every 50 ms; stops within that time."""

    def __init__(
        self, recorder: ApplicationRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        """Follow `recorder` after position `gt`."""
        super().__init__(recorder, gt=gt, topics=topics)
        self._read: deque[Notification] = deque()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        """Return the next event; waits for it. Raises StopIteration once stopped."""
        while not self._stopped.is_set():
            if self._read:
                notification = self._read.popleft()
                self._last_notification_id = notification.id
                return notification
            self._read.extend(
                self._recorder.select_notifications(
                    start=self._last_notification_id or 0,
                    limit=_SUBSCRIPTION_CHUNK,
                    topics=self._topics,
                    inclusive_of_start=False,
                )
            )
            if not self._read:
                self._stopped.wait(_SUBSCRIPTION_POLL_S)
        raise StopIteration
