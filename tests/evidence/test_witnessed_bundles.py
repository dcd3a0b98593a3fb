"""Of which checkpoint a bundle is: one that a witness signed, where that has what is asked for."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.evidence.anchoring import Anchoring
from app.evidence.anchors.opening import open_anchor
from app.evidence.bundle import Bundle, BundleOf
from app.evidence.log_keys import log_keys
from app.log.erasure import Why, erase
from app.tenants import Tenant
from domain.evidence.anchoring import parse_anchors
from domain.evidence.notes import parse_verifier_key
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.auditor import judged
from tests.evidence.loopback import forget_proxies, served
from tests.evidence.stating import Attested
from tests.evidence.tampering import superuser
from tests.evidence.witness import NAME, Witness


@pytest.fixture
def log(pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path) -> Attested:
    log = Attested(pool, new_tenant(), tmp_path / "keys")
    log.fill("abcab")
    log.seal()
    return log


@pytest.fixture
def witness(log: Attested) -> Witness:
    with log.pool.connection() as connection:
        return Witness(log_keys(connection, log.log)[0].vkey)


@pytest.fixture
def ask_witness(
    log: Attested, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """A function that has the newest checkpoints cosigned."""
    forget_proxies(monkeypatch)
    with served(witness) as url:
        (spec,) = parse_anchors(f"witness:{url}+{witness.vkey}")
        anchor = open_anchor(spec)
        anchoring = Anchoring(log.pool, anchor, interval_s=60)
        yield lambda: anchoring.anchor_all(threading.Event())
        anchor.close()


def grow(log: Attested, players: str = "a") -> int:
    log.fill(players)
    return log.seal()


def bundle_of(log: Attested, folder: Path, witness: Witness, **asked: object) -> tuple[int, bool]:
    """Return of which size a bundle is, and whether the witness signed that; it is proven."""
    file = folder / "bundle.zip"
    wanted = BundleOf(**asked)  # type: ignore[arg-type]
    file.write_bytes(b"".join(Bundle(log.pool, log.tenant.tenant_id, wanted).pieces()))
    with ZipFile(file) as opened:
        size = json.loads(opened.read("manifest.json"))["size"]
        is_witnessed = f"— {NAME} ".encode() in opened.read("checkpoint")
    with log.pool.connection() as connection:
        vkey = parse_verifier_key(log_keys(connection, log.log)[0].vkey)
    quorum = ["--witness", witness.vkey] if is_witnessed else []
    verdict = judged(file, vkey, *quorum)
    if asked.get("stream") is None:
        assert verdict.findings == []
    return size, is_witnessed


def test_it_is_the_newest_that_a_witness_signed_as_far_as_that_reaches(
    log: Attested, witness: Witness, ask_witness: Callable[[], None], tmp_path: Path
) -> None:
    def asked(**asked: object) -> tuple[int, bool]:
        return bundle_of(log, tmp_path, witness, **asked)

    assert asked() == (5, False)
    ask_witness()
    assert asked() == (5, True)
    assert [grow(log), grow(log)] == [6, 7]
    assert asked() == (5, True)
    assert asked(first=2, last=5) == (5, True)
    assert asked(since=3) == (5, True)
    assert asked(first=2, last=6) == (7, False)
    assert asked(first=6) == (7, False)
    assert asked(since=6) == (7, False)
    ask_witness()
    assert grow(log) == 8
    assert asked() == (7, True)
    assert asked(last=3) == (7, True)


def test_who_asks_for_all_is_not_given_what_a_witness_signed_long_ago(
    log: Attested,
    database: Database,
    witness: Witness,
    ask_witness: Callable[[], None],
    tmp_path: Path,
) -> None:
    ask_witness()
    grow(log)
    with superuser(database) as connection:
        connection.execute(
            "update checkpoints set sealed_at = %s where tenant_id = %s and size = 5",
            [datetime.now(UTC) - timedelta(hours=2), log.tenant.tenant_id],
        )
    assert bundle_of(log, tmp_path, witness) == (6, False)
    assert bundle_of(log, tmp_path, witness, last=5) == (5, True)


def test_of_a_player_it_has_the_newest_statement_of_heads(
    log: Attested, witness: Witness, ask_witness: Callable[[], None], tmp_path: Path
) -> None:
    log.attest()
    ask_witness()
    assert grow(log) == 6
    assert bundle_of(log, tmp_path, witness, stream="player:a") == (5, True)
    log.attest()
    assert bundle_of(log, tmp_path, witness, stream="player:a") == (6, False)
    ask_witness()
    assert bundle_of(log, tmp_path, witness, stream="player:a") == (6, True)


def test_it_has_the_record_of_what_was_erased(
    log: Attested,
    database: Database,
    witness: Witness,
    ask_witness: Callable[[], None],
    tmp_path: Path,
) -> None:
    ask_witness()
    with connect(database.owner_url) as owner:
        done = erase(owner, log.tenant.tenant_id, "a", Why("asked for", "me"))
    assert done.record_position == 6
    log.seal()
    assert bundle_of(log, tmp_path, witness) == (6, False)
    assert bundle_of(log, tmp_path, witness, last=5) == (6, False)
    assert bundle_of(log, tmp_path, witness, last=4) == (5, True)
    assert bundle_of(log, tmp_path, witness, stream="player:a") == (6, False)
