"""When keys were last used: noted where a key is looked up, never where something is recorded."""

import threading
import time
from collections import OrderedDict

import psycopg
import structlog

from postgres.connections import Connection
from postgres.statements import Statement, Statements

_ONCE_IN_S = 60.0
_REMEMBERED_KEYS = 10_000

log = structlog.get_logger()


class Sql(Statements):
    """Noting."""

    note_key_use: Statement


SQL = Sql(__file__)


class KeyUses:
    """Notes which keys are used, each once a minute at most."""

    def __init__(self) -> None:
        """Begin with no key."""
        self._noted_s: OrderedDict[int, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, connection: Connection, key_id: int) -> None:
        """Note that a key is used now. What can't be noted is left out: nobody's request fails for it."""
        now_s = time.monotonic()
        with self._lock:
            if now_s < self._noted_s.get(key_id, -_ONCE_IN_S) + _ONCE_IN_S:
                return
            self._noted_s[key_id] = now_s
            self._noted_s.move_to_end(key_id)
            while len(self._noted_s) > _REMEMBERED_KEYS:
                self._noted_s.popitem(last=False)
        try:
            connection.execute(SQL.note_key_use.sql, {"key_id": key_id})
        except psycopg.Error as error:
            log.debug("the use of a key was not noted", key_id=key_id, error=str(error))
