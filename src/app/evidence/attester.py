"""States the heads of every log that grew, once a day, beside the sealer and out of its way."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple

import structlog
from prometheus_client import Gauge

from app.evidence.attesting import attest, mend_pages
from app.evidence.claiming import SupersededError
from app.evidence.command import CommandError
from app.evidence.failing import FailingGauge, reason_of
from app.evidence.guard import BusyError, RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError
from app.evidence.sealing import UnsoundError
from app.evidence.store import signings
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.heads import HeadsError
from domain.evidence.merkle import MissingHashesError
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements

AGE = Gauge(
    "roundbook_evidence_statement_age_seconds",
    "Since the newest statement of a log's heads, where it is longest: of all logs that have grown since",
    multiprocess_mode="mostrecent",
)

FAILING = FailingGauge(
    "roundbook_evidence_statement_failing",
    "1 while the heads of a tenant's log can't be stated, as something is wrong with it or its key",
)

EACH = timedelta(days=1)
"""How often a log that grows gets a statement; the first one follows its first checkpoint."""

_LOOK_S = 1.0
_LOOK_AT_PAGES_S = 30.0
_PAGES_A_LOOK = 2
"""Of so many logs the pages are looked at at once; of ten thousand each has its turn in some 80 minutes."""
_RETRY_FAILED_S = 60.0
_PAUSE_S = 0.1
"""Between some thousand streams, which take a fifth of that: whoever writes goes first."""

_WRONG = (
    *(UnsoundError, HeadsError, MissingHashesError),
    *(RefusedError, NoKeyError, KeyFileError, CommandError, OSError),
)

log = structlog.get_logger()


class Sql(Statements):
    """Finding what is to be stated, and saying why it isn't."""

    attested: Statement
    set_unstated: Statement


SQL = Sql(__file__)


class _StoppedError(Exception):
    """The process ends."""


class _Known(NamedTuple):
    """A log, and how far it is sealed and stated."""

    tenant_id: int
    number: int
    log_id: bytes
    sealed: int
    stated: int | None
    made_at: datetime | None
    statements: int | None
    signed: int | None
    unstated: str | None
    """Why it could not be stated when that was last tried."""

    @property
    def log(self) -> Log:
        return Log(self.tenant_id, self.number, self.log_id)

    @property
    def has_grown(self) -> bool:
        """Whether the newest statement, if there is one, is not of the whole log."""
        return self.stated is not None and self.stated < self.sealed

    def is_due(self, now: datetime) -> bool:
        is_unsigned = (self.statements or 0) > (self.signed or 0)
        is_old = self.made_at is not None and now - self.made_at >= EACH
        return self.stated is None or is_unsigned or (self.has_grown and is_old)


def _pause(stop: threading.Event) -> None:
    if stop.wait(_PAUSE_S):
        raise _StoppedError


class Attester:
    """States the heads of logs, one after the other; any number can run at once."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        """Work through `pool`, of which it takes one connection, with the keys that `settings` name."""
        self._pool = pool
        self._settings = settings
        self._changes = signings()
        self._known: dict[int, _Known] = {}
        self._oldest: datetime | None = None  # statement of a log that has grown since
        self._rest_until: dict[int, float] = {}
        self._pages_at: OrderedDict[int, float] = OrderedDict()
        self._told: dict[int, str] = {}

    def run(self, stop: threading.Event, *, clock: Callable[[], float]) -> None:
        """State what is due until `stop` is set. Outlasts the store's absence."""
        while not stop.wait(_LOOK_S):
            try:
                self.attest_all(stop, now=datetime.now(UTC), now_s=clock())
            except UNAVAILABLE as error:
                log.warning("statements of heads wait for the store", error=str(error))
            except _StoppedError:
                return

    def attest_all(self, stop: threading.Event, *, now: datetime, now_s: float) -> None:
        """State the heads of each log that is due, and keep pages again that are gone.

        One that can't be stated rests for a while and holds up no other. Raises where the store is out of
        reach.
        """
        changed = self._look(now_s)
        age = timedelta(0) if self._oldest is None else max(now - self._oldest, timedelta(0))
        AGE.set(age.total_seconds())
        pages = self._turns_of_pages(now_s)
        again = set()
        for tenant_id in dict.fromkeys([*(self._known if age >= EACH else changed), *pages]):
            known = self._known[tenant_id]
            is_failing = known.unstated is not None or tenant_id in self._rest_until
            FAILING.tell(tenant_id, failing=known.unstated is not None)
            if known.is_due(now):
                self._work_on(known, stop, now_s, self._attest)
            elif is_failing or tenant_id in pages:
                self._work_on(known, stop, now_s, self._mend_pages)
            if known.is_due(now) or is_failing or tenant_id in self._rest_until:
                again.add(tenant_id)
        self._changes.keep(again, now_s=now_s)

    def _look(self, now_s: float) -> list[int]:
        """Learn how far logs are sealed and stated; gives the tenants of which that may have changed."""
        with self._pool.connection() as connection:
            tenant_ids = self._changes.look(connection, now_s=now_s)
            if tenant_ids == []:
                return []
            found = fetch_all(connection, SQL.attested, {"tenant_ids": tenant_ids}, _Known)
        self._known.update((each.tenant_id, each) for each in found)
        grown = [each.made_at for each in self._known.values() if each.made_at and each.has_grown]
        self._oldest = min(grown, default=None)
        return [each.tenant_id for each in found]

    def _turns_of_pages(self, now_s: float) -> list[int]:
        """Choose the logs whose pages are looked at now: those of which that was longest ago."""
        for tenant_id in self._known.keys() - self._pages_at.keys():
            self._pages_at[tenant_id] = now_s
        first = list(islice(self._pages_at.items(), _PAGES_A_LOOK))
        turns = [tenant_id for tenant_id, due_s in first if due_s <= now_s]
        for tenant_id in turns:
            self._pages_at[tenant_id] = now_s + _LOOK_AT_PAGES_S
            self._pages_at.move_to_end(tenant_id)
        return turns

    def _work_on(
        self, known: _Known, stop: threading.Event, now_s: float, work: Callable[..., None]
    ) -> None:
        if self._rest_until.get(known.tenant_id, 0) > now_s:
            return
        try:
            work(known, partial(_pause, stop))
        except _StoppedError:
            raise
        except (BusyError, SupersededError):
            return  # somebody else is at it, or another log goes on
        except Exception as error:
            # Whatever is wrong with one log must not hold up the others.
            if isinstance(error, UNAVAILABLE):
                raise
            if not isinstance(error, _WRONG):
                log.exception("stating a log's heads failed", tenant_id=known.tenant_id)
            self._rest_until[known.tenant_id] = now_s + _RETRY_FAILED_S
            self._fail(known, reason_of(error))
        else:
            self._rest_until.pop(known.tenant_id, None)
            self._told.pop(known.tenant_id, None)
            if known.unstated is not None:
                self._say(known, None)

    def _attest(self, known: _Known, pause: Callable[[], None]) -> None:
        with self._pool.connection() as connection:
            stated = attest(connection, known.log, self._settings, pause=pause)
        if stated is not None:
            log.info("stated a log's heads", tenant_id=known.tenant_id, statement=stated.n)

    def _mend_pages(self, known: _Known, pause: Callable[[], None]) -> None:
        with self._pool.connection() as connection:
            mended = mend_pages(connection, known.log, pause=pause)
        if mended is not None:
            log.warning(
                "pages of a statement of heads were gone, and are kept again",
                tenant_id=known.tenant_id,
                statement=mended.n,
            )

    def _fail(self, known: _Known, reason: str) -> None:
        """Say that a log's heads are not stated, where everybody sees it; in the service's log once."""
        FAILING.tell(known.tenant_id, failing=True)
        if self._told.get(known.tenant_id) != reason:
            log.error("no statement of a log's heads", tenant_id=known.tenant_id, reason=reason)
        self._told[known.tenant_id] = reason
        self._say(known, reason)

    def _say(self, known: _Known, reason: str | None) -> None:
        parameters = {"tenant_id": known.tenant_id, "reason": reason, "now": datetime.now(UTC)}
        with self._pool.connection() as connection:
            connection.execute(SQL.set_unstated.sql, parameters)
