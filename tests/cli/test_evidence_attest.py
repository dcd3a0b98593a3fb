"""`roundbook evidence attest`: a statement of a log's heads, when it is asked for."""

from pathlib import Path
from typing import Any

import pytest

from api.cli.evidence_attest import seal_up_to
from app.evidence.claiming import claimed
from app.evidence.keys import key_path
from app.evidence.log_keys import log_keys
from app.evidence.sealer import Sealer
from app.evidence.verifying import verify
from app.log.leaves import Log, current_log
from app.settings import Settings
from app.tenants import find_tenant
from domain.evidence.checkpoints import parse_checkpoint
from domain.evidence.notes import parse_note, parse_verifier_key
from postgres.connections import Pool, open_pool
from tests.cli.conftest import Run
from tests.databases import Database
from tests.evidence.stating import Attested
from tests.http.service import on, roundbook


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def attest(served: Database, keys: Path, tenant: str, **options: Any) -> tuple[str, str]:
    settings = on(served) | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}
    ended = roundbook("evidence", "attest", tenant, settings=settings, **options)
    return ended.stdout, ended.stderr


def log_of(pool: Pool, name: str, keys: Path) -> Attested:
    with pool.connection() as connection:
        return Attested(pool, find_tenant(connection, name), keys)


def test_all_that_is_recorded_is_sealed_stated_and_signed_and_said_again_while_nothing_comes(
    run: Run, served: Database, keys: Path
) -> None:
    settings = on(served) | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}
    roundbook("tenant", "create", "attested", settings=settings)
    assert attest(served, keys, "attested") == ("", "nothing is stated: the log is empty\n")
    with open_pool(served.service_url, max_size=2) as pool:
        log = log_of(pool, "attested", keys)
        log.fill("abca")
        printed, told = attest(served, keys, "attested")
        assert told == "statement 0: 3 streams in 4 events\n"
        assert attest(served, keys, "attested") == (printed, told)
        assert log.statements() == [log.naive(4)]
        with pool.connection() as connection:
            found = current_log(connection, log.tenant.tenant_id)
            assert found is not None
            [key] = log_keys(connection, found)
    note = parse_note(printed.encode())
    assert verify(note, [parse_verifier_key(key.vkey)])
    signed = parse_checkpoint(note.text)
    assert signed.origin == f"{parse_verifier_key(key.vkey).name}/heads"
    assert signed.size == 1


def test_without_its_key_it_says_what_is_missing(
    run: Run, refused: Run, served: Database, keys: Path
) -> None:
    settings = on(served) | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}
    roundbook("tenant", "create", "keyless", settings=settings)
    with open_pool(served.service_url, max_size=2) as pool:
        log = log_of(pool, "keyless", keys)
        log.fill("a")
        path = key_path(Settings(signing_keys=str(keys)).signing_path, log.log.log_id)
    path.unlink()
    said = refused("evidence", "attest", "keyless", settings=settings)
    assert str(path) in said


def test_what_another_process_lacks_keeps_nobody_who_has_it(served: Database, keys: Path) -> None:
    settings = on(served) | {"ROUNDBOOK_SIGNING_KEYS": str(keys)}
    roundbook("tenant", "create", "elsewhere", settings=settings)
    with open_pool(served.service_url, max_size=4) as pool:
        attested = log_of(pool, "elsewhere", keys)
        attested.fill("ab")
        with pool.connection() as connection:
            connection.execute(
                "insert into sealing (tenant_id, failure, failed_at) values (%s, 'no key', now())"
                " on conflict (tenant_id) do update set failure = 'no key', failed_at = now()",
                [attested.tenant.tenant_id],
            )
        met: list[int] = []

        class MetAnother(Sealer):
            """Finds another one at it, the first time."""

            def seal(self, of: Log) -> int:
                if met:
                    return super().seal(of)
                with pool.connection() as other, claimed(other, of):
                    met.append(super().seal(of))
                return met[0]

        seal_up_to(pool, MetAnother(pool, attested.settings), attested.log, 2)
        assert met == [0]
        assert attested.seal() == 2


def test_a_tenant_that_is_unknown_is_named(refused: Run) -> None:
    assert "nobody" in refused("evidence", "attest", "nobody")
