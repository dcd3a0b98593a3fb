"""Which tenants to look at: those of which something was committed since the last look, and now and then all.

Tables to which rows are only added keep with each the transaction that added it (`xid`), by an index. The
snapshot of one look says exactly which transactions it did not see, and those are looked up by the next. So
nothing is lost by a transaction that takes long, or ends after one that began later, and a look costs what is
new, however many tenants there are.

The look at all is the truth: it finds what has no such row, as that of an older version of the code, and what
a server that took over from another one counts differently.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple, Protocol, TypeVar

from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Asking whether anything was written at all."""

    snapshot: Statement


SQL = Sql(__file__)

_SWEEP_S = 60.0
_MOST = 10_000


class OfTenant(Protocol):
    """What is of a tenant."""

    @property
    def tenant_id(self) -> int:
        """Return whose it is."""


F = TypeVar("F", bound=OfTenant)


class _Found(NamedTuple):
    snapshot: str
    tenant_ids: list[int]


class Changes:
    """Keeps which tenants are still to be looked at. For one thread."""

    def __init__(self, since: Statement, *, sweep_s: float = _SWEEP_S) -> None:
        """Ask by the statement `since`, and for all tenants every `sweep_s` seconds.

        It is given an earlier snapshot (`since`, null at first) and how many rows it may read of a table
        (`most`), and gives one row: its own snapshot, and the tenants of what that shows and the earlier one
        did not, in any order, as often as it finds them.
        """
        self._since = since
        self._sweep_s = sweep_s
        self._snapshot: str | None = None
        self._sweep_at_s: float | None = None
        self._changed: set[int] = set()

    def find(
        self, connection: Connection, ask: Callable[[list[int] | None], list[F]], *, now_s: float
    ) -> list[F]:
        """Return what `ask` finds of the tenants to look at, which come again until it finds nothing."""
        tenant_ids = self.look(connection, now_s=now_s)
        found = [] if tenant_ids == [] else ask(tenant_ids)
        self.keep({each.tenant_id for each in found}, now_s=now_s)
        return found

    def look(self, connection: Connection, *, now_s: float) -> list[int] | None:
        """Return the tenants to look at, None for all; `now_s` is by any clock that never goes back.

        They come again with each look until `keep` says otherwise, so that none is lost where a look fails
        after this.
        """
        if self._sweep_at_s is not None and now_s >= self._sweep_at_s:
            self._sweep_at_s = None
        if self._snapshot is None or self._snapshot != fetch_one(
            connection, SQL.snapshot, None, str
        ):
            self._read(connection)
        return None if self._sweep_at_s is None else list(self._changed)

    def _read(self, connection: Connection) -> None:
        """Read what is new since the snapshot of the look before."""
        asked = {"since": self._snapshot, "most": _MOST}
        found = fetch_one(connection, self._since, asked, _Found)
        if found is None:
            raise AssertionError(f"{self._since.name} gives one row")
        went_back = self._snapshot and _next_xid(found.snapshot) < _next_xid(self._snapshot)
        if went_back or len(found.tenant_ids) >= _MOST:
            self._sweep_at_s = None
        self._snapshot = found.snapshot
        self._changed.update(found.tenant_ids)

    def keep(self, tenant_ids: Collection[int], *, now_s: float) -> None:
        """Say which tenants come again: the look is finished, and there is something to do for these."""
        self._changed = set(tenant_ids)
        if self._sweep_at_s is None:
            self._sweep_at_s = now_s + self._sweep_s


def _next_xid(snapshot: str) -> int:
    """Return the first transaction that a snapshot (`xmin:xmax:open,…`) knows nothing of."""
    return int(snapshot.split(":")[1])
