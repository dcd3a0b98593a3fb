"""Anchoring: what is signed is given to places outside, and what they know is held against the log.

An anchor that is slow or out of reach holds up nothing else: each has a thread of its own.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from prometheus_client import Gauge

from app.evidence.anchors.anchor import Anchor, AnchorError, ContradictionError
from app.evidence.anchors.detecting import hold_against, shown_by
from app.evidence.log_keys import log_keys
from app.evidence.sealing import UnsoundError, root_to_be
from app.evidence.store import newest_checkpoint, reader, signings
from app.log.leaves import Log
from domain.evidence.anchoring import Prove
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.merkle import EMPTY_ROOT, MissingHashesError
from domain.evidence.notes import VerifierKey, parse_note, parse_verifier_key
from domain.evidence.proofs import Tree as StoredTree
from postgres.connections import Connection, Pool
from postgres.errors import UNAVAILABLE
from postgres.pooling import require_session
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements

AGE = Gauge(
    "roundbook_evidence_anchor_age_seconds",
    "Age of the oldest checkpoint, of any tenant, after which an anchor has none",
    ["target"],
    multiprocess_mode="mostrecent",
)

_RETRY_STORE_S = 0.5

log = structlog.get_logger()


class Sql(Statements):
    """Finding what is to be anchored, keeping receipts and findings."""

    trees: Statement
    waiting: Statement
    take_turn: Statement
    end_turn: Statement
    anchored_size: Statement
    wait_for_the_disk: Statement
    add_anchor: Statement
    set_finding: Statement
    clear_findings: Statement


SQL = Sql(__file__)


class _Tree(NamedTuple):
    tenant_id: int
    number: int
    log_id: bytes
    tree: Tree


class _Waiting(NamedTuple):
    tenant_id: int
    number: int
    log_id: bytes
    tree: Tree
    waiting_since: datetime


class Anchoring:
    """Gives the newest checkpoint of each tree to one anchor, at most so often."""

    def __init__(self, pool: Pool, anchor: Anchor, *, interval_s: float) -> None:
        """Anchor through `anchor`, each tree once in `interval_s` at most."""
        self._pool = pool
        self._anchor = anchor
        self._interval_s = interval_s
        self._target = anchor.spec.target
        self._changes = signings()
        self._told: dict[Log, str] = {}
        AGE.labels(self._target).set(0)

    def run(self, stop: threading.Event) -> None:
        """Anchor until `stop` is set. Outlasts the absence of the store and of the anchor."""
        try:
            while not stop.is_set():
                try:
                    self.anchor_all(stop, now_s=time.monotonic())
                except UNAVAILABLE as error:
                    log.warning(
                        "an anchor waits for the store", target=self._target, error=str(error)
                    )
                    stop.wait(_RETRY_STORE_S)
                    continue
                stop.wait(self._interval_s)
        finally:
            self._anchor.close()

    def check_all(self) -> None:
        """Hold each log against what the anchor shows of it, before anything more is signed.

        What contradicts a log is kept with it, and what this anchor said before is taken back where it no
        longer does. An anchor that can't be asked says nothing.
        """
        with self._pool.connection() as connection:
            trees = fetch_all(connection, SQL.trees, None, _Tree)
        as_before = []  # of these no finding is taken back
        for each in trees:
            of = Log(each.tenant_id, each.number, each.log_id)
            try:
                self._check(of, each.tree)
            except ContradictionError as error:
                self._contradicted(of, error)
                as_before.append(of.tenant_id)
            except AnchorError as error:
                log.warning("an anchor can't be asked", target=self._target, reason=str(error))
                return
            except Exception as error:
                if isinstance(error, UNAVAILABLE):
                    raise
                self._failed(of, error)
                as_before.append(of.tenant_id)
        with self._pool.connection() as connection:
            parameters = {"target": self._target, "contradicted": as_before}
            connection.execute(SQL.clear_findings.sql, parameters)

    def anchor_all(self, stop: threading.Event, *, now_s: float = 0.0) -> None:
        """Anchor what the anchor doesn't have yet. Raises where the store is out of reach.

        `now_s` is by a clock that never goes back.
        """
        waiting = self._look(now_s)
        now, left = datetime.now(UTC), list(waiting)
        for each in waiting:
            if stop.is_set():
                return
            of = Log(each.tenant_id, each.number, each.log_id)
            try:
                if self._anchor_one(of, each.tree):
                    left.remove(each)
            except Exception as error:
                # Whatever is wrong with one log must not hold up the others.
                if isinstance(error, UNAVAILABLE):
                    raise
                self._failed(of, error)
        oldest = min((each.waiting_since for each in left), default=now)
        AGE.labels(self._target).set((now - oldest).total_seconds())

    def _look(self, now_s: float) -> list[_Waiting]:
        """List what the anchor doesn't have yet; it is looked at again until it has."""
        with self._pool.connection() as connection:

            def waiting(tenant_ids: list[int]) -> list[_Waiting]:
                asked = {"target": self._target, "tenant_ids": tenant_ids}
                return fetch_all(connection, SQL.waiting, asked, _Waiting)

            return self._changes.find(connection, waiting, now_s=now_s)

    def _anchor_one(self, of: Log, tree: Tree) -> bool:
        """Anchor the newest checkpoint of a tree, or say why not; gives whether the anchor has it now."""
        try:
            return self._anchor_newest(of, tree)
        except ContradictionError as said:
            found = self._judge(of, tree, said)
            if found is not None:
                self._contradicted(of, found)
            else:
                self._not_anchored(of, f"{said}; the log has that by now, or will have it sealed")
        except AnchorError as error:
            self._not_anchored(of, str(error))
        return False

    def _anchor_newest(self, of: Log, tree: Tree) -> bool:
        """Anchor the newest checkpoint of a tree; gives whether the anchor has it now.

        It is left to another process that is at it. What leaves is on the disk: an anchor must not know more
        than the log does after a loss of power.
        """
        with self._pool.connection() as connection, self._turn(connection, of, tree) as has_turn:
            if not has_turn:
                return False
            row = {
                "tenant_id": of.tenant_id,
                "log_number": of.number,
                "tree": tree,
                "target": self._target,
            }
            newest = newest_checkpoint(connection, of, tree)
            anchored = fetch_one(connection, SQL.anchored_size, row, int)
            if newest is None or newest.size <= (anchored or 0):
                return True
            connection.execute(SQL.wait_for_the_disk.sql)
            note = parse_note(newest.note.encode())
            receipt = self._anchor.anchor(note, _prover(connection, of, tree, newest.size))
            given = {"size": newest.size, "receipt": receipt.data, "anchored_at": datetime.now(UTC)}
            connection.execute(SQL.add_anchor.sql, {**row, **given})
            return True

    @contextmanager
    def _turn(self, connection: Connection, of: Log, tree: Tree) -> Iterator[bool]:
        """Have, of all processes, the turn to give a tree to the anchor; gives whether it was to be had."""
        require_session(connection, "anchoring")
        turn = {"turn": f"{self._target} {of.log_id.hex()} {tree}"}
        has_turn = bool(fetch_one(connection, SQL.take_turn, turn, bool))
        try:
            yield has_turn
        finally:
            # A connection that broke has let go of it.
            if has_turn and not connection.closed:
                connection.execute(SQL.end_turn.sql, turn)

    def _check(self, of: Log, tree: Tree) -> None:
        with self._pool.connection() as connection:
            vkeys = _vkeys(connection, of)
        if not vkeys:
            return
        origin = origin_of(vkeys[0].name, tree)
        shown = shown_by(self._anchor, origin, vkeys)
        if shown is None:
            return
        with self._pool.connection() as connection:
            own = _own(connection, of, tree, origin, shown.checkpoint.size)
            hold_against(shown, own, _prover(connection, of, tree, own.size))

    def _judge(self, of: Log, tree: Tree, said: ContradictionError) -> ContradictionError | None:
        """Return how an anchor contradicts the log as it is now, None where it doesn't.

        That is what it shows that is signed, else what it said. What a witness answers is not signed unless
        it cosigns: it is its word, by TLS.
        """
        try:
            self._check(of, tree)
        except ContradictionError as shown:
            return shown
        except AnchorError:
            pass
        if said.evidence is not None:  # what it shows, which was just looked at
            return None
        if said.size is not None and self._reaches(of, tree, said.size):
            return None
        words = f"{said}. That is its word: it shows no signed checkpoint that says so"
        return ContradictionError(said.finding, words)

    def _reaches(self, of: Log, tree: Tree, size: int) -> bool:
        with self._pool.connection() as connection:
            return _own(connection, of, tree, "", size).size >= size

    def _not_anchored(self, of: Log, reason: str) -> None:
        log.warning(
            "a checkpoint was not anchored",
            tenant_id=of.tenant_id,
            target=self._target,
            reason=reason,
        )

    def _failed(self, of: Log, error: Exception) -> None:
        if isinstance(error, MissingHashesError):  # the sealer says what is wrong with the log
            self._not_anchored(of, str(error))
        else:
            where = {"tenant_id": of.tenant_id, "target": self._target}
            log.error("anchoring a log failed", exc_info=error, **where)

    def _contradicted(self, of: Log, error: ContradictionError) -> None:
        """Keep that an anchor contradicts a log: nothing more is signed for it."""
        if self._told.get(of) != str(error):
            log.error(
                "an anchor contradicts a log",
                tenant_id=of.tenant_id,
                reason=str(error),
                evidence=error.evidence and str(error.evidence),
            )
        self._told[of] = str(error)
        parameters = {
            "tenant_id": of.tenant_id,
            "log_number": of.number,
            "finding": f"{error.finding}: {error}",
            "target": self._target,
            "now": datetime.now(UTC),
        }
        with self._pool.connection() as connection:
            connection.execute(SQL.set_finding.sql, parameters)


def begin_anchoring(
    pool: Pool,
    anchors: Sequence[Anchor],
    stop: threading.Event,
    *,
    seal_interval_s: float,
) -> list[threading.Thread]:
    """Hold all logs against all anchors, then return a thread for each anchor, not started yet."""
    threads = []
    for anchor in anchors:
        interval_s = max(anchor.spec.interval_s, seal_interval_s)
        anchoring = Anchoring(pool, anchor, interval_s=interval_s)
        anchoring.check_all()
        threads.append(threading.Thread(target=anchoring.run, args=[stop], name=anchor.spec.target))
    return threads


def _vkeys(connection: Connection, of: Log) -> list[VerifierKey]:
    """Return the keys of a log; what one of them signed before it was revoked is the log's word."""
    return [parse_verifier_key(key.vkey) for key in log_keys(connection, of) if not key.revoked]


def _own(connection: Connection, of: Log, tree: Tree, origin: str, size: int) -> Checkpoint:
    """Return the newest checkpoint of a tree; where that is smaller than `size`, what will be sealed at that.

    A loss of power may take checkpoints, which are signed again, and none of the leaves under them.
    """
    newest = newest_checkpoint(connection, of, tree)
    own = Checkpoint(origin, 0, EMPTY_ROOT)
    if newest is not None:
        own = parse_checkpoint(parse_note(newest.note.encode()).text)
    if own.size < size:
        try:
            root = root_to_be(connection, of, tree, size)
        except UnsoundError:
            root = None
        if root is not None:
            return Checkpoint(origin, size, root)
    return own


def _prover(connection: Connection, of: Log, tree: Tree, size: int) -> Prove:
    return StoredTree(size, reader(connection, of, tree)).consistency
