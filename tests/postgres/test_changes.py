"""Looking at what changed, where not all of it can be looked at."""

import psycopg
import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from projections.tracking import Behind, appends, behind_alone, behind_of
from tests.databases import Database


def test_while_a_node_of_a_cluster_is_away_the_others_are_asked_for_their_own(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    away: set[int] = set()
    with connect(fresh_database.owner_url) as connection:
        ids = [create_tenant(connection, name).tenant_id for name in ("one", "other")]
        # Each has its own node, and an event that is to be shown.
        monkeypatch.setattr("postgres.changes.by_node", lambda _, known: [[each] for each in known])
        for tenant_id in ids:
            connection.execute(
                "insert into events (tenant_id, position, version, recorded_at, stream, topic, state)"
                " values (%s, 1, 1, now(), 'player:p', 'LoggedIn', '{}')",
                [tenant_id],
            )

        def ask(tenant_ids: list[int]) -> list[Behind]:
            if away:
                raise psycopg.errors.ConnectionFailure("connection to the remote node failed")
            return behind_of(connection, tenant_ids)

        def ask_one(tenant_id: int) -> list[Behind]:
            if tenant_id in away:
                raise psycopg.errors.ConnectionFailure("connection to the remote node failed")
            return behind_alone(connection, tenant_id)

        def found() -> list[int]:
            behind = changes.find(connection, ask, now_s=0, ask_one=ask_one)
            return sorted(each.tenant_id for each in behind)

        changes = appends()
        assert found() == ids
        for gone in ids:
            away.add(gone)
            assert found() == [each for each in ids if each != gone]
            away.clear()
        assert found() == ids


def test_a_server_that_is_away_itself_is_said_to_be(fresh_database: Database) -> None:
    changes = appends()
    with connect(fresh_database.owner_url) as connection:
        create_tenant(connection, "one")
        changes.look(connection, now_s=0)
    with pytest.raises(psycopg.OperationalError):
        changes.find(connection, lambda _: [], now_s=0)
