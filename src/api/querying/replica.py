"""Whether a replica can be read from: a standby that follows the server that is written to."""

import asyncio

import anyio.to_thread
import psycopg
import structlog
from anyio import CapacityLimiter

from app.log.histories import newest_history
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE, is_out_of_reach
from postgres.recovery import is_recovering

_TICK_S = 1.0
_PATIENCE_S = 2.0

log = structlog.get_logger()


class ReplicaAwayError(psycopg.OperationalError):
    """What was read from a replica can't go on there."""


class Replica:
    """Looks every second. For one event loop.

    Not used is what is out of reach, what takes writes itself (it was promoted: it is the primary, or none of
    ours), and what is in another history than the primary: there may be events of a log that does not go on.
    """

    def __init__(self, pool: Pool, primary: Pool) -> None:
        """Look through `pool`, and compare with what `primary` says."""
        self._pool = pool
        self._primary = primary
        self._thread = CapacityLimiter(1)
        self._reason: str | None = "it was not looked at yet"

    @property
    def is_usable(self) -> bool:
        """Whether reads may go there."""
        return self._reason is None

    def failed(self, error: Exception) -> None:
        """Note that a read failed there: if all would, none goes there until the next look."""
        if is_out_of_reach(error):
            self._tell(str(error).strip())

    async def watch(self) -> None:
        """Look until it is cancelled."""
        while True:
            self._tell(await anyio.to_thread.run_sync(self._look, limiter=self._thread))
            await asyncio.sleep(_TICK_S)

    def _tell(self, reason: str | None) -> None:
        if (reason is None) != self.is_usable:
            if reason is None:
                log.info("queries are answered from the replica")
            else:
                log.warning("queries are answered from the primary, not the replica", reason=reason)
        self._reason = reason

    def _look(self) -> str | None:
        """Return why it can't be used, None if it can."""
        try:
            with self._pool.connection(timeout=_PATIENCE_S) as connection:
                if not is_recovering(connection):
                    return "ROUNDBOOK_REPLICA_URL leads to a server that is no standby"
                history = newest_history(connection)
        except UNAVAILABLE as error:
            return str(error).strip()
        except psycopg.Error as error:
            return f"ROUNDBOOK_REPLICA_URL leads to no standby of this database: {error}".strip()
        try:
            with self._primary.connection(timeout=_PATIENCE_S) as connection:
                same = newest_history(connection) == history
        except UNAVAILABLE:
            return self._reason  # nothing new is known of the primary
        return None if same else "the replica is in another history than the primary"
