"""The sealer: takes what each log grew by into its tree, and signs it, at most so often.

What it holds can be made again: a new one takes the edge of each tree from what is stored, and signs nothing
where that isn't what was signed before.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Histogram

from app.evidence.claiming import Claim, SupersededError, claimed
from app.evidence.command import CommandError
from app.evidence.failing import FailingGauge, reason_of
from app.evidence.guard import BusyError, RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError, guarded_signer
from app.evidence.sealing import (
    LEAVES_AT_ONCE,
    UnsoundError,
    grow,
    grow_accesses,
    open_tree,
    sign,
)
from app.evidence.store import changes, newest_checkpoint
from app.log.leaves import Log, recorded_at
from app.settings import Settings
from domain.evidence.checkpoints import Tree
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
FAILING = FailingGauge(
    "roundbook_evidence_failing",
    "1 while nothing is signed for a tenant's log, as something is wrong with it or its key",
)

_RETRY_FAILED_S = 5.0
_RETRY_STORE_S = 0.5
_BEAT_S = 1.0

_WRONG = (
    *(UnsoundError, MissingHashesError, RefusedError),
    *(NoKeyError, KeyFileError, CommandError, OSError),
)

_GROWTHS: dict[Tree, Callable[[Connection, Log, Edge, int], int]] = {
    "log": grow,
    "accesses": grow_accesses,
}

log = structlog.get_logger()


class Sql(Statements):
    """Finding what is to be sealed, and saying why it isn't."""

    grown_since: Statement
    unsealed: Statement
    unsealed_alone: Statement
    do_not_wait_for_the_disk: Statement
    set_failure: Statement
    failure: Statement


SQL = Sql(__file__)


class Failure(NamedTuple):
    """Why nothing is signed for a tenant's log, and since when."""

    failure: str
    failed_at: datetime


class Sealer:
    """Seals every tenant's log, one after the other; any number can run at once."""

    def __init__(
        self, pool: Pool, settings: Settings, *, beat: Callable[[], None] = lambda: None
    ) -> None:
        """Seal through `pool`, with the keys that `settings` name.

        `beat` is called again and again, so that others know that it goes on.
        """
        self._pool = pool
        self._settings = settings
        self._beat = beat
        self._changes = changes(SQL.grown_since)
        self._edges: dict[tuple[Log, Tree], Edge] = {}
        self._rest_until: dict[int, float] = {}
        self._told: dict[int, str] = {}

    def run(self, stop: threading.Event, *, clock: Callable[[], float]) -> None:
        """Seal until `stop` is set. Outlasts the store's absence."""
        interval_s = self._settings.seal_interval_s
        while not stop.is_set():
            began_s = clock()
            self._beat()
            try:
                is_behind = self.seal_all(now_s=began_s)
            except UNAVAILABLE as error:
                log.warning("the sealer waits for the store", error=str(error))
                stop.wait(_RETRY_STORE_S)
                continue
            if not is_behind:
                while (left_s := interval_s - (clock() - began_s)) > 0:
                    self._beat()
                    if stop.wait(min(left_s, _BEAT_S)):
                        break

    def seal_all(self, *, now_s: float) -> bool:
        """Seal each log that has grown, once. Return whether one has more than a transaction takes.

        A log that can't be sealed rests for a while and holds up no other. Raises where the store is out of
        reach.
        """
        logs = self._look(now_s)
        is_behind = False
        for each in logs:
            self._beat()
            if self._rest_until.get(each.tenant_id, 0) > now_s:
                continue
            try:
                sealed = self.seal(each)
            except SupersededError:
                continue  # what goes on is looked at next
            except Exception as error:
                # Whatever is wrong with one log must not hold up the others.
                if isinstance(error, UNAVAILABLE):
                    raise
                if not isinstance(error, _WRONG):
                    log.exception("sealing a log failed", tenant_id=each.tenant_id)
                self._rest_until[each.tenant_id] = now_s + _RETRY_FAILED_S
                self._fail(each, reason_of(error))
            else:
                self._rest_until.pop(each.tenant_id, None)
                self._told.pop(each.tenant_id, None)
                is_behind = is_behind or sealed >= LEAVES_AT_ONCE
        return is_behind

    def _look(self, now_s: float) -> list[Log]:
        """List the logs that have grown; they are looked at again until they have not."""
        with self._pool.connection() as connection:

            def unsealed(tenant_ids: list[int]) -> list[Log]:
                return fetch_all(connection, SQL.unsealed, {"tenant_ids": tenant_ids}, Log)

            def unsealed_alone(tenant_id: int) -> list[Log]:
                return fetch_all(connection, SQL.unsealed_alone, {"tenant_id": tenant_id}, Log)

            return self._changes.find(connection, unsealed, now_s=now_s, ask_one=unsealed_alone)

    def seal(self, of: Log) -> int:
        """Seal what a log grew by, in one transaction; gives how many events that were.

        That is none where somebody else is at it. Raises UnsoundError and RefusedError where what is stored
        is not what was signed, or an anchor contradicts it, SupersededError where another log goes on, and
        what the signer raises; then nothing was signed.
        """
        with self._pool.connection() as connection:
            try:
                with claimed(connection, of) as claim:
                    sealed = self._seal_trees(connection, of, claim)
            except BusyError:
                return 0
        for tree, (_, edge) in sealed.items():
            self._edges[of, tree] = edge
        events, _ = sealed["log"]
        SEALED.inc(events)
        return events

    def _seal_trees(
        self, connection: Connection, of: Log, claim: Claim
    ) -> dict[Tree, tuple[int, Edge]]:
        """Seal the trees of a log in this transaction; gives of each by how much it grew, and its edge."""
        connection.execute(SQL.do_not_wait_for_the_disk.sql)
        if claim.finding is not None:
            raise RefusedError(claim.finding)
        sealed = {tree: self._seal_tree(connection, of, tree) for tree in _GROWTHS}
        if claim.failure is not None:
            self._say(connection, of, None)
        FAILING.tell(of.tenant_id, failing=False, was_failing=claim.failure is not None)
        return sealed

    def _seal_tree(self, connection: Connection, of: Log, tree: Tree) -> tuple[int, Edge]:
        edge = self._edge(connection, of, tree)
        before = edge.size
        signer = guarded_signer(connection, of, tree, self._settings, datetime.now(UTC))
        # A checkpoint that was signed may not have been kept: its leaves are, and come in again.
        most = max(LEAVES_AT_ONCE, signer.last().size - before)
        grown = _GROWTHS[tree](connection, of, edge, most)
        if grown:
            oldest = recorded_at(connection, of, before + 1) if tree == "log" else None
            sealed = sign(connection, of, edge, signer)
            if oldest is not None:
                LAG.observe(max((sealed.sealed_at - oldest).total_seconds(), 0.0))
        return grown, edge

    def _edge(self, connection: Connection, of: Log, tree: Tree) -> Edge:
        """Return the edge of a tree, as it was left or as it is stored."""
        # What is in hand grows in a transaction that may fail: then it is made anew.
        known = self._edges.pop((of, tree), None)
        sealed = newest_checkpoint(connection, of, tree)
        if known is None or sealed is None:
            return open_tree(connection, of, tree)
        is_what_was_sealed = (known.size, known.root()) == (sealed.size, sealed.root)
        return known if is_what_was_sealed else open_tree(connection, of, tree)

    def _fail(self, of: Log, reason: str) -> None:
        """Say that nothing is signed for a log, where everybody sees it; in the service's log once."""
        FAILING.tell(of.tenant_id, failing=True)
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
