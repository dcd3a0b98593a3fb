"""What projectors do unasked: read models of other code or other days are rebuilt, retired ones deleted.

Any number of processes can run this: for each tenant one of them does it.
"""

import threading
import time
from collections.abc import Callable

import structlog
from prometheus_client import Counter, Gauge

from postgres.errors import UNAVAILABLE, is_exhausted, is_out_of_reach
from projections.engine.generations import AlreadyRebuildingError, OvertakenError, sweep, unkept
from projections.engine.projector import Projector
from projections.engine.rebuild import Progress, Rebuild, Rebuilt, StoppedError
from projections.entries import PoisonError, Versions
from projections.models.registry import is_of_newer_code
from projections.tracking import Pool

REBUILDING = Gauge(
    "roundbook_rebuilding_tenants",
    "Tenants whose read models this service is rebuilding for a new version of the code",
    multiprocess_mode="livesum",
)
DIFFERENCES = Counter(
    "roundbook_rebuild_differences",
    "Rows of read models that a rebuild found not to be what the log says",
)

_FIRST_LOOK_S = 1.0
_LOOK_S = 30.0
_REPORT_EVERY_S = 10.0
_RETRY_FAILED_S = 60.0

log = structlog.get_logger()


class Upkeep:
    """Keeps the read models of all tenants those of this version of the code."""

    def __init__(
        self, pool: Pool, projector: Projector, *, events_per_s: int | None = None
    ) -> None:
        """Rebuild by `projector`, no faster than `events_per_s`."""
        self._pool = pool
        self._projector = projector
        self._events_per_s = events_per_s
        self._rest_until: dict[int, float] = {}

    def run(self, stop: threading.Event, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Look until `stop` is set, soon while there is something to do. Outlasts the store's absence.

        What there is comes with another version of the code, or is left by a rebuild that was killed.
        """
        wait_s = _FIRST_LOOK_S
        while not stop.wait(wait_s):
            wait_s = _FIRST_LOOK_S
            try:
                if not self.look(stop, now_s=clock()):
                    wait_s = _LOOK_S
            except UNAVAILABLE as error:
                log.warning("upkeep waits for the store", error=str(error))

    def look(self, stop: threading.Event, *, now_s: float) -> bool:
        """Do what there is to do; tells whether there was anything.

        Raises where the store is out of reach.
        """
        with self._pool.connection() as connection:
            found = unkept(connection)
        for tenant_id, is_other, is_retired, built_with, wanted in found:
            if stop.is_set():
                break
            if is_retired:
                sweep(self._pool, tenant_id, stop)
            if is_other and not is_of_newer_code(built_with):
                self._rebuild(_Telling(tenant_id, built_with, wanted), stop, now_s)
        return bool(found)

    def _rebuild(self, telling: "_Telling", stop: threading.Event, now_s: float) -> None:
        tenant_id = telling.tenant_id
        if self._rest_until.get(tenant_id, 0) > now_s:
            return
        rebuild = Rebuild(
            self._pool,
            self._projector,
            tenant_id,
            stop=stop,
            report=telling.how_far,
            found=telling.found,
            events_per_s=self._events_per_s,
        )
        REBUILDING.inc()
        try:
            rebuild.run()
        except (AlreadyRebuildingError, OvertakenError, StoppedError):
            return
        except Exception as error:
            if is_out_of_reach(error) or is_exhausted(error):
                raise
            self._rest_until[tenant_id] = now_s + _RETRY_FAILED_S
            log.exception(
                "the read models can't be rebuilt",
                tenant_id=tenant_id,
                position=error.position if isinstance(error, PoisonError) else None,
                reason=error.reason if isinstance(error, PoisonError) else str(error),
            )
        finally:
            REBUILDING.dec()


class _Telling:
    """What the log says of a rebuild: that it began, every few seconds how far it is, what it found."""

    def __init__(self, tenant_id: int, built_with: Versions, wanted: Versions) -> None:
        self.tenant_id = tenant_id
        self._log = log.bind(tenant_id=tenant_id)
        self._built_with = built_with
        self._wanted = wanted
        self._told_s: float | None = None

    def how_far(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if self._told_s is None:
            self._log.info(
                "the read models are of another version and are rebuilt",
                versions=dict(self._built_with),
                own_versions=dict(self._wanted),
                **progress._asdict(),
            )
        elif now_s < self._told_s + _REPORT_EVERY_S:
            return
        else:
            self._log.info("the read models are being rebuilt", **progress._asdict())
        self._told_s = now_s

    def found(self, rebuilt: Rebuilt) -> None:
        for comparison in rebuilt.comparisons:
            if comparison.differing:
                DIFFERENCES.inc(comparison.differing)
                self._log.error(
                    "a read model was not what the log says; it is now",
                    table=comparison.table,
                    rows=comparison.differing,
                    first=[str(each) for each in comparison.differences],
                )
        self._log.info("the read models are rebuilt", position=rebuilt.position)
