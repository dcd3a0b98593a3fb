"""The projector: reads each tenant's log in chunks and writes all its read models, with the new position.

A chunk is one transaction, so that whatever is killed when, nothing is skipped or applied twice.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

import psycopg
import structlog
from eventsourcing.persistence import ApplicationRecorder, Notification
from prometheus_client import Counter, Gauge, Histogram

from postgres.distribution import is_copy_refused
from postgres.errors import UNAVAILABLE, is_exhausted, is_out_of_reach
from projections.engine.read_ahead import Reader, Wanted
from projections.engine.turns import Turns
from projections.entries import PoisonError, Scope
from projections.models.registry import READ_MODELS, code_versions, is_of_newer_code
from projections.tracking import (
    Behind,
    Claimed,
    Pool,
    advance,
    appends,
    behind_alone,
    behind_of,
    claim,
    fail,
)

PROJECTED = Counter("roundbook_projected_events", "Events folded into the live read models")
LAG = Histogram(
    "roundbook_projection_lag_seconds",
    "From the commit of an event to its visibility in queries: the oldest event of each chunk",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
FAILING = Gauge(
    "roundbook_projection_failing",
    "1 while a tenant's projection stands still because of an error",
    ["tenant_id"],
    multiprocess_mode="mostrecent",
)

_WAITED_IN_VAIN = ("40", "55", "57014")
_RETRY_FAILED_S = 5.0
_RETRY_STORE_S = 0.5
_OF_OTHERS_S = 0.5
_BEAT_S = 1.0

log = structlog.get_logger()


class _StretchError(Exception):
    """Part of a stretch of the log can't be projected: the stretch, and the reason."""

    def __init__(self, first: int, last: int, reason: Exception) -> None:
        super().__init__(first, last, reason)
        self.first = first
        self.last = last
        self.reason = reason


class Projector:
    """Projects every tenant's log, one chunk of one tenant after the other; any number can run at once."""

    def __init__(
        self,
        pool: Pool,
        open_log: Callable[[int], ApplicationRecorder],
        *,
        chunk_events: int,
        poll_interval_s: float,
        when_projected: Callable[[int, Sequence[Notification]], None] = lambda *_: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """Read logs by `open_log(tenant_id)`, write read models through `pool`.

        `when_projected(tenant_id, events)` is called after each chunk's commit. It must not raise. `beat` is
        called again and again by `run`, after each wait that ended, so that others know that it goes on.
        """
        self._pool = pool
        self._open_log = open_log
        self.chunk_events = chunk_events
        self._poll_interval_s = poll_interval_s
        self._when_projected = when_projected
        self._beat = beat
        self._appends = appends()
        self._turns = Turns(chunk_events)
        self._rest_until: dict[Scope, float] = {}
        self._shown_failing: set[int] = set()
        self._left_alone: set[Scope] = set()
        # A rebuild calls from a thread of its own.
        self._readers = threading.local()

    def run(self, stop: threading.Event, *, clock: Callable[[], float]) -> None:
        """Project until `stop` is set; the chunk that was begun is finished. Outlasts the store's absence."""
        while not stop.is_set():
            self._beat()
            try:
                busy = self.project_all(now_s=clock())
            except UNAVAILABLE as error:
                log.warning("projector waits for the store", error=str(error))
                stop.wait(_RETRY_STORE_S)
                continue
            if not busy:
                self._rest(stop, self._poll_interval_s)

    def _rest(self, stop: threading.Event, rest_s: float) -> None:
        while rest_s > 0 and not stop.wait(min(rest_s, _BEAT_S)):
            self._beat()
            rest_s -= _BEAT_S

    def project_all(self, *, now_s: float) -> bool:
        """Project what is new of each tenant that has little of it, and a chunk of one that has more.

        Return whether there may be more to do at once. A tenant whose events can't be projected rests for a
        while and holds up no other, and so does one that another projector was quicker with: several share
        the tenants without knowing each other, and where one is gone the others try what was its own soon.
        Raises where the store is out of reach.
        """
        with self._pool.connection() as connection:
            behind = self._appends.find(
                connection,
                partial(behind_of, connection),
                now_s=now_s,
                ask_one=partial(behind_alone, connection),
            )
        self._show(behind)
        busy = False
        waiting = [each for each in behind if each.live and not self._rests(each.scope, now_s)]
        turns = self._turns.take(waiting, now_s=now_s)
        for scope, limit in turns:
            self._beat()
            try:
                done = self.project_chunk(scope, limit=limit, read_ahead=len(waiting) == 1)
            except Exception as error:
                if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                    raise  # a standby, for all tenants alike
                if is_out_of_reach(error) or is_exhausted(error):
                    # Of the store as a whole, or of this tenant's chunk alone (its session was ended, say):
                    # the others have their turn either way, and the next look at the store tells.
                    self._rest_until[scope] = now_s + _RETRY_STORE_S
                    log.warning("a chunk was broken off", **scope._asdict(), reason=str(error))
                    continue
                self._rest_until[scope] = now_s + _RETRY_FAILED_S
                FAILING.labels(scope.tenant_id).set(1)
                self._shown_failing.add(scope.tenant_id)
                log.exception(
                    "projection stands still",
                    **scope._asdict(),
                    position=error.position if isinstance(error, PoisonError) else None,
                    reason=error.reason if isinstance(error, PoisonError) else str(error),
                )
                continue
            if done:
                busy = True
                self._rest_until.pop(scope, None)
            else:
                self._rest_until[scope] = now_s + _OF_OTHERS_S
        # One with a long way to go may be another projector's by now: the next has its turn without a rest.
        return busy or len(turns) < len(waiting)

    def _rests(self, scope: Scope, now_s: float) -> bool:
        return self._rest_until.get(scope, 0) > now_s

    def project_chunk(
        self,
        scope: Scope,
        *,
        until: int | None = None,
        limit: int | None = None,
        read_ahead: bool = True,
    ) -> int:
        """Project the next chunk of a tenant's log, up to position `until`; gives its number of events.

        That is `limit` at most, else `chunk_events`. With `read_ahead` the one after it is read meanwhile,
        for whoever projects it next.

        That is 0 where there is nothing new, or another projector is at it. Of a chunk that fails it
        projects what stands before the event at fault. Raises PoisonError for an event that can't be
        projected, after recording it for all processes; other errors where the store is out of
        reach.
        """
        most = self.chunk_events if limit is None else limit
        while True:
            try:
                return self._project(scope, until, most, read_ahead=read_ahead)
            except _StretchError as error:
                if isinstance(error.reason, PoisonError) and error.reason.position > error.first:
                    most = error.reason.position - error.first
                elif error.last > error.first and _is_of_the_events(error.reason):
                    most = (error.last - error.first + 1) // 2
                else:
                    raise self._poison(scope, error) from error.reason

    def _project(self, scope: Scope, until: int | None, limit: int, *, read_ahead: bool) -> int:
        with self._pool.connection() as connection, connection.transaction():
            claimed = claim(connection, scope)
            if claimed is None or self._must_leave_alone(scope, claimed):
                return 0
            if claimed.failed_position == claimed.position + 1:
                limit = 1
            versions = (
                claimed.versions
                if claimed.position
                else {**code_versions(), **claimed.days.versions}
            )
            # A read model that is new in this code does not start midway through a generation.
            names = [name for name in READ_MODELS if name in versions]
            rule = claimed.days.rule
            wanted = Wanted(scope.tenant_id, claimed.position, limit, until, names, rule)
            reader = self._reader()
            read = reader.read(wanted)
            notifications, folded, error = read
            if not notifications:
                return 0
            first, last = notifications[0].id, notifications[-1].id
            if error:
                raise _StretchError(first, last, error) from error
            # A shorter stretch is the last one, for now.
            if read_ahead and len(notifications) == limit and last != until:
                reader.read_ahead(wanted._replace(after=last))
            try:
                for name in names:
                    READ_MODELS[name].write(connection, scope, folded[name].result())
                advance(connection, scope, last, versions)
            except Exception as error:
                read.give_up()
                # Of rows that a node refused nobody tells whether they are at fault, or it is: then what
                # is recorded as a failure goes on at the next try.
                if (is_out_of_reach(error) and not is_copy_refused(error)) or is_exhausted(error):
                    raise
                raise _StretchError(first, last, error) from error
        if claimed.live:
            self._shown(scope, claimed, notifications)
        return len(notifications)

    def _shown(self, scope: Scope, claimed: Claimed, notifications: Sequence[Notification]) -> None:
        PROJECTED.inc(len(notifications))
        if claimed.next_recorded_at is not None:
            LAG.observe(max(_age_s(claimed.next_recorded_at), 0.0))
        self._when_projected(scope.tenant_id, notifications)

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._readers, "reader", None)
        if reader is None:
            reader = self._readers.reader = Reader(self._select)
        return reader

    def head(self, tenant_id: int) -> int:
        """Return where a tenant's log ends: what may be entered beyond that, nobody recorded."""
        return self._open_log(tenant_id).max_notification_id() or 0

    def _select(self, wanted: Wanted) -> Sequence[Notification]:
        head = self.head(wanted.tenant_id)
        stop = head if wanted.until is None else min(wanted.until, head)
        return self._open_log(wanted.tenant_id).select_notifications(
            start=wanted.after, limit=wanted.limit, stop=stop, inclusive_of_start=False
        )

    def _poison(self, scope: Scope, error: _StretchError) -> PoisonError:
        """Record what failed, where every process sees it."""
        reason = error.reason
        if not isinstance(reason, PoisonError):
            reason = PoisonError(error.first, reason)
        with self._pool.connection() as connection:
            fail(connection, scope, reason.position, reason.reason)
        return reason

    def _must_leave_alone(self, scope: Scope, claimed: Claimed) -> bool:
        """Return whether a generation is of newer code: what this code would add, that code would not."""
        if not claimed.position or not is_of_newer_code(claimed.versions):
            return False
        if scope not in self._left_alone:
            self._left_alone.add(scope)
            log.warning(
                "the read models are of a newer version: left to others",
                **scope._asdict(),
                versions=claimed.versions,
                own_versions=code_versions(),
            )
        return True

    def _show(self, behind: Sequence[Behind]) -> None:
        """Show in the metrics what the store says of all projectors."""
        failing = {each.tenant_id for each in behind if each.failed_position is not None}
        for tenant_id in failing:
            FAILING.labels(tenant_id).set(1)
        for tenant_id in self._shown_failing - failing:
            FAILING.labels(tenant_id).set(0)
        self._shown_failing = failing


def _is_of_the_events(error: Exception) -> bool:
    """Return whether a part of the events may go through; a wait in vain is only repeated by parts."""
    state = getattr(error, "sqlstate", None) or ""
    return not isinstance(error, PoisonError) and not state.startswith(_WAITED_IN_VAIN)


def _age_s(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()
