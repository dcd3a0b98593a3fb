"""The logs of a tenant: their keys, and another one, as after a restore."""

import os

from app.evidence.log_keys import begin_signing, log_keys
from app.log.append import follow_log, locked_log
from app.log.leaves import Log, current_log
from app.settings import Settings
from postgres.connections import Connection


def with_key(connection: Connection, tenant_id: int, settings: Settings) -> Log:
    """Return a tenant's log; it gets its key, as with `roundbook tenant create`, unless it has one."""
    log = current_log(connection, tenant_id)
    assert log is not None
    if not log_keys(connection, log):
        begin_signing(connection, log, settings)
    return log


def begin_another_log(connection: Connection, tenant_id: int) -> bytes:
    """Begin another log over the same events; gives its id."""
    log_id = os.urandom(16)
    with locked_log(connection, tenant_id) as head:
        follow_log(connection, head, log_id, "a note")
    return log_id
