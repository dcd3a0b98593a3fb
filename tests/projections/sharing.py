"""A projector in a process of its own, to be killed. A module by itself, so that it can be imported."""

import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from eventsourcing.persistence import Notification

from app.log.recorder import TenantLog
from postgres.connections import open_pool
from projections.engine.projector import Projector


class Done(NamedTuple):
    """A chunk that is committed: so many events of a tenant."""

    tenant_id: int
    events: int


def project_all_and_tell(url: str, chunk_events: int, pipe: Pipe) -> None:
    """Say `ready`, begin when told to, and tell of each chunk, for ever."""

    def tell(tenant_id: int, events: Sequence[Notification]) -> None:
        pipe.send(Done(tenant_id, len(events)))

    with open_pool(url, max_size=3, min_size=3) as pool:
        pool.wait()
        running = Projector(
            pool,
            lambda tenant_id: TenantLog(pool, tenant_id),
            chunk_events=chunk_events,
            poll_interval_s=0.02,
            when_projected=tell,
        )
        pipe.send("ready")
        pipe.recv()
        running.run(threading.Event(), clock=time.monotonic)
