"""The sealer: takes what each log grew by into its tree, and signs it, at most so often.

What it holds can be made again: a new one takes the edge of each tree from what is stored, and signs nothing
where that isn't what was signed before.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Gauge, Histogram

from app.evidence.command import CommandError
from app.evidence.guard import BusyError, RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError, guarded_signer
from app.evidence.sealing import (
    LEAVES_AT_ONCE,
    UnsoundError,
    grow,
    open_tree,
    sign,
)
from app.evidence.store import newest_checkpoint
from app.log.leaves import Log, recorded_at
from app.settings import Settings
from domain.evidence.merkle import Edge, MissingHashesError
from postgres.connections import Connection, Pool
from postgres.errors import UNAVAILABLE
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements

SEALED = Counter("roundbook_sealed_events", "Events taken into the trees of logs that are signed")
LAG = Histogram(
    "roundbook_evidence_lag_seconds",
    "From the commit of an event to a signed checkpoint over it: the oldest event of each",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 5, 10, 60, 600, 3600),
)
FAILING = Gauge(
    "roundbook_evidence_failing",
    "1 while nothing is signed for a tenant's log, as something is wrong with it or its key",
    ["tenant"],
    multiprocess_mode="mostrecent",
)

_RETRY_FAILED_S = 5.0
_RETRY_STORE_S = 0.5

_WRONG = (
    *(UnsoundError, MissingHashesError, RefusedError),
    *(NoKeyError, KeyFileError, CommandError, OSError),
)

log = structlog.get_logger()


class Sql(Statements):
    """Finding what is to be sealed, and claiming it."""

    unsealed: Statement
    begin_sealing: Statement
    claim: Statement
    do_not_wait_for_the_disk: Statement
    set_failure: Statement
    failure: Statement


SQL = Sql(__file__)


class Failure(NamedTuple):
    """Why nothing is signed for a tenant's log, and since when."""

    failure: str
    failed_at: datetime


class _Claim(NamedTuple):
    failure: str | None
    finding: str | None


class Sealer:
    """Seals every tenant's log, one after the other; any number can run at once."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        """Seal through `pool`, with the keys that `settings` name."""
        self._pool = pool
        self._settings = settings
        self._edges: dict[int, tuple[int, Edge]] = {}
        self._rest_until: dict[int, float] = {}
        self._told: dict[int, str] = {}

    def run(self, stop: threading.Event, *, clock: Callable[[], float]) -> None:
        """Seal until `stop` is set. Outlasts the store's absence."""
        interval_s = self._settings.seal_interval_s
        while not stop.is_set():
            began_s = clock()
            try:
                is_behind = self.seal_all(now_s=began_s)
            except UNAVAILABLE as error:
                log.warning("the sealer waits for the store", error=str(error))
                stop.wait(_RETRY_STORE_S)
                continue
            if not is_behind:
                stop.wait(max(0.0, interval_s - (clock() - began_s)))

    def seal_all(self, *, now_s: float) -> bool:
        """Seal each log that has grown, once. Return whether one has more than a transaction takes.

        A log that can't be sealed rests for a while and holds up no other. Raises where the store is out of
        reach.
        """
        with self._pool.connection() as connection:
            logs = fetch_all(connection, SQL.unsealed, None, Log)
        is_behind = False
        for each in logs:
            if self._rest_until.get(each.tenant_id, 0) > now_s:
                continue
            try:
                sealed = self.seal(each)
            except _WRONG as error:
                if isinstance(error, UNAVAILABLE):
                    raise
                self._rest_until[each.tenant_id] = now_s + _RETRY_FAILED_S
                self._fail(each, str(error))
            else:
                self._rest_until.pop(each.tenant_id, None)
                self._told.pop(each.tenant_id, None)
                is_behind = is_behind or sealed >= LEAVES_AT_ONCE
        return is_behind

    def seal(self, of: Log) -> int:
        """Seal what a log grew by, in one transaction; gives how many events that were.

        That is none where somebody else is at it. Raises UnsoundError and RefusedError where what is stored
        is not what was signed, or an anchor contradicts it, and what the signer raises; then nothing was
        signed.
        """
        known = self._edges.pop(of.tenant_id, None)
        with self._pool.connection() as connection:
            connection.execute(SQL.begin_sealing.sql, {"tenant_id": of.tenant_id})
            try:
                with connection.transaction():
                    before, edge = self._grow_and_sign(connection, of, known)
            except BusyError:
                return 0
        self._edges[of.tenant_id] = of.number, edge
        SEALED.inc(edge.size - before)
        return edge.size - before

    def _grow_and_sign(
        self, connection: Connection, of: Log, known: tuple[int, Edge] | None
    ) -> tuple[int, Edge]:
        """Seal a log in this transaction; gives the size before, and the edge now. Raises BusyError too."""
        connection.execute(SQL.do_not_wait_for_the_disk.sql)
        claim = fetch_one(connection, SQL.claim, {"tenant_id": of.tenant_id}, _Claim)
        if claim is None:
            raise BusyError(f"another process seals the log of tenant {of.tenant_id}")
        if claim.finding is not None:
            raise RefusedError(claim.finding)
        edge = self._edge(connection, of, known)
        before = edge.size
        signer = guarded_signer(connection, of, "log", self._settings, datetime.now(UTC))
        # A checkpoint that was signed may not have been kept: its events are, and come in again.
        most = max(LEAVES_AT_ONCE, signer.last().size - before)
        if grow(connection, of, edge, most):
            oldest = recorded_at(connection, of, before + 1)
            sealed = sign(connection, of, edge, signer)
            if oldest is not None:
                LAG.observe(max((sealed.sealed_at - oldest).total_seconds(), 0.0))
        if claim.failure is not None:
            self._say(connection, of, None)
        FAILING.labels(of.tenant_id).set(0)
        return before, edge

    def _edge(self, connection: Connection, of: Log, known: tuple[int, Edge] | None) -> Edge:
        sealed = newest_checkpoint(connection, of, "log")
        if known is not None and sealed is not None and known[0] == of.number:
            edge = known[1]
            if (edge.size, edge.root()) == (sealed.size, sealed.root):
                return edge
        return open_tree(connection, of, "log")

    def _fail(self, of: Log, reason: str) -> None:
        """Say that nothing is signed for a log, where everybody sees it; in the service's log once."""
        FAILING.labels(of.tenant_id).set(1)
        if self._told.get(of.tenant_id) != reason:
            log.error("nothing is signed for a log", tenant_id=of.tenant_id, reason=reason)
        self._told[of.tenant_id] = reason
        with self._pool.connection() as connection:
            self._say(connection, of, reason)

    def _say(self, connection: Connection, of: Log, failure: str | None) -> None:
        parameters = {"tenant_id": of.tenant_id, "failure": failure, "now": datetime.now(UTC)}
        connection.execute(SQL.set_failure.sql, parameters)


def failure_of(connection: Connection, tenant_id: int) -> Failure | None:
    """Return why nothing is signed for a tenant's log, None where all is well."""
    return fetch_one(connection, SQL.failure, {"tenant_id": tenant_id}, Failure)
