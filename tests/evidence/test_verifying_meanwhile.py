"""What happens to a sound log while it is verified is no finding."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.evidence.verification.reading import connect_to_read
from app.evidence.verification.verify import Asked, Verification
from app.log.erasure import Why, erase
from app.tenants import Tenant
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.filling import fill, items
from tests.evidence.tampering import Case, build


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
