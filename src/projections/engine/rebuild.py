"""Rebuilding a tenant's read models from its log, beside the live ones, which queries read until the switch.

A rebuild makes a whole new generation by the projector's own loop, follows the live one until both are at
the same position, compares them in one snapshot, and switches in one small transaction. Killed anywhere,
it is taken up again where it stood: the new generation's tracking row holds its position.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import psycopg

from postgres.answering import answering_within
from postgres.connections import Connection
from projections.days import GAMING_DAY, without_rule
from projections.engine import generations
from projections.engine.comparison import Comparison, compare
from projections.engine.generations import RebuildError, Standing
from projections.engine.pacing import Pace
from projections.engine.projector import Projector
from projections.entries import Scope
from projections.models.registry import READ_MODELS
from projections.reading import begin_snapshot
from projections.tracking import Pool

_PAUSE_S = 0.05
_COMPARISON_S = 3_600.0
"""How long the rows of one table may take to be compared."""


class StoppedError(RebuildError):
    """The rebuild was stopped; the next one goes on where it stood."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


class Progress(NamedTuple):
    """What a rebuild is at, how many events of a tenant's log are made, and of how many."""

    made: int
    total: int
    step: Literal["catching up", "making", "comparing", "deleting"] = "making"


class Rebuilt(NamedTuple):
    """What a rebuild found. `changed` are the projections of another version: (old, new), 0 for none.

    `by_other_days` are those that count by other days than before.
    """

    position: int
    comparisons: list[Comparison]
    changed: dict[str, tuple[int, int]]
    by_other_days: list[str]

    @property
    def differences(self) -> int:
        """How many rows were not what the log says."""
        return sum(comparison.differing for comparison in self.comparisons)

    @property
    def compared(self) -> int:
        """How many rows were looked at, in either generation."""
        return sum(each.rows + each.unexpected for each in self.comparisons)


class Rebuild:
    """One rebuild of one tenant's read models."""

    def __init__(
        self,
        pool: Pool,
        projector: Projector,
        tenant_id: int,
        *,
        stop: threading.Event,
        report: Callable[[Progress], None] = lambda _: None,
        found: Callable[[Rebuilt], None] = lambda _: None,
        events_per_s: int | None = None,
    ) -> None:
        """Rebuild by `projector`, until `stop` is set; `report` hears how far it is.

        No faster than `events_per_s`, and other tenants go first. `found` hears what differed as soon as it
        is mended: deleting the old rows may take long.
        """
        self._pool = pool
        self._projector = projector
        self._tenant_id = tenant_id
        self._stop = stop
        self._report = report
        self._found = found
        self._pace = Pace(
            pool, tenant_id, chunk_events=projector.chunk_events, events_per_s=events_per_s
        )

    def run(
        self, *, compared: Collection[str] = (), check: bool = False, patience_s: float = 0
    ) -> Rebuilt:
        """Rebuild all read models, compare those that are `compared`, and make the new ones live.

        Without names those of the same version and days are compared: others may well differ. With `check`
        the new ones are dropped instead. Another rebuild of the tenant is waited for `patience_s`: it
        may have been killed. Raises AlreadyRebuildingError, StoppedError and other RebuildErrors,
        projections.entries.PoisonError, and what the store raises.
        """
        with generations.sole_rebuild(self._pool, self._tenant_id, patience_s=patience_s):
            scope = generations.begin_or_resume(self._pool, self._tenant_id)
            with self._one_moment(scope) as (snapshot, at):
                self._report(Progress(at.made.position, at.live.position, "comparing"))
                changed, by_other_days = _changed(at), _by_other_days(at)
                chosen = compared or [
                    name for name in READ_MODELS if name not in {*changed, *by_other_days}
                ]
                old = Scope(self._tenant_id, at.live.number)
                with answering_within(snapshot, _COMPARISON_S), self._stopping(snapshot):
                    comparisons = [
                        compare(snapshot, table, old, scope)
                        for name in READ_MODELS
                        if name in chosen
                        for table in READ_MODELS[name].tables
                    ]
            if check:
                generations.discard(self._pool, scope)
            else:
                with self._level(scope) as holder:
                    generations.switch(holder, scope)
            rebuilt = Rebuilt(at.made.position, comparisons, changed, by_other_days)
            self._found(rebuilt)
            self._report(Progress(at.live.position, at.live.position, "deleting"))
            generations.sweep(self._pool, self._tenant_id, self._stop)
        return rebuilt

    def _follow(self, scope: Scope) -> None:
        """Make the new generation, until it is less than a chunk behind the live one."""
        while True:
            with self._pool.connection() as connection:
                at = generations.standing(connection, scope)
            end = self._end(at.live.position)
            self._report(Progress(at.made.position, end))
            if end - at.made.position <= self._projector.chunk_events:
                return
            made = self._make_chunk(scope, end, limit=self._pace.turn(self._stop))
            self._pace.made(made)

    def _end(self, live: int) -> int:
        """Return how far the new generation is to go: as far as the live one, unless the log ends before.

        Then somebody took from the log what was projected, and the new one is what is left.
        """
        return min(live, self._projector.head(self._tenant_id))

    def _make_chunk(self, scope: Scope, until: int, *, limit: int | None = None) -> int:
        if self._stop.is_set():
            raise StoppedError
        made = self._projector.project_chunk(scope, until=until, limit=limit)
        if not made:
            self._stop.wait(_PAUSE_S)
        return made

    @contextmanager
    def _level(self, scope: Scope) -> Iterator[Connection]:
        """Within a transaction that holds the live generation where it is, bring the new one there.

        Or to the end of the log, where that is before.
        """
        self._follow(scope)
        with self._pool.connection() as holder, holder.transaction():
            position = self._end(generations.hold_live(holder, self._tenant_id))
            while generations.standing(holder, scope).made.position < position:
                self._make_chunk(scope, position)
            yield holder

    @contextmanager
    def _one_moment(self, scope: Scope) -> Iterator[tuple[Connection, Standing]]:
        """Return a snapshot in which both generations stand where they were level, and hold up nobody."""
        while True:
            with self._pool.connection() as reader:
                with self._level(scope):
                    # Begins the snapshot, while neither can move.
                    begin_snapshot(reader)
                    at = generations.standing(reader, scope)
                # The live one is ahead only where the log ends before it.
                if at.gap >= 0:
                    yield reader, at
                    return

    @contextmanager
    def _stopping(self, connection: Connection) -> Iterator[None]:
        """Cancel what the connection is at once `stop` is set: a comparison takes seconds to minutes."""
        finished = threading.Event()

        def watch() -> None:
            while not finished.wait(_PAUSE_S):
                if self._stop.is_set():
                    connection.cancel_safe()

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        except psycopg.errors.QueryCanceled:
            if self._stop.is_set():
                raise StoppedError from None
            raise
        finally:
            finished.set()
            watching.join()


def _changed(at: Standing) -> dict[str, tuple[int, int]]:
    old, new = at.live.versions, at.made.versions
    if not at.live.position:
        return {}
    return {
        name: (old.get(name, 0), version)
        for name, version in without_rule(new).items()
        if old.get(name, 0) != version
    }


def _by_other_days(at: Standing) -> list[str]:
    old, new = at.live.versions, at.made.versions
    if not at.live.position or old.get(GAMING_DAY, 0) == new.get(GAMING_DAY, 0):
        return []
    return [name for name, model in READ_MODELS.items() if model.by_day]
