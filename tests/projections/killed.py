"""A projector in a process of its own, to be killed. A module by itself, so that it can be imported."""

from multiprocessing.connection import Connection as Pipe
from typing import Any, NamedTuple
from unittest.mock import patch

from app.log.recorder import TenantLog
from postgres.connections import open_pool
from projections.engine.projector import Projector
from projections.entries import Scope
from projections.tracking import advance


class Task(NamedTuple):
    """Project a tenant in chunks; stop for ever after so many of them, amid the next or between."""

    url: str
    scope: Scope
    chunk_events: int
    chunks: int
    amid: bool


def project_and_stop(task: Task, pipe: Pipe) -> None:
    """Say `stopped` where the task says, and wait there to be killed."""
    done = 0

    def stop() -> None:
        pipe.send("stopped")
        pipe.recv()

    def advance_and_stop(*args: Any) -> None:
        advance(*args)
        if task.amid and done == task.chunks:
            stop()

    with (
        patch("projections.engine.projector.advance", advance_and_stop),
        open_pool(task.url, max_size=2) as pool,
    ):
        running = Projector(
            pool,
            lambda tenant_id: TenantLog(pool, tenant_id),
            chunk_events=task.chunk_events,
            poll_interval_s=0.01,
        )
        while done < task.chunks or task.amid:
            running.project_chunk(task.scope)
            done += 1
        stop()
