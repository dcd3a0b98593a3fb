"""Rebuilding in tests: in this process beside a projector, and in processes of its own, to be killed."""

import pkgutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple
from unittest.mock import patch

from app.tenants import Tenant
from postgres.connections import Pool, open_pool
from projections.engine.rebuild import Progress, Rebuild, Rebuilt
from projections.entries import Scope
from tests.projections.helpers import projector

CHUNK_EVENTS = 100
AFTER_A_KILL_S = 30.0
"""Patience with the session of a rebuild that was killed, on a busy machine."""


class Known(NamedTuple):
    """A generation as the table holds it."""

    generation: int
    position: int
    live: bool
    retired: bool


def rebuild(
    pool: Pool,
    tenant_id: int,
    *compared: str,
    check: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
    patience_s: float = 0,
) -> Rebuilt:
    by_chunks = projector(pool, chunk_events=CHUNK_EVENTS)
    one = Rebuild(pool, by_chunks, tenant_id, stop=stop or threading.Event(), report=report)
    return one.run(compared=compared, check=check, patience_s=patience_s)


def known_generations(pool: Pool, tenant: Tenant) -> list[Known]:
    with pool.connection() as connection:
        rows = connection.execute(
            "select generation, position, live, retired from tracking"
            " where tenant_id = %s order by generation",
            [tenant.tenant_id],
        )
        return [Known(*row) for row in rows]


def live_scope(pool: Pool, tenant: Tenant) -> Scope:
    [live] = [each for each in known_generations(pool, tenant) if each.live]
    return Scope(tenant.tenant_id, live.generation)


def project_live(pool: Pool, tenant: Tenant, *, chunk_events: int = 37) -> None:
    """Bring what queries read up to the head."""
    beside = projector(pool, chunk_events=chunk_events)
    while beside.project_chunk(live_scope(pool, tenant)):
        pass


@contextmanager
def projecting(pool: Pool, tenant: Tenant) -> Iterator[None]:
    """Keep what queries read up to date meanwhile."""
    with repeating(lambda: project_live(pool, tenant)):
        yield


@contextmanager
def repeating(work: Callable[[], Any]) -> Iterator[None]:
    """Do something over and over beside the block. What it raises is raised at the end."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # noqa: BLE001  # raised where the test sees it
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        # Before what the block came to, which may have waited for it in vain.
        if errors:
            raise errors[0]


class Point(NamedTuple):
    """A place in the code: what is called there, the how-manieth call, and before it or after it."""

    called: str
    call: int
    after: bool


POINTS = {
    "before the first chunk": Point(
        "projections.engine.generations.begin_or_resume", 1, after=True
    ),
    "amid a chunk": Point("projections.engine.projector.advance", 4, after=True),
    "between chunks": Point("projections.engine.projector.Projector.project_chunk", 4, after=True),
    "while it holds the live generation": Point(
        "projections.engine.generations.hold_live", 1, after=True
    ),
    "amid the comparison": Point("projections.engine.rebuild.compare", 2, after=False),
    "before the switch": Point("projections.engine.generations.switch", 1, after=False),
    "amid the switch": Point("projections.engine.generations.switch", 1, after=True),
    "after the switch": Point("projections.engine.generations.sweep", 1, after=False),
    "amid the deletion": Point("projections.engine.generations._delete_rows", 2, after=True),
}
"""Where a rebuild is stopped, to be killed there."""


def rebuild_and_stop(url: str, tenant_id: int, point: Point, pipe: Pipe) -> None:
    """Say `stopped` at the point, and wait there to be killed."""
    original = pkgutil.resolve_name(point.called)
    calls = 0

    def called(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == point.call and not point.after:
            _wait_to_be_killed(pipe)
        given = original(*args, **options)
        if calls == point.call and point.after:
            _wait_to_be_killed(pipe)
        return given

    with patch(point.called, called), open_pool(url, max_size=5) as pool:
        rebuild(pool, tenant_id)


def rebuild_again_and_again(url: str, tenant_id: int, pipe: Pipe) -> None:
    """Rebuild until killed, which may be anywhere."""
    with open_pool(url, max_size=5) as pool:
        while True:
            rebuild(
                pool,
                tenant_id,
                report=lambda progress: pipe.send(tuple(progress)),
                patience_s=AFTER_A_KILL_S,
            )


def _wait_to_be_killed(pipe: Pipe) -> None:
    pipe.send("stopped")
    pipe.recv()
