"""Bringing what queries read to the head of the log, as far as it goes; and why it goes no further."""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from postgres.rows import fetch_one
from postgres.statements import Statement, Statements
from projections.engine.generations import OvertakenError
from projections.engine.pacing import Pace
from projections.engine.projector import Projector
from projections.engine.rebuild import Progress, StoppedError
from projections.entries import PoisonError, Scope, Versions
from projections.models.registry import is_of_newer_code
from projections.tracking import Pool


class Sql(Statements):
    """Reading how far what queries read is."""

    live_versions: Statement


SQL = Sql(__file__)

_PAUSE_S = 0.05

# A process that holds a generation and does nothing is ended by the service's watchdog before.
_STANDS_STILL_S = 60.0


class Reach(NamedTuple):
    """How far what queries read goes, of the log as it was; `why` it ends before the head, if it does."""

    position: int
    head: int
    why: str | None = None


class _Live(NamedTuple):
    generation: int
    position: int
    versions: Versions


def catch_up(
    pool: Pool,
    projector: Projector,
    tenant_id: int,
    *,
    stop: threading.Event,
    report: Callable[[Progress], None] = lambda _: None,
    patience_s: float = _STANDS_STILL_S,
) -> Reach:
    """Bring a tenant's live read models to the present head of its log, beside others who do.

    Other tenants go first. Another process that has them and does not move them is waited for `patience_s`.
    Raises StoppedError once `stop` is set, OvertakenError, and what the store raises.
    """
    head: int | None = None
    stands_at, since_s = -1, time.monotonic()
    pace = Pace(pool, tenant_id, chunk_events=projector.chunk_events, events_per_s=None)
    while not stop.is_set():
        with pool.connection() as connection:
            live = fetch_one(connection, SQL.live_versions, {"tenant_id": tenant_id}, _Live)
        if live is None:
            raise OvertakenError
        position = live.position
        head = projector.head(tenant_id) if head is None else head
        if position >= head:
            return Reach(position, head)
        report(Progress(position, head, "catching up"))
        scope, limit = Scope(tenant_id, live.generation), pace.turn(stop)
        try:
            done = projector.project_chunk(scope, until=head, limit=limit)
        except PoisonError as error:
            return Reach(error.position - 1, head, str(error))
        if done:
            continue
        if is_of_newer_code(live.versions):
            why = "they are of a newer version of Roundbook, and left to it"
            return Reach(position, head, why)
        now_s = time.monotonic()
        if position > stands_at:
            stands_at, since_s = position, now_s
        elif now_s > since_s + patience_s:
            why = f"another process has them, and has not moved them for {patience_s:.0f} s"
            return Reach(position, head, why)
        stop.wait(_PAUSE_S)
    raise StoppedError
