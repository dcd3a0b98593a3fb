"""What happens to a sound log while it is verified is no finding."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.evidence.guard import begin_guard, last_path
from app.evidence.verification.asking import Asked
from app.evidence.verification.findings import UnreadableError
from app.evidence.verification.reading import connect_to_read
from app.evidence.verification.verify import Verification
from app.log.erasure import Why, erase
from app.tenants import Tenant
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.filling import fill, items
from tests.evidence.tampering import Case, build, seal
from tests.evidence.test_followed_logs import follow


@pytest.fixture
def case(pool: Pool, database: Database, new_tenant: Callable[..., Tenant], tmp_path: Path) -> Case:
    return build(pool, database, new_tenant(), tmp_path, [300])


@contextmanager
def begun(case: Case) -> Iterator[Verification]:
    """Begin to verify: where the log ends is known, and nothing was gone through yet."""
    with connect_to_read(case.database.service_url) as connection:
        yield Verification(connection, Asked(case.database.service_url, case.log, case.settings))


def found(verification: Verification) -> list[str]:
    return [str(each) for each in verification.run(lambda _: None).findings]


def test_what_is_recorded_and_erased_meanwhile(case: Case, pool: Pool) -> None:
    with begun(case) as verification:
        fill(pool, case.tenant.tenant_id, items(first=5_017), 3)
        player = f"p-{5_017 * 7919 % 1_000}"
        with connect(case.database.owner_url) as owner:
            done = erase(owner, case.tenant.tenant_id, player, Why("asked", "support"))
        assert done.record_position == 304
        assert found(verification) == []
    # Erased, and nowhere in the log.
    case.tamper(
        "insert into erased select tenant_id, 305, commitment, record_position from erased"
        " where tenant_id = %(tenant_id)s limit 1"
    )
    assert "305 erased" in case.found()


def test_another_log_that_follows_meanwhile(case: Case, pool: Pool) -> None:
    with begun(case) as verification:
        after = follow(pool, case)
        assert found(verification) == []
    # Who asks for the log before is told so.
    with pytest.raises(UnreadableError, match="another log follows"):
        case.verify()
    assert after.verify().proven
    # One that is entered beside it follows nothing.
    case.tamper(
        "update logs set predecessor = sha256(predecessor) where tenant_id = %(tenant_id)s and number = 2"
    )
    assert "1-300 fork" in case.found()


def test_a_log_that_just_followed_another_one_need_not_be_sealed(case: Case, pool: Pool) -> None:
    after = follow(pool, case)
    fill(pool, case.tenant.tenant_id, items(first=6_000), 400)
    last = last_path(case.settings.signing_path, after.log.log_id, "log")
    for _ in range(2):
        outcome = after.verify()
        assert not list(outcome.findings)
        unsealed = "positions 301 to 700 against a checkpoint: none is over them yet"
        assert unsealed in outcome.not_checked
        last.unlink(missing_ok=True)
    assert outcome.keys is not None
    begin_guard(case.settings.signing_path, after.log.log_id, outcome.keys.origin)
    # Once it was sealed, it stays so.
    assert seal(pool, after) == 700
    case.tamper("delete from checkpoints where tenant_id = %(tenant_id)s and log_number = 2")
    assert "301-700 signature" in after.found()
    last.unlink()
    assert "301-700 signature" in after.found()
    # Where no key of the log before vouches for the one that follows, nothing is taken as proven by that.
    case.tamper(
        "delete from tiles where tenant_id = %(tenant_id)s and log_number = 2",
        "update logs set note = regexp_replace(note, '\\n[^\\n]+\\n$', E'\\n')"
        " where tenant_id = %(tenant_id)s and number = 2",
    )
    assert "1-700 signature" in after.found()
