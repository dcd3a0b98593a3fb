"""A server that was away is found again soon, however long it was."""

import pytest
from psycopg_pool import ConnectionPool
from psycopg_pool.pool import AddConnection, MaintenanceTask

from postgres.connections import open_pool
from tests.faults.places import free_port
from tests.http.service import eventually


def test_a_pool_looks_for_a_server_that_is_away_again_and_again_at_short_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look comes at once here; told is how long after the one before it should."""
    pauses: list[float] = []
    schedule = ConnectionPool.schedule_task

    def at_once(pool: ConnectionPool, task: MaintenanceTask, delay: float) -> None:
        if isinstance(task, AddConnection):
            pauses.append(delay)
            delay = 0
        schedule(pool, task, delay)

    monkeypatch.setattr(ConnectionPool, "schedule_task", at_once)
    with open_pool(f"postgresql://127.0.0.1:{free_port()}/roundbook", max_size=1):
        eventually(lambda: len(pauses) >= 5)
    assert pauses[0] < 1.5
    assert max(pauses) <= 2
