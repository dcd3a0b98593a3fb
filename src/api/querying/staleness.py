"""For how long what was recorded has waited to be shown and to be sealed, by what the store says.

Whoever shows or seals it is not asked: it may be stopped, hang, or be gone.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import anyio
import anyio.to_thread
import psycopg
import structlog
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.querying.subscription_metrics import subscription_metrics
from app.evidence.status import unsealed_since
from app.relay.subscriptions import Health, how_subscriptions_are
from postgres.connections import Pool
from projections.status import waiting_since

_FRESH_S = 2.0
_PATIENCE_S = 3.0

log = structlog.get_logger()


class Waiting(NamedTuple):
    """For how many seconds the oldest event waits that is not shown, and not sealed; 0 where none does."""

    projection: float
    evidence: float

    def beyond(self, limit_s: float) -> dict[str, float]:
        """Return what waits for longer, and how long."""
        return {name: waits for name, waits in self._asdict().items() if waits > limit_s}


class Staleness(Collector):
    """Looks into the store when it is asked, every two seconds at most. For one event loop.

    Where the store can't be reached, what waited when it last could waits on.
    """

    def __init__(self, pool: Pool) -> None:
        """Look through `pool`."""
        self._pool = pool
        self._turn = asyncio.Lock()
        self._fresh_until_s = 0.0
        self._since: tuple[datetime | None, datetime | None] = (None, None)
        self._subscriptions: list[Health] = []
        self._seen_at: datetime | None = None  # None: the last look failed

    async def look(self) -> Waiting:
        """Return what waits. Takes some seconds at most."""
        async with self._turn:
            if time.monotonic() >= self._fresh_until_s:
                self._seen_at = None
                with anyio.move_on_after(_PATIENCE_S):
                    found = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
                    if found is not None:
                        self._since, self._subscriptions = found
                        self._seen_at = datetime.now(UTC)
                self._fresh_until_s = time.monotonic() + _FRESH_S
        return self.known()

    def known(self) -> Waiting:
        """Return what waits, by what was last read."""
        now = self._seen_at or datetime.now(UTC)
        return Waiting(*(_age_s(since, now) for since in self._since))

    def collect(self) -> Iterator[Metric]:
        """Give the metrics of what was last read."""
        waiting = self.known()
        yield GaugeMetricFamily(
            "roundbook_projection_waiting_seconds",
            "Age of the oldest event, of any tenant, that queries do not show yet",
            waiting.projection,
        )
        yield GaugeMetricFamily(
            "roundbook_evidence_waiting_seconds",
            "Age of the oldest event, of any log, that no signed checkpoint covers yet",
            waiting.evidence,
        )
        yield from subscription_metrics(self._subscriptions)

    def _read(self) -> tuple[tuple[datetime | None, datetime | None], list[Health]] | None:
        try:
            with self._pool.connection(timeout=_PATIENCE_S) as connection:
                since = waiting_since(connection), unsealed_since(connection)
                return since, how_subscriptions_are(connection)
        except psycopg.Error as error:
            log.warning("it can't be read what waits", error=str(error))
            return None


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else round(max((now - since).total_seconds(), 0.0), 3)
