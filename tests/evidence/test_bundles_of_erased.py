"""Bundles of a player of whom something was erased: it is proven that it was, and by which record."""

import json
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.evidence.bundle import Bundle, BundleOf
from app.evidence.log_keys import log_keys
from app.evidence.proving import NotSealedError
from app.evidence.sealer import Sealer
from app.log.erasure import Why, erase
from app.log.leaves import Log, current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.notes import parse_verifier_key
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.auditor import Verdict, judged
from tests.logs import with_key
from tests.recording.sending import login, send

PLAYER = "player:p"


@pytest.fixture
def log(pool: Pool, tenant: Tenant) -> Log:
    send(pool, tenant, [login(f"l-{number}", player_id="p") for number in range(5)])
    with pool.connection() as connection:
        found = current_log(connection, tenant.tenant_id)
    assert found is not None
    return found


@pytest.fixture
def seal(pool: Pool, log: Log, tmp_path: Path) -> Callable[[], None]:
    settings = Settings(signing_keys=str(tmp_path / "keys"))
    sealer = Sealer(pool, settings)
    with pool.connection() as connection:
        with_key(connection, log.tenant_id, settings)

    def seal_now() -> None:
        assert sealer.seal(log) > 0

    return seal_now


def erase_player(database: Database, log: Log) -> None:
    with connect(database.owner_url) as owner:
        assert erase(owner, log.tenant_id, "p", Why("asked for", "me")).record_position is not None


def verdict_on(pool: Pool, log: Log, content: bytes, tmp_path: Path) -> Verdict:
    file = tmp_path / "bundle.zip"
    file.write_bytes(content)
    with pool.connection() as connection:
        vkey = parse_verifier_key(log_keys(connection, log)[0].vkey)
    return judged(file, vkey)


def test_what_was_erased_is_proven_once_its_record_is_sealed(
    pool: Pool, database: Database, log: Log, seal: Callable[[], None], tmp_path: Path
) -> None:
    seal()
    erase_player(database, log)
    asked = BundleOf(stream=PLAYER)
    with pytest.raises(NotSealedError, match="size 5"):
        Bundle(pool, log.tenant_id, asked)
    seal()
    verdict = verdict_on(pool, log, b"".join(Bundle(pool, log.tenant_id, asked).pieces()), tmp_path)
    # No statement of heads was made here.
    assert {code for _, _, code in verdict.findings} == {"heads"}
    assert verdict.summary["erased"] == [1, 2, 3, 4, 5]
    with ZipFile(tmp_path / "bundle.zip") as bundle:
        lines = [json.loads(line) for line in bundle.read("events.ndjson").splitlines()]
    assert [set(line) & {"salt", "data", "commitment"} for line in lines] == [
        *[{"commitment"}] * 5,
        {"salt", "data"},
    ]
    stretch = Bundle(pool, log.tenant_id, BundleOf(first=2, last=6))
    assert verdict_on(pool, log, b"".join(stretch.pieces()), tmp_path).findings == []


def test_what_is_erased_while_a_bundle_is_written_ends_it(
    pool: Pool, database: Database, log: Log, seal: Callable[[], None]
) -> None:
    seal()
    pieces = Bundle(pool, log.tenant_id, BundleOf(stream=PLAYER)).pieces()
    next(pieces)
    erase_player(database, log)
    with pytest.raises(NotSealedError):
        b"".join(pieces)
