"""A node that is out of reach: its own tenants wait, those of others are recorded, shown, sealed, relayed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from api.tenancy import create_tenant
from app.evidence.sealer import Sealer
from app.evidence.store import newest_checkpoint
from app.relay.subscriptions import add_subscription
from app.relay.turns import Turns
from app.settings import Settings
from postgres.connections import Pool, connect, open_pool
from postgres.distribution import by_node
from postgres.errors import UNAVAILABLE, is_out_of_reach
from tests.databases import Database
from tests.logs import with_key
from tests.projections.helpers import position, projector
from tests.recording.sending import logins, send

_NOBODY_LISTENS = 1
_AT = "update pg_dist_node set nodeport = %s where nodeport = %s"


@contextmanager
def away(database: Database, port: int) -> Iterator[None]:
    """Let nobody reach a node: for the coordinator of this one database it is gone."""
    name = database.service_url.rpartition("/")[2]
    with psycopg.connect(database.admin_url, dbname=name, autocommit=True) as admin:
        admin.execute(_AT, [_NOBODY_LISTENS, port])
        try:
            yield
        finally:
            admin.execute(_AT, [port, _NOBODY_LISTENS])


@pytest.fixture
def pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        yield pool


def _port_of(database: Database, tenant_id: int) -> int:
    """The node that has a tenant, by its port."""
    with connect(database.owner_url) as owner:
        [(port,)] = owner.execute(
            "select nodeport from pg_dist_shard_placement where shardid ="
            " get_shard_id_for_distribution_column('events', %s)",
            [tenant_id],
        ).fetchall()
    return int(port)


def test_others_go_on_while_a_node_is_away_and_its_tenants_when_it_is_back(
    fresh_database: Database, pool: Pool, tmp_path: Path
) -> None:
    settings = Settings(signing_keys=str(tmp_path / "keys"))
    with pool.connection() as connection:
        tenants = [create_tenant(connection, f"t{number}") for number in range(8)]
        logs = [with_key(connection, each.tenant_id, settings) for each in tenants]
        gone, *others = by_node(connection, [each.tenant_id for each in tenants])
    assert others
    projecting, sealer = projector(pool), Sealer(pool, settings)

    def reached() -> dict[bool, set[tuple[int, int]]]:
        """Project and seal, and tell how far both are: by whether the tenant is of the node that is gone."""
        for _ in range(3):
            projecting.project_all(now_s=0)
            sealer.seal_all(now_s=0)
        found: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
        for tenant, log in zip(tenants, logs, strict=True):
            try:
                with pool.connection() as connection:
                    sealed = newest_checkpoint(connection, log, "log")
                shown = position(pool, tenant)
            except UNAVAILABLE:
                continue
            found[tenant.tenant_id in gone].add((shown, sealed.size if sealed else 0))
        return found

    for tenant in tenants:
        send(pool, tenant, logins(["a"]))
    assert reached() == {True: {(1, 1)}, False: {(1, 1)}}
    with away(fresh_database, _port_of(fresh_database, gone[0])):
        # Sessions that are there have theirs on the node yet, which those of a node that goes have not.
        pool.drain()
        for tenant in tenants:
            if tenant.tenant_id not in gone:
                send(pool, tenant, logins(["b", "c"]))
                continue
            with pytest.raises(UNAVAILABLE) as refused:
                send(pool, tenant, logins(["b", "c"]))
            assert is_out_of_reach(refused.value)
        assert reached() == {True: set(), False: {(3, 3)}}
    for tenant in tenants:
        if tenant.tenant_id in gone:
            send(pool, tenant, logins(["b", "c"]))
    assert reached() == {True: {(3, 3)}, False: {(3, 3)}}


def test_what_others_recorded_is_relayed_while_a_node_is_away(
    fresh_database: Database, pool: Pool
) -> None:
    turns = Turns(pool, "test", ["webhook"], lease_s=60)
    with pool.connection() as connection:
        tenants = [create_tenant(connection, f"t{number}") for number in range(8)]
        gone, *others = by_node(connection, [each.tenant_id for each in tenants])
        for tenant in tenants:
            add_subscription(
                connection, tenant, "hook", "webhook", "https://there.example/", first=1
            )

    def due() -> set[int]:
        found = turns.look(now_s=0)
        assert all(turns.claim(each) for each in found)
        return {each.tenant_id for each in found}

    for tenant in tenants:
        send(pool, tenant, logins(["a"]))
    assert due() == {each.tenant_id for each in tenants}
    with away(fresh_database, _port_of(fresh_database, gone[0])):
        pool.drain()
        assert due() == {each for ids in others for each in ids}
    assert due() == {each.tenant_id for each in tenants}
