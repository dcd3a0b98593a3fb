"""Another log of a tenant, as after a restore."""

import os

from app.log.append import follow_log, locked_log
from postgres.connections import Connection


def begin_another_log(connection: Connection, tenant_id: int) -> bytes:
    """Begin another log over the same events; gives its id."""
    log_id = os.urandom(16)
    with locked_log(connection, tenant_id) as head:
        follow_log(connection, head, log_id, "a note")
    return log_id
