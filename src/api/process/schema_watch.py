"""Whoever writes for long looks whether the schema is still one that this version can go on with."""

import threading

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.schema import SCHEMA
from postgres.connections import Pool
from postgres.migrate import MigrationError, SchemaNewerError, look

_TICK_S = 5.0

log = structlog.get_logger()


def watch_schema(pool: Pool, stop: threading.Event) -> None:
    """Look until `stop` is set, or a newer version migrated the schema to what this one can't go on with.

    Outlasts the store's absence.
    """
    while not stop.wait(_TICK_S):
        try:
            with pool.connection() as connection:
                look(SCHEMA, connection)
        except SchemaNewerError as error:
            log.error("the schema is newer", reason=str(error))  # noqa: TRY400 (it tells all)
            return
        except (MigrationError, PoolTimeout, psycopg.Error) as error:
            log.warning("it can't be told of which version the schema is", error=str(error))
