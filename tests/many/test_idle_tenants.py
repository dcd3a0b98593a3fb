"""With many tenants that do nothing, a look costs what is new; and what is new is never missed."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.evidence.anchoring import Anchoring
from app.evidence.anchors.opening import open_anchor
from app.evidence.attester import Attester
from app.evidence.sealer import Sealer
from app.evidence.store import newest_checkpoint
from app.log.append import head
from app.log.leaves import current_log
from app.log.recorder import TenantLog
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.anchoring import parse_anchors
from domain.evidence.checkpoints import Tree
from postgres.connections import Connection, Pool, connect, open_pool
from projections import tracking
from projections.engine.projector import Projector
from tests.databases import Database
from tests.logs import with_key
from tests.recording.sending import logins, send

TENANTS = 300
LOOKS = 20
CONNECTIONS = 3
A_LOOK = 10
"""Scans of tables and indexes that a look may take. A look at all tenants takes one of each at least."""

_SCANS = """
    select coalesce(sum(seq_scan), 0) + coalesce(sum(idx_scan), 0)
      from pg_stat_user_tables where schemaname = 'roundbook'
"""

Looks = dict[str, Callable[[float], object]]


class Many:
    """Many tenants, of which one posts, and all that looks after them; nothing is left to do."""

    def __init__(self, database: Database, pool: Pool, folder: Path) -> None:
        self.database = database
        self.pool = pool
        self.settings = Settings(signing_keys=str(folder / "keys"))
        with pool.connection() as connection:
            for number in range(TENANTS):
                create_tenant(connection, f"idle-{number}")
            self.tenant = with_key_of_its_own(connection, self.settings)
        [spec] = parse_anchors(f"file:{folder / 'anchor'}")
        # The day is the same for all, also where it ends in between.
        stop, now = threading.Event(), datetime.now(UTC)
        self.projector = Projector(
            pool, self._log, chunk_events=1_000, poll_interval_s=1, when_projected=lambda *_: None
        )
        sealer, attester = Sealer(pool, self.settings), Attester(pool, self.settings)
        anchoring = Anchoring(pool, open_anchor(spec), interval_s=1)
        self.looks: Looks = {
            "projector": lambda now_s: self.projector.project_all(now_s=now_s),
            "sealer": lambda now_s: sealer.seal_all(now_s=now_s),
            "attester": lambda now_s: attester.attest_all(stop, now=now, now_s=now_s),
            "anchoring": lambda now_s: anchoring.anchor_all(stop, now_s=now_s),
        }
        self.all_look(0)
        self.post("first")
        for _ in range(2):
            self.all_look(0)

    def all_look(self, now_s: float) -> None:
        for look in self.looks.values():
            look(now_s)

    def post(self, name: str) -> int:
        return send(self.pool, self.tenant, logins([name])).log_position

    def _log(self, tenant_id: int) -> TenantLog:
        return TenantLog(self.pool, tenant_id)

    def reached(self) -> dict[str, int]:
        """Tell up to where the log is shown, sealed, stated and anchored."""
        with self.pool.connection() as connection:
            log = current_log(connection, self.tenant.tenant_id)
            assert log is not None
            live = tracking.live(connection, self.tenant.tenant_id)
            sizes = {tree: newest_checkpoint(connection, log, tree) for tree in _TREES}
            anchored = connection.execute(
                "select coalesce(max(size), 0) from anchors where tree = 'log'"
            ).fetchone()
        assert live is not None
        assert anchored is not None
        found = {str(tree): 0 if each is None else each.size for tree, each in sizes.items()}
        return {"shown": live.position, "anchored": int(anchored[0])} | found

    @contextmanager
    def counting(self) -> Iterator[list[int]]:
        """Count scans of all sessions of the block, into the list."""
        counted: list[int] = []
        with connect(self.database.owner_url) as owner:
            before = self._scans(owner)
            yield counted
            counted.append(self._scans(owner) - before)

    def _scans(self, owner: Connection) -> int:
        # What a session counted is told at the end of its next transaction.
        with ExitStack() as lent:
            for _ in range(CONNECTIONS):
                connection = lent.enter_context(self.pool.connection())
                connection.execute("select pg_stat_force_next_flush()")
        found = owner.execute(_SCANS).fetchone()
        assert found is not None
        return int(found[0])


_TREES: tuple[Tree, ...] = ("log", "heads", "accesses")


def with_key_of_its_own(connection: Connection, settings: Settings) -> Tenant:
    tenant = create_tenant(connection, "posts")
    with_key(connection, tenant.tenant_id, settings)
    return tenant


@pytest.fixture
def many(fresh_database: Database, tmp_path: Path) -> Iterator[Many]:
    with open_pool(fresh_database.service_url, max_size=CONNECTIONS) as pool:
        yield Many(fresh_database, pool, tmp_path)


def test_a_look_costs_what_is_new_however_many_tenants_there_are(many: Many) -> None:
    assert many.reached() == {"shown": 1, "anchored": 1, "log": 1, "heads": 1, "accesses": 0}
    for name, look in many.looks.items():
        with many.counting() as counted:
            for _ in range(LOOKS):
                look(1)
        assert counted[0] <= A_LOOK * LOOKS, name
    # And what is new is found at once.
    many.post("second")
    with many.pool.connection() as connection:
        access = NewAccess(1, "GET", "/api/v1/history", "", "")
        record_accesses(connection, many.tenant.tenant_id, [access])
    many.all_look(1)
    assert many.reached() == {"shown": 2, "anchored": 2, "log": 2, "heads": 1, "accesses": 1}


def test_what_no_transaction_told_of_is_found_by_a_look_at_all(many: Many) -> None:
    """As what a host of the first version recorded, which knew no leaf hashes."""
    with connect(many.database.owner_url) as owner:
        owner.execute("alter table leaf_runs alter column xid drop default")
    many.post("second")
    many.all_look(1)
    assert many.reached()["shown"] == 1
    many.all_look(100)
    assert many.reached() == {"shown": 2, "anchored": 2, "log": 2, "heads": 1, "accesses": 0}


class Within:
    """A pool that lends one connection, which is in a transaction of its own already."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        yield self._connection


def projector_of(pool: Pool) -> Projector:
    return Projector(
        pool, lambda tenant_id: TenantLog(pool, tenant_id), chunk_events=1_000, poll_interval_s=1
    )


def shown(pool: Pool, tenants: Sequence[Tenant]) -> list[int]:
    with pool.connection() as connection:
        live = [tracking.live(connection, tenant.tenant_id) for tenant in tenants]
    return [each.position if each else -1 for each in live]


def test_what_commits_after_what_began_later_is_not_missed(fresh_database: Database) -> None:
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        with pool.connection() as connection:
            tenants = [create_tenant(connection, name) for name in ("slow", "quick")]
        slow, quick = tenants
        projector = projector_of(pool)
        projector.project_all(now_s=0)
        with connect(fresh_database.service_url) as session:
            with session.transaction():
                send(cast("Pool", Within(session)), slow, logins(["first"]))
                send(pool, quick, logins(["later"]))
                for _ in range(2):
                    projector.project_all(now_s=0)
                    assert shown(pool, tenants) == [0, 1]
            projector.project_all(now_s=0)
        assert shown(pool, tenants) == [1, 1]


def test_whatever_is_recorded_at_once_is_shown_without_a_look_at_all(
    fresh_database: Database,
) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    with open_pool(fresh_database.service_url, max_size=6) as pool:
        with pool.connection() as connection:
            tenants = [create_tenant(connection, f"t{number}") for number in range(12)]
        projector, finished = projector_of(pool), threading.Event()
        projector.project_all(now_s=0)
        shares = [[chance.choice(tenants) for _ in range(40)] for _ in range(4)]

        def write(number: int) -> None:
            for each, tenant in enumerate(shares[number]):
                send(pool, tenant, logins([f"{number} {each}"]))

        def project() -> None:
            while not finished.is_set():
                projector.project_all(now_s=0)

        with ThreadPoolExecutor(5) as threads:
            projecting = threads.submit(project)
            writing = [threads.submit(write, number) for number in range(4)]
            try:
                for each in writing:
                    each.result()
            finally:
                finished.set()
                projecting.result()
        while projector.project_all(now_s=0):
            pass
        with pool.connection() as connection:
            heads = [head(connection, tenant.tenant_id) for tenant in tenants]
        assert sum(heads) == 160
        assert shown(pool, tenants) == heads, f"seed {seed}"
