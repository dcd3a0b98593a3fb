"""Who read the log is sealed in a tree of its own, as it is kept."""

from collections.abc import Callable
from pathlib import Path

from app.accesses import NewAccess, record_accesses
from app.evidence.sealer import Sealer
from app.evidence.store import newest_checkpoint, reader
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.accesses import Access, leaf_hashes
from domain.evidence.checkpoints import parse_checkpoint
from domain.evidence.notes import parse_note
from domain.evidence.proofs import Tree
from postgres.connections import Pool
from tests.evidence.test_sealer import fill
from tests.evidence.trees import naive_root
from tests.logs import with_key


def accesses(first: int, number: int) -> list[NewAccess]:
    return [
        NewAccess(7, "GET", "/api/v1/history", f"player_id=p{at}", "")
        for at in range(first, first + number)
    ]


def test_accesses_are_sealed_beside_events_and_alone(
    pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    tenant = new_tenant()
    fill(pool, tenant, 2)
    settings = Settings(signing_keys=str(tmp_path / "keys"))
    with pool.connection() as connection:
        log = with_key(connection, tenant.tenant_id, settings)
    sealer = Sealer(pool, settings)
    for first, number in ((0, 3), (3, 300)):
        with pool.connection() as connection:
            record_accesses(connection, tenant.tenant_id, accesses(first, number))
        sealer.seal_all(now_s=0)
        with pool.connection() as connection:
            rows = connection.execute(
                "select number, (extract(epoch from accessed_at) * 1000000)::bigint - 946684800000000,"
                " key_id, method, path, query, last_event_id from accesses"
                " where tenant_id = %s order by number",
                [tenant.tenant_id],
            ).fetchall()
            hashes = [leaf_hashes(log.log_id, [Access(*row)]) for row in rows]
            sealed = newest_checkpoint(connection, log, "accesses")
            events = newest_checkpoint(connection, log, "log")
            assert sealed is not None
            assert events is not None
            assert Tree(sealed.size, reader(connection, log, "accesses")).root == sealed.root
        assert events.size == 2
        assert len(rows) == first + number
        assert (sealed.size, sealed.root) == (len(rows), naive_root(hashes))
        body = parse_checkpoint(parse_note(sealed.note.encode()).text)
        assert body.origin == f"roundbook.invalid/log/{log.log_id.hex()}/accesses"
