"""Anchoring beside sealing: each checkpoint gets out, and what an anchor knows stops the signer."""

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from api.tenancy import create_tenant
from app.evidence.anchoring import Anchoring, begin_anchoring
from app.evidence.anchors.anchor import Anchor, ContradictionError
from app.evidence.anchors.files import read_lines
from app.evidence.anchors.opening import open_anchor
from app.evidence.changing_keys import restart
from app.evidence.keys import key_path, read_key
from app.evidence.sealer import Sealer, failure_of
from app.evidence.store import newest_checkpoint
from app.log.leaves import Log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.anchoring import parse_anchors
from domain.evidence.checkpoints import Checkpoint
from postgres.connections import Connection, Pool, connect, open_pool
from tests.databases import Database
from tests.evidence.loopback import Reply, Request, forget_proxies, served
from tests.evidence.tampering import change_past_triggers
from tests.evidence.test_sealer import fill
from tests.evidence.witness import Witness
from tests.logs import with_key


@pytest.fixture
def pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=5) as own:
        yield own


@pytest.fixture
def owner(fresh_database: Database) -> Iterator[Connection]:
    with connect(fresh_database.owner_url) as connection:
        yield connection


@pytest.fixture
def tenant(pool: Pool) -> Tenant:
    with pool.connection() as connection:
        return create_tenant(connection, "acme")


@pytest.fixture
def log(pool: Pool, tenant: Tenant, settings: Settings) -> Log:
    with pool.connection() as connection:
        return with_key(connection, tenant.tenant_id, settings)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_keys=str(tmp_path / "keys"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "anchors.ndjson"


@pytest.fixture
def anchor(path: Path) -> Anchor:
    return open_anchor(parse_anchors(f"file:{path}")[0])


def roll_back(owner: Connection, size: int) -> None:
    """Leave of a database what an older backup of it would hold."""
    for table, column in (
        ("events", "position"),
        ("leaf_runs", "first_position"),
        ("checkpoints", "size"),
        ("anchors", "size"),
    ):
        change_past_triggers(owner, table, f"delete from {table} where {column} > {size}")


def test_each_checkpoint_is_anchored_once(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log, anchor: Anchor, path: Path
) -> None:
    anchoring = Anchoring(pool, anchor, interval_s=0.01)
    sealer, stop = Sealer(pool, settings), threading.Event()
    for _ in range(3):
        fill(pool, tenant, 2)
        sealer.seal(log)
        anchoring.anchor_all(stop)
        anchoring.anchor_all(stop)
    with pool.connection() as connection:
        kept = connection.execute("select size, receipt from anchors order by size").fetchall()
        sealed = newest_checkpoint(connection, log, "log")
    lines = list(read_lines(path.read_bytes().splitlines()))
    assert [size for size, _ in kept] == [2, 4, 6]
    assert [bytes(receipt) for _, receipt in kept] == path.read_bytes().splitlines()
    assert all(line.chained for line in lines)
    assert sealed is not None
    assert lines[-1].record is not None
    assert lines[-1].record.checkpoint == sealed.note


def test_a_database_and_a_signer_restored_together_are_found_by_the_anchor(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    anchor: Anchor,
    owner: Connection,
    tmp_path: Path,
) -> None:
    anchoring, stop = Anchoring(pool, anchor, interval_s=0.01), threading.Event()
    sealer = Sealer(pool, settings)
    fill(pool, tenant, 10)
    sealer.seal(log)
    shutil.copytree(settings.signing_path, tmp_path / "backup")
    fill(pool, tenant, 10)
    sealer.seal(log)
    anchoring.anchor_all(stop)
    roll_back(owner, 10)
    shutil.rmtree(settings.signing_path)
    shutil.copytree(tmp_path / "backup", settings.signing_path)

    begin_anchoring(pool, [anchor], stop, seal_interval_s=1)
    fill(pool, tenant, 1)
    Sealer(pool, settings).seal_all(now_s=0)
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
        sealed = newest_checkpoint(connection, log, "log")
    assert failure is not None
    assert failure.failure.startswith("rollback: ")
    assert sealed is not None
    assert sealed.size == 10
    labels = {"tenant": str(tenant.tenant_id)}
    assert REGISTRY.get_sample_value("roundbook_evidence_failing", labels) == 1


def test_a_fork_with_the_real_key_is_found_by_the_anchor(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    anchor: Anchor,
    owner: Connection,
    tmp_path: Path,
) -> None:
    anchoring, stop = Anchoring(pool, anchor, interval_s=0.01), threading.Event()
    fill(pool, tenant, 10)
    Sealer(pool, settings).seal(log)
    shutil.copytree(settings.signing_path, tmp_path / "backup")
    fill(pool, tenant, 10)
    Sealer(pool, settings).seal(log)
    anchoring.anchor_all(stop)
    roll_back(owner, 10)
    shutil.rmtree(settings.signing_path)
    shutil.copytree(tmp_path / "backup", settings.signing_path)
    # Whoever has the key goes on with other events, beyond what was anchored.
    fill(pool, tenant, 30)
    Sealer(pool, settings).seal(log)

    Anchoring(pool, anchor, interval_s=0.01).check_all()
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
    assert failure is not None
    assert failure.failure.startswith("fork: ")


def test_what_an_anchor_said_is_taken_back_where_it_no_longer_does(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    anchor: Anchor,
    owner: Connection,
) -> None:
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal(log)
    Anchoring(pool, anchor, interval_s=0.01).anchor_all(threading.Event())
    owner.execute(
        "update sealing set finding = 'rollback: …', found_by = %s, found_at = now()",
        [anchor.spec.target],
    )
    Anchoring(pool, anchor, interval_s=0.01).check_all()
    with pool.connection() as connection:
        assert failure_of(connection, tenant.tenant_id) is None


def test_an_anchor_out_of_reach_holds_up_nothing_and_its_age_is_told(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log, tmp_path: Path
) -> None:
    gone = open_anchor(parse_anchors(f"file:{tmp_path}/missing/anchors")[0])
    [thread] = begin_anchoring(pool, [gone], stop := threading.Event(), seal_interval_s=0.01)
    fill(pool, tenant, 1)
    assert Sealer(pool, settings).seal(log) == 1
    labels = {"target": gone.spec.target}
    thread.start()
    try:
        done = threading.Event()
        while not REGISTRY.get_sample_value("roundbook_evidence_anchor_age_seconds", labels):
            assert not done.wait(0.01)
    finally:
        stop.set()
        thread.join()
    (tmp_path / "missing").mkdir()
    Anchoring(pool, gone, interval_s=1).anchor_all(threading.Event())
    assert REGISTRY.get_sample_value("roundbook_evidence_anchor_age_seconds", labels) == 0


class Refusing:
    """A witness whose answers to checkpoints are not signed, and what it publishes."""

    def __init__(self, reply: Reply, published: bytes | None) -> None:
        self._reply = reply
        self._published = published

    def __call__(self, request: Request) -> Reply:
        if request.method == "POST":
            return self._reply
        return Reply(404) if self._published is None else Reply(200, self._published)


@pytest.mark.parametrize(
    ("reply", "finding"),
    [(Reply(409, b"9\n", "text/x.tlog.size"), "rollback"), (Reply(422, b"no"), "fork")],
)
def test_what_stops_signing_is_what_a_witness_shows_signed_where_it_does(
    pool: Pool,
    settings: Settings,
    tenant: Tenant,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    reply: Reply,
    finding: str,
) -> None:
    forget_proxies(monkeypatch)
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal(log)
    key = read_key(key_path(settings.signing_path, log.log_id))
    other = Checkpoint(key.name, 9 if finding == "rollback" else 5, bytes(32)).text
    shown = f"{other}\n{key.sign(other).line}{Witness().cosign(other)}".encode()
    for published, words in ((None, "That is its word"), (shown, "has size")):
        with served(Refusing(reply, published)) as url:
            (spec,) = parse_anchors(f"witness:{url}+{Witness().vkey}")
            anchor = open_anchor(spec)
            anchoring = Anchoring(pool, anchor, interval_s=60)
            with capture_logs() as said:
                for _ in range(2):
                    anchoring.anchor_all(threading.Event())
            anchor.close()
        [line] = [each for each in said if each["event"] == "an anchor contradicts a log"]
        assert words in line["reason"]
        evidence = None if published is None else published.decode()
        assert line["evidence"] == evidence
        with pool.connection() as connection:
            failure = failure_of(connection, tenant.tenant_id)
            connection.execute(
                "update sealing set finding = null, found_by = null, found_at = null"
            )
        assert failure is not None
        assert failure.failure == f"{finding}: {line['reason']}"


def test_what_an_anchor_says_of_a_log_before_stops_not_the_one_that_goes_on(
    pool: Pool, settings: Settings, tenant: Tenant, log: Log, anchor: Anchor
) -> None:
    fill(pool, tenant, 5)
    Sealer(pool, settings).seal(log)
    anchoring = Anchoring(pool, anchor, interval_s=1)
    with pool.connection() as connection:
        restart(connection, tenant.tenant_id, settings, datetime.now(UTC), reason="restored")
    anchoring._contradicted(log, ContradictionError("fork", "another past"))
    with pool.connection() as connection:
        assert failure_of(connection, tenant.tenant_id) is None
