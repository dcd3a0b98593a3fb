"""From where queries are answered: the server that is written to, and a standby of it where there is one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.http.shared import Shared
from api.querying.listeners import Listeners
from api.querying.moments import APPLICATION_NAME, Limits, Moments
from api.querying.open_streams import OpenStreams
from api.querying.positions import Positions
from api.querying.reading import Reading
from api.querying.reads import Reads
from api.querying.replica import Replica
from app.settings import Settings
from postgres.connections import Pool, open_pool

# Who gets no connection to a replica soon is answered from the primary.
_REPLICA_WAIT_S = 2.0
_ASKING_CONNECTIONS = 2


class Sources:
    """The primary, and a replica (`ROUNDBOOK_REPLICA_URL`). They share threads, turns and limits."""

    def __init__(
        self,
        settings: Settings,
        database_url: str,
        looking_up: Pool,
        reads: Reads,
        streams: OpenStreams,
        *,
        read_only: bool,
    ) -> None:
        """Read from `database_url`, where `looking_up` leads, too; it may be a standby if `read_only`."""
        self._reads, self._streams = reads, streams
        self._settings = settings
        self._pools: list[Pool] = []
        self._moments: list[Moments] = []
        self.primary = self._reading(database_url, looking_up, is_standby=read_only)
        self._replica: Reading | None = None
        if settings.replica_url is not None and not read_only:
            asking = self._open(settings.replica_url, _ASKING_CONNECTIONS, wait_s=_REPLICA_WAIT_S)
            self._replica = self._reading(
                settings.replica_url,
                asking,
                is_standby=True,
                wait_s=_REPLICA_WAIT_S,
                replica=Replica(asking, looking_up),
            )

    def usable_replica(self) -> Reading | None:
        """Return the replica if it can be read from."""
        found = self._replica
        return found if found and found.replica and found.replica.is_usable else None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look after the replica for as long as the block lasts."""
        if self._replica is None or self._replica.replica is None:
            yield
            return
        watching = asyncio.create_task(self._replica.replica.watch())
        try:
            yield
        finally:
            watching.cancel()

    def end_streams(self) -> None:
        """Let all who wait for a position go. For the event loop's own thread."""
        self.primary.positions.close()
        if self._replica is not None:
            self._replica.positions.close()

    def close(self) -> None:
        """Close all connections that are kept here."""
        for moments in self._moments:
            moments.close()
        for pool in self._pools:
            pool.close()

    def _reading(
        self,
        url: str,
        asking: Pool,
        *,
        is_standby: bool,
        wait_s: float = 10.0,
        replica: Replica | None = None,
    ) -> Reading:
        share = max(1, self._settings.pool_size // 2)
        positions = Positions(asking)
        limits = Limits(self._settings.max_long_answers, self._settings.long_answer_s)
        kept = self._open(
            url, limits.most, wait_s=wait_s, for_queries=True, kept_s=limits.longest_s
        )
        moments = Moments(kept, limits)
        self._moments.append(moments)
        return Reading(
            pool=self._open(url, share, wait_s=wait_s, for_queries=True),
            by_key=self._open(url, share, wait_s=wait_s),  # what lies in the past
            reads=self._reads,
            streams=self._streams,
            moments=moments,
            positions=positions,
            listeners=Listeners(positions),
            pieces=Shared(),
            at_least_timeout_s=self._settings.at_least_timeout_s,
            is_standby=is_standby,
            replica=replica,
        )

    def _open(
        self,
        url: str,
        size: int,
        *,
        wait_s: float,
        for_queries: bool = False,
        kept_s: float | None = None,
    ) -> Pool:
        pool = open_pool(
            url,
            max_size=size,
            timeout_s=wait_s,
            for_queries=for_queries,
            statement_timeout_s=self._settings.query_timeout_s,
            # Most of the time nobody keeps a moment: such a pool begins without a connection.
            min_size=1 if kept_s is None else 0,
            waits_for_clients=None if kept_s is None else (APPLICATION_NAME, kept_s),
        )
        self._pools.append(pool)
        return pool
