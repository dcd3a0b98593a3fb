"""Sealers that share an anchor, or one that lost power, roll back nothing; another history is found."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from api.tenancy import create_tenant
from app.evidence.anchoring import Anchoring, begin_anchoring
from app.evidence.anchors.anchor import Anchor, Receipt
from app.evidence.anchors.opening import open_anchor
from app.evidence.keys import key_path, read_key
from app.evidence.sealer import Failure, Sealer, failure_of
from app.log.leaves import Log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.anchoring import AnchorSpec, Prove, parse_anchors
from domain.evidence.notes import Note
from postgres.connections import Connection, Pool, connect, open_pool
from tests.databases import Database
from tests.evidence.loopback import Reply, Request, forget_proxies, served
from tests.evidence.tampering import change_past_triggers
from tests.evidence.test_sealer import fill
from tests.evidence.witness import Witness
from tests.logs import with_key

KINDS = ["file", "witness", "silent witness"]


class Here(Anchor):
    """An anchor at whose door something happens first."""

    def __init__(self, anchor: Anchor, happens: Callable[[], object]) -> None:
        self.spec: AnchorSpec = anchor.spec
        self.given: list[int] = []
        self._anchor = anchor
        self._happens = happens

    def newest(self, origin: str) -> Note | None:
        return self._anchor.newest(origin)

    def anchor(self, note: Note, prove: Prove) -> Receipt:
        self.given.append(int(note.text.split("\n")[1]))
        self._happens()
        return self._anchor.anchor(note, prove)

    def close(self) -> None:
        self._anchor.close()


class Logs:
    """One log, its sealer, and what became of it."""

    def __init__(self, pool: Pool, owner: Connection, settings: Settings) -> None:
        with pool.connection() as connection:
            self.tenant: Tenant = create_tenant(connection, "acme")
            self.log: Log = with_key(connection, self.tenant.tenant_id, settings)
        self.pool, self.owner, self.settings = pool, owner, settings

    def grow(self, events: int) -> None:
        fill(self.pool, self.tenant, events)

    def seal(self) -> None:
        Sealer(self.pool, self.settings).seal_all(now_s=0)

    def lose(self, tables: Sequence[str], size: int) -> None:
        columns = {"events": "position", "leaf_runs": "first_position"}
        for table in tables:
            delete = f"delete from {table} where {columns.get(table, 'size')} > {size}"
            change_past_triggers(self.owner, table, delete)

    @property
    def failure(self) -> Failure | None:
        with self.pool.connection() as connection:
            return failure_of(connection, self.tenant.tenant_id)

    @property
    def anchored(self) -> list[int]:
        sql = "select size from anchors where tree = 'log' order by size"
        return [size for (size,) in self.owner.execute(sql).fetchall()]


@pytest.fixture
def pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=5) as own:
        yield own


@pytest.fixture
def logs(fresh_database: Database, pool: Pool, tmp_path: Path) -> Iterator[Logs]:
    with connect(fresh_database.owner_url) as owner:
        yield Logs(pool, owner, Settings(signing_keys=str(tmp_path / "keys")))


@pytest.fixture(params=KINDS)
def opened(
    request: pytest.FixtureRequest, logs: Logs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Anchor]]:
    """Open one place again and again: a file, a witness, and one that publishes nothing."""
    forget_proxies(monkeypatch)
    vkey = read_key(key_path(logs.settings.signing_path, logs.log.log_id)).vkey
    witness = Witness(str(vkey))

    def answer(asked: Request) -> Reply:
        hides = request.param == "silent witness" and asked.method == "GET"
        return Reply(404) if hides else witness(asked)

    with served(answer) as url:
        is_file = request.param == "file"
        place = f"file:{tmp_path}/anchors" if is_file else f"witness:{url}+{witness.vkey}"
        anchors: list[Anchor] = []

        def open_one() -> Anchor:
            anchors.append(open_anchor(parse_anchors(place)[0]))
            return anchors[-1]

        yield open_one
        for each in anchors:
            each.close()


def test_a_checkpoint_that_another_sealer_overtook_is_no_rollback(
    logs: Logs, pool: Pool, opened: Callable[[], Anchor]
) -> None:
    def overtake() -> None:
        """Do what a sealer does that takes no turns."""
        if overtaking.given == [5]:
            logs.grow(4)
            logs.seal()
            other = Anchoring(pool, opened(), interval_s=60)
            other._target = "another name of it"
            other.anchor_all(threading.Event())

    overtaking = Here(opened(), overtake)
    anchoring = Anchoring(pool, overtaking, interval_s=60)
    logs.grow(5)
    logs.seal()
    for _ in range(2):
        anchoring.anchor_all(threading.Event())
        assert logs.failure is None
    assert overtaking.given == [5, 9]
    assert logs.anchored == [9, 9]
    logs.grow(1)
    logs.seal()
    anchoring.anchor_all(threading.Event())
    assert logs.anchored == [9, 9, 10]


def test_a_log_is_left_to_who_is_at_it(
    logs: Logs, pool: Pool, opened: Callable[[], Anchor]
) -> None:
    other = Here(opened(), lambda: None)

    def meanwhile() -> None:
        logs.grow(1)
        logs.seal()
        Anchoring(pool, other, interval_s=60).anchor_all(threading.Event())

    anchoring = Anchoring(pool, Here(opened(), meanwhile), interval_s=60)
    logs.grow(5)
    logs.seal()
    anchoring.anchor_all(threading.Event())
    assert (other.given, logs.anchored) == ([], [5])
    # And only for as long as that lasts.
    Anchoring(pool, other, interval_s=60).anchor_all(threading.Event())
    assert (other.given, logs.anchored, logs.failure) == ([6], [5, 6], None)


def test_what_leaves_is_on_the_disk(logs: Logs, pool: Pool, opened: Callable[[], Anchor]) -> None:
    sealed_at = is_flushed = None

    def look() -> None:
        nonlocal is_flushed
        sql = "select pg_current_wal_flush_lsn() >= %s::pg_lsn"
        is_flushed = logs.owner.execute(sql, [sealed_at]).fetchone()

    anchoring = Anchoring(pool, Here(opened(), look), interval_s=60)
    for _ in range(5):
        logs.grow(1)
        logs.seal()
        [sealed_at] = logs.owner.execute("select pg_current_wal_insert_lsn()::text").fetchone() or [
            ""
        ]
        anchoring.anchor_all(threading.Event())
        assert is_flushed == (True,)


@pytest.mark.parametrize("more", [0, 3])
def test_checkpoints_that_a_loss_of_power_took_are_signed_again(
    logs: Logs, pool: Pool, opened: Callable[[], Anchor], more: int
) -> None:
    logs.grow(5)
    logs.seal()
    Anchoring(pool, opened(), interval_s=60).anchor_all(threading.Event())
    logs.grow(4)
    logs.seal()
    Anchoring(pool, opened(), interval_s=60).anchor_all(threading.Event())
    logs.lose(["checkpoints", "anchors"], 5)
    logs.owner.execute(
        "update sealing set finding = 'rollback: …', found_by = %s, found_at = now()",
        [opened().spec.target],
    )
    logs.grow(more)

    begin_anchoring(pool, [opened()], threading.Event(), seal_interval_s=1)
    assert logs.failure is None
    # The anchor may be asked before the log is sealed again.
    logs.lose(["anchors"], 0)
    anchoring = Anchoring(pool, opened(), interval_s=60)
    anchoring.anchor_all(threading.Event())
    assert (logs.failure, logs.anchored) == (None, [])
    logs.seal()
    anchoring.anchor_all(threading.Event())
    assert (logs.failure, logs.anchored) == (None, [9 + more])


@pytest.mark.parametrize(("grown", "finding"), [(3, "rollback: "), (4, "fork: "), (30, "fork: ")])
def test_other_events_in_the_place_of_what_was_anchored_are_found(
    logs: Logs,
    pool: Pool,
    opened: Callable[[], Anchor],
    request: pytest.FixtureRequest,
    grown: int,
    finding: str,
) -> None:
    logs.grow(5)
    logs.seal()
    logs.grow(4)
    logs.seal()
    Anchoring(pool, opened(), interval_s=60).anchor_all(threading.Event())
    logs.lose(["events", "leaf_runs", "checkpoints", "anchors"], 5)
    logs.grow(grown)
    begin_anchoring(pool, [opened()], threading.Event(), seal_interval_s=1)
    Anchoring(pool, opened(), interval_s=60).anchor_all(threading.Event())
    # Who shows nothing has a size to say and no root: what the signer knows is held against the log.
    if (request.node.callspec.params["opened"], finding) != ("silent witness", "fork: "):
        assert logs.failure is not None
        assert logs.failure.failure.startswith(finding)
    logs.seal()
    assert logs.failure is not None
    newest = logs.owner.execute("select max(size) from checkpoints where tree = 'log'").fetchone()
    assert newest == (5,)
