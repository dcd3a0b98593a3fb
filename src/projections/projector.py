"""The projector: reads each tenant's log in chunks and writes all its read models, with the new position.

A chunk is one transaction, so that whatever is killed when, nothing is skipped or applied twice.
"""

import threading
from collections.abc import Callable, Sequence

import psycopg
import structlog
from eventsourcing.persistence import ApplicationRecorder, Notification, OperationalError
from prometheus_client import Counter, Gauge
from psycopg_pool import PoolTimeout

from projections import activity, balances, games, players, rounds, transactions
from projections.entries import Scope, decode_entries
from projections.tracking import SQL, Pool, advance

READ_MODELS = {
    "balances": balances.project,
    "rounds": rounds.project,
    "activity": activity.project,
    "transactions": transactions.project,
    "games": games.project,
    "players": players.project,
}

PROJECTED = Counter("roundbook_projected_events", "Events folded into the read models")
FAILING = Gauge(
    "roundbook_projection_failing",
    "1 while a tenant's projection stands still because of an error",
    ["tenant_id"],
    multiprocess_mode="mostrecent",
)

_UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OperationalError)

# What PostgreSQL says (SQLSTATE) when the server is in trouble. Its other operational errors, like a
# value that is too large for an index, are about one tenant's events.
_TROUBLE_OF_THE_SERVER = ("08", "53", "57P", "58")
_RETRY_FAILED_S = 5.0
_RETRY_STORE_S = 0.5

log = structlog.get_logger()


class Projector:
    """Projects every tenant's log, one chunk of one tenant after the other; any number can run at once."""

    def __init__(
        self,
        pool: Pool,
        open_log: Callable[[int], ApplicationRecorder],
        *,
        chunk_events: int,
        poll_interval_s: float,
        when_projected: Callable[[int, Sequence[Notification]], None] = lambda *_: None,
    ) -> None:
        """Read logs by `open_log(tenant_id)`, write read models through `pool`.

        `when_projected(tenant_id, events)` is called after each chunk's commit. It must not raise.
        """
        self._pool = pool
        self._open_log = open_log
        self._chunk_events = chunk_events
        self._poll_interval_s = poll_interval_s
        self._when_projected = when_projected
        self._rest_until: dict[Scope, float] = {}

    def run(self, stop: threading.Event, *, clock: Callable[[], float]) -> None:
        """Project until `stop` is set; the chunk that was begun is finished. Outlasts the store's absence."""
        while not stop.is_set():
            try:
                busy = self.project_all(now_s=clock())
            except _UNAVAILABLE as error:
                log.warning("projector waits for the store", error=str(error))
                stop.wait(_RETRY_STORE_S)
                continue
            if not busy:
                stop.wait(self._poll_interval_s)

    def project_all(self, *, now_s: float) -> bool:
        """Give each tenant that has new events one chunk's turn. Tells whether there was any work.

        A tenant whose events can't be projected rests for a while and holds up no other. Raises where
        the store is out of reach.
        """
        with self._pool.connection() as connection:
            behind = [Scope(*row) for row in connection.execute(SQL.behind.sql).fetchall()]
        for scope in self._rest_until.keys() - set(behind):
            self._moves_again(scope)
        busy = False
        for scope in behind:
            if self._rest_until.get(scope, 0) > now_s:
                continue
            try:
                done = self.project_chunk(scope)
            except Exception as error:
                if _is_out_of_reach(error):
                    raise
                self._rest_until[scope] = now_s + _RETRY_FAILED_S
                FAILING.labels(scope.tenant_id).set(1)
                log.exception("projection stands still", **scope._asdict(), reason=str(error))
            else:
                busy = busy or done > 0
                if done:
                    self._moves_again(scope)
        return busy

    def _moves_again(self, scope: Scope) -> None:
        """Take back that a projection stands still; maybe another projector has gone on with it."""
        if self._rest_until.pop(scope, None) is None:
            return
        if all(other.tenant_id != scope.tenant_id for other in self._rest_until):
            FAILING.labels(scope.tenant_id).set(0)

    def project_chunk(self, scope: Scope) -> int:
        """Project the next chunk of a tenant's log; gives its number of events.

        That is 0 where there is nothing new, or another projector is at it. Raises PoisonError for an
        event that can't be decoded.
        """
        with self._pool.connection() as connection, connection.transaction():
            claimed = connection.execute(SQL.claim.sql, scope._asdict()).fetchone()
            if claimed is None:
                return 0
            notifications = self._open_log(scope.tenant_id).select_notifications(
                start=claimed[0], limit=self._chunk_events, inclusive_of_start=False
            )
            if not notifications:
                return 0
            entries = decode_entries(notifications)
            for project in READ_MODELS.values():
                project(connection, scope, entries)
            advance(connection, scope, entries[-1].position)
        PROJECTED.inc(len(entries))
        self._when_projected(scope.tenant_id, notifications)
        return len(entries)


def _is_out_of_reach(error: Exception) -> bool:
    """Tell whether an error is about the store as a whole, and not about one tenant's events."""
    if not isinstance(error, _UNAVAILABLE):
        return False
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(_TROUBLE_OF_THE_SERVER)
