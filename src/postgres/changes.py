"""Which tenants to look at: those of which something was committed since the last look, and now and then all.

Tables to which rows are only added keep with each the transaction that added it (`xid`), by an index. The
snapshot of one look says exactly which transactions it did not see, and those are looked up by the next. So
nothing is lost by a transaction that takes long, or ends after one that began later, and a look costs what is
new, however many tenants there are.

The look at all is the truth: it finds what has no such row, as that of an older version of the code, and what
a server that took over from another one counts differently.

On a cluster a look goes to all nodes. While one of them is away, the others are asked for their own tenants.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple, Protocol, TypeVar

import psycopg

from postgres.connections import Connection
from postgres.distribution import by_node, is_node_away
from postgres.rows import fetch_all, fetch_one
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


class _Snapshot(NamedTuple):
    """What a look saw: all transactions before `next_xid`, but for those that were open."""

    next_xid: int
    was_open: str

    @classmethod
    def of(cls, text: str) -> "_Snapshot":
        """Read what PostgreSQL writes: `xmin:xmax:open,…`."""
        _, next_xid, was_open = text.split(":")
        return cls(int(next_xid), f"{{{was_open}}}")


class Changes:
    """Keeps which tenants are still to be looked at. For one thread."""

    def __init__(self, since: Statement, everyone: Statement, *, sweep_s: float = _SWEEP_S) -> None:
        """Ask by the statement `since`, and every `sweep_s` seconds by `everyone`, which gives all tenants.

        `since` gives the tenants of what was added from one transaction (`first`) up to before another
        (`last`), and by those that were open before (`was_open`), in any order, as often as it finds them;
        `most` is how many rows it may give.
        """
        self._since = since
        self._everyone = everyone
        self._sweep_s = sweep_s
        self._text = ""
        self._snapshot: _Snapshot | None = None
        self._sweep_at_s: float | None = None
        self._changed: set[int] = set()
        self._known: set[int] = set()

    def find(
        self,
        connection: Connection,
        ask: Callable[[list[int]], list[F]],
        *,
        now_s: float,
        ask_one: Callable[[int], list[F]] | None = None,
    ) -> list[F]:
        """Return what `ask` finds of the tenants to look at, which come again until it finds nothing.

        `ask_one` asks for one tenant alone, by a statement that on a cluster goes to that tenant's node.
        """
        try:
            tenant_ids = self.look(connection, now_s=now_s)
            found = ask(tenant_ids) if tenant_ids else []
        except psycopg.OperationalError as error:
            if ask_one is None or not is_node_away(error) or not self._known:
                raise
            # The next look begins where this one did, and tells whether the node is back.
            return list(self._of_nodes(connection, ask_one))
        self.keep({each.tenant_id for each in found}, now_s=now_s)
        return found

    def _of_nodes(self, connection: Connection, ask_one: Callable[[int], list[F]]) -> Iterator[F]:
        for tenant_ids in by_node(connection, self._known):
            try:
                for tenant_id in tenant_ids:
                    yield from ask_one(tenant_id)
            except psycopg.OperationalError as error:
                if not is_node_away(error):
                    raise

    def look(self, connection: Connection, *, now_s: float) -> list[int]:
        """Return the tenants to look at; `now_s` is by any clock that never goes back.

        They come again with each look until `keep` says otherwise, so that none is lost where a look fails
        after this.
        """
        if self._sweep_at_s is not None and now_s >= self._sweep_at_s:
            self._sweep_at_s = None
        text = fetch_one(connection, SQL.snapshot, None, str) or ""
        if text != self._text:
            self._read(connection, _Snapshot.of(text))
            self._text = text
        if self._sweep_at_s is None:
            everyone = fetch_all(connection, self._everyone, None, int)
            self._known = set(everyone)
            return everyone
        return list(self._changed)

    def _read(self, connection: Connection, now: _Snapshot) -> None:
        """Read what is new since the snapshot of the look before, as far as that of this one shows it."""
        before = self._snapshot
        if before is None or now.next_xid < before.next_xid:
            self._snapshot, self._sweep_at_s = now, None
            return
        asked = {
            "first": str(before.next_xid),
            "last": str(now.next_xid),
            "was_open": before.was_open,
            "most": _MOST,
        }
        found = fetch_all(connection, self._since, asked, int)
        if len(found) >= _MOST:
            self._sweep_at_s = None
        self._snapshot = now
        self._changed.update(found)
        self._known.update(found)

    def keep(self, tenant_ids: Collection[int], *, now_s: float) -> None:
        """Say which tenants come again: the look is finished, and there is something to do for these."""
        self._changed = set(tenant_ids)
        if self._sweep_at_s is None:
            self._sweep_at_s = now_s + self._sweep_s
