"""Another key, and another log: said in notes that are signed by what was there before."""

import shlex
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.evidence.attesting import attest
from app.evidence.changing_keys import restart, rotate_key
from app.evidence.claiming import SupersededError
from app.evidence.guard import last_path
from app.evidence.keys import generate_key, key_path
from app.evidence.log_keys import NoKeyError, begin_signing, guarded_signer, log_keys
from app.evidence.sealer import Sealer, failure_of
from app.evidence.sealing import sign
from app.evidence.store import newest_checkpoint
from app.evidence.verifying import verify
from app.log.leaves import Log, current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.checkpoints import parse_checkpoint, parse_key_statement
from domain.evidence.notes import Note, VerifierKey, parse_note, parse_verifier_key
from postgres.connections import Pool
from tests.evidence.test_sealer import fill, log_of
from tests.logs import with_key
from tests.waiting import waiting_sessions

NOW = datetime.now(UTC)
SIGN = Path(__file__).parents[2] / "examples" / "sign.py"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(signing_keys=str(tmp_path / "keys"))


@pytest.fixture
def tenant(new_tenant: Callable[..., Tenant]) -> Tenant:
    return new_tenant()


@pytest.fixture
def log(pool: Pool, tenant: Tenant, settings: Settings) -> Log:
    fill(pool, tenant, 3)
    with pool.connection() as connection:
        found = with_key(connection, tenant.tenant_id, settings)
    Sealer(pool, settings).seal(found)
    return found


def signers_of(pool: Pool, log: Log) -> set[str]:
    """Return the keys that signed the newest checkpoint."""
    with pool.connection() as connection:
        sealed = newest_checkpoint(connection, log, "log")
        keys = {parse_verifier_key(key.vkey) for key in log_keys(connection, log)}
    assert sealed is not None
    return {str(found.vkey) for found in verify(parse_note(sealed.note.encode()), keys)}


def test_a_key_that_follows_is_stated_by_both_which_sign_for_thirty_days(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    with pool.connection() as connection:
        note = rotate_key(connection, log, settings, NOW)
        first, second = log_keys(connection, log)
    statement = parse_key_statement(note.text)
    assert (str(statement.vkey), statement.from_size) == (second.vkey, 3)
    assert second.note == str(note)
    both = [parse_verifier_key(first.vkey), parse_verifier_key(second.vkey)]
    assert [found.vkey for found in verify(note, both)] == both
    fill(pool, tenant, 1)
    Sealer(pool, settings).seal(log)
    assert signers_of(pool, log) == {first.vkey, second.vkey}
    with pool.connection() as connection:
        for days, valid in ((29, both), (31, both[1:])):
            later = NOW + timedelta(days=days)
            signer = guarded_signer(connection, log, "log", settings, later)
            assert [each.vkey for each in signer.signers] == valid


def test_another_log_says_what_it_follows_and_what_is_lost(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    signed = last_path(settings.signing_path, log.log_id, "log")
    lines = signed.read_text().splitlines()
    signed.write_text("\n".join([lines[0], "8", lines[2], ""]))  # more was signed than is there
    fill(pool, tenant, 1)
    sealer = Sealer(pool, settings)
    sealer.seal_all(now_s=0)
    with pool.connection() as connection:
        assert failure_of(connection, tenant.tenant_id) is not None
        before = log_keys(connection, log)[0]
        note = restart(
            connection, tenant.tenant_id, settings, NOW, reason="restored\nfrom a  backup"
        )
        after = current_log(connection, tenant.tenant_id)
        assert after is not None
        key = log_keys(connection, after)[0]
        kept = connection.execute(
            "select predecessor, note from logs where tenant_id = %s and number = 2",
            [tenant.tenant_id],
        ).fetchone()
        assert failure_of(connection, tenant.tenant_id) is None
    assert kept == (log.log_id, str(note))
    origin, predecessor = (f"roundbook.invalid/log/{each.log_id.hex()}" for each in (after, log))
    title, own, of, known, _, last, _, reason = note.text.splitlines()
    assert (title, own, of) == ("roundbook restart", origin, predecessor)
    assert (known, last, reason) == ("3", "8", "restored from a backup")
    vkeys = [parse_verifier_key(each.vkey) for each in (key, before)]
    assert [found.vkey for found in verify(note, vkeys)] == vkeys
    sealer.seal(after)
    with pool.connection() as connection:
        sealed = newest_checkpoint(connection, after, "log")
    assert sealed is not None
    assert sealed.size == 4
    assert signers_of(pool, after) == {key.vkey}


def test_another_log_waits_for_who_signs_and_names_what_that_signed_last(
    pool: Pool,
    database_url: str,
    tenant: Tenant,
    log: Log,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(pool, tenant, 2)
    reading, goes_on = Event(), Event()

    def paused(*arguments: Any) -> object:
        if arguments[3].tree == "log":
            reading.set()
            assert goes_on.wait(60)
        return sign(*arguments)

    monkeypatch.setattr("app.evidence.sealer.sign", paused)

    def restart_now() -> Note:
        with pool.connection() as connection:
            return restart(connection, tenant.tenant_id, settings, NOW, reason="meanwhile")

    with ThreadPoolExecutor(2) as threads:
        sealing = threads.submit(Sealer(pool, settings).seal, log)
        assert reading.wait(60)
        restarting = threads.submit(restart_now)
        until(lambda: waiting_sessions(database_url) > 0 or restarting.done())
        goes_on.set()
        assert sealing.result(60) == 2
        _, _, _, known, _, signed, *_ = restarting.result(60).text.splitlines()
    assert (known, signed) == ("5", "5")
    last = parse_checkpoint(last_path(settings.signing_path, log.log_id, "log").read_text())
    assert last.size == 5


def test_a_log_that_another_one_follows_is_signed_no_more(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    """What seals, or states heads, had found it before."""
    fill(pool, tenant, 2)
    signed = last_path(settings.signing_path, log.log_id, "log").read_text()
    with pool.connection() as connection:
        restart(connection, tenant.tenant_id, settings, NOW, reason="meanwhile")
        with pytest.raises(SupersededError, match=log.log_id.hex()):
            Sealer(pool, settings).seal(log)
        with pytest.raises(SupersededError):
            attest(connection, log, settings)
        sealed = newest_checkpoint(connection, log, "log")
    assert sealed is not None
    assert sealed.size == 3
    assert last_path(settings.signing_path, log.log_id, "log").read_text() == signed


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s, "it never came to be"
        time.sleep(0.01)


def test_a_compromised_key_signs_no_more_and_another_log_goes_on(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    with pool.connection() as connection:
        restart(connection, tenant.tenant_id, settings, NOW, reason="stolen", revoke=True)
        first, revoked = log_keys(connection, log)
        assert revoked.note is not None
        statement = parse_key_statement(parse_note(revoked.note.encode()).text)
        assert (str(statement.vkey), statement.revoked) == (first.vkey, True)
        with pytest.raises(NoKeyError):
            guarded_signer(connection, log, "log", settings, NOW)


def test_another_log_begins_also_where_the_key_before_is_lost(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    key_path(settings.signing_path, log.log_id).unlink()
    with pool.connection() as connection:
        note = restart(connection, tenant.tenant_id, settings, NOW, reason="the disk is gone")
    assert len(note.signatures) == 1


def test_a_key_elsewhere_signs_by_the_command(
    pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    tenant = new_tenant()
    fill(pool, tenant, 1)
    log = log_of(pool, tenant)
    key = generate_key(f"roundbook.invalid/log/{log.log_id.hex()}")
    script = tmp_path / "sign.py"
    script.write_text(
        "import sys\n"
        "from app.evidence.keys import parse_key\n"
        f"key = parse_key({key.text!r})\n"
        "print(key.sign(sys.stdin.read()).line, end='')\n"
    )
    settings = Settings(
        signing_keys=str(tmp_path / "keys"), sign_command=f"{sys.executable} {script}"
    )
    sealer = Sealer(pool, settings)
    sealer.seal_all(now_s=0)
    with pool.connection() as connection:
        failure = failure_of(connection, tenant.tenant_id)
        assert failure is not None
        assert "roundbook evidence add-key" in failure.failure
        vkey = begin_signing(connection, log, settings, key.vkey.key)
        assert vkey == VerifierKey(key.name, 1, key.vkey.key)
        with pytest.raises(NoKeyError):
            begin_signing(connection, log, settings, key.vkey.key)
    sealer.seal_all(now_s=60)
    assert signers_of(pool, log) == {str(key.vkey)}
    assert not key_path(settings.signing_path, log.log_id).exists()


def test_a_key_that_no_longer_signs_may_be_deleted(
    pool: Pool, tenant: Tenant, log: Log, settings: Settings
) -> None:
    with pool.connection() as connection:
        rotate_key(connection, log, settings, NOW - timedelta(days=31))
        second = log_keys(connection, log)[1]
    key_path(settings.signing_path, log.log_id).unlink()
    fill(pool, tenant, 1)
    Sealer(pool, settings).seal(log)
    assert signers_of(pool, log) == {second.vkey}


def test_the_example_of_a_command_signs_with_each_key_of_a_log_and_of_the_one_after(
    pool: Pool, tenant: Tenant, tmp_path: Path
) -> None:
    pems = [tmp_path / f"{name}.pem" for name in ("first", "second")]
    first, second = map(new_pem, pems)
    command = shlex.join([sys.executable, str(SIGN), *map(str, pems)])
    settings = Settings(signing_keys=str(tmp_path / "keys"), sign_command=command)
    fill(pool, tenant, 1)
    log, sealer = log_of(pool, tenant), Sealer(pool, settings)
    with pool.connection() as connection:
        begin_signing(connection, log, settings, first)
        sealer.seal(log)
        with pytest.raises(NoKeyError, match="--public-key"):
            rotate_key(connection, log, settings, NOW)
        rotate_key(connection, log, settings, NOW, public_key=second)
        fill(pool, tenant, 1)
        sealer.seal(log)
        assert signers_of(pool, log) == {key.vkey for key in log_keys(connection, log)}
        assert len(signers_of(pool, log)) == 2
        note = restart(
            connection, tenant.tenant_id, settings, NOW, reason="a trial", public_key=second
        )
        after = log_of(pool, tenant)
        vkeys = [
            parse_verifier_key(key.vkey) for at in (after, log) for key in log_keys(connection, at)
        ]
    assert [found.vkey for found in verify(note, vkeys)] == vkeys
    sealer.seal(after)
    assert signers_of(pool, after) == {str(vkeys[0])}
    assert not list(tmp_path.rglob("*.key"))


def new_pem(path: Path) -> bytes:
    """Write a key as `openssl genpkey` does; gives its public half."""
    key = Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    return key.public_key().public_bytes_raw()
