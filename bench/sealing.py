"""Sealing, seen from outside: until when what was recorded was signed."""

import time
from collections.abc import Sequence
from pathlib import Path

import aiosql
import click

from app.evidence.sealer import Sealer
from app.log.leaves import Log, current_log
from bench.server import Database
from postgres.connections import connect, open_pool

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg", mandatory_parameters=False)

_LOOK_EVERY_S = 0.05
_STUCK_S = 120.0


def wait_until_sealed(database: Database) -> None:
    """Wait until all logs are sealed. Raises click.ClickException if nothing moves for long."""
    with connect(database.service_url) as connection:
        seen, moved_s = -1, time.perf_counter()
        while (connection.execute(SQL.unsealed.sql).fetchone() or (0,))[0]:
            (sealed,) = connection.execute(SQL.sealed.sql).fetchone() or (0,)
            if sealed != seen:
                seen, moved_s = sealed, time.perf_counter()
            elif time.perf_counter() > moved_s + _STUCK_S:
                raise click.ClickException(f"nothing is sealed beyond {seen:,} events")
            time.sleep(_LOOK_EVERY_S)


def seal_lags(database: Database, tenant_id: int, positions: Sequence[int]) -> list[float]:
    """Give the seconds from the recording of each of these events to the first checkpoint over it.

    All is to be sealed. The time of recording is that of the lock, a little before the commit.
    """
    with connect(database.service_url) as connection:
        parameters = {"tenant_id": tenant_id, "positions": list(positions)}
        return [lag_s for (lag_s,) in connection.execute(SQL.seal_lags.sql, parameters)]


def log_of(database: Database, tenant_id: int) -> Log:
    """Return a tenant's log."""
    with connect(database.service_url) as connection:
        log = current_log(connection, tenant_id)
    assert log is not None
    return log


def seal_log(database: Database, log: Log) -> float:
    """Seal all of a log in this process; gives the seconds that took."""
    began_s = time.perf_counter()
    with open_pool(database.service_url, max_size=2) as pool:
        sealer = Sealer(pool, database.settings())
        while sealer.seal(log):
            pass
    return time.perf_counter() - began_s
