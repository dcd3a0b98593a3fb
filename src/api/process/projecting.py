"""A projector, wired: the log that it reads and the pool that it writes through."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from api.process.collecting import collect_rarely
from app.log.recorder import TenantLog
from app.log.snapshotting import SnapshotTaker
from app.settings import Settings
from postgres.connections import Pool, open_pool
from projections.engine.projector import Projector

# The projector takes three connections at once, a rebuild beside it five, the watchdog one: each of the first
# two reads ahead by one of them.
_CONNECTIONS = 9
_CHUNK_BYTES = 8 * 1024 * 1024
# A chunk is some 90,000 objects in no cycles. To look for some at each 50,000 took a sixteenth of the time.
_OBJECTS_BETWEEN_COLLECTIONS = 500_000
# Who writes asks PostgreSQL for little, often; it must not wait 5 ms each time for who folds meanwhile.
_SWITCH_S = 0.0005


class Projecting(NamedTuple):
    """A projector, and its pool."""

    pool: Pool
    projector: Projector


@contextmanager
def open_projector(
    url: str, settings: Settings, *, beat: Callable[[], None] = lambda: None
) -> Iterator[Projecting]:
    """Open a projector. What a chunk holds at once is bounded in events and in bytes.

    It calls `beat` again and again, as long as it goes on.
    """
    collect_rarely(_OBJECTS_BETWEEN_COLLECTIONS)
    sys.setswitchinterval(_SWITCH_S)
    with open_pool(
        url,
        max_size=_CONNECTIONS,
        timeout_s=settings.lock_timeout_s,
        lock_timeout_s=settings.lock_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
    ) as pool:
        yield Projecting(
            pool,
            Projector(
                pool,
                lambda tenant_id: TenantLog(pool, tenant_id, stretch_bytes=_CHUNK_BYTES),
                chunk_events=settings.chunk_events,
                poll_interval_s=settings.poll_interval_s,
                when_projected=SnapshotTaker(pool),
                beat=beat,
            ),
        )
