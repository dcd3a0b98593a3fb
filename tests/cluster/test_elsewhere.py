"""A coordinator that is elsewhere than it was, as after a restore: another history begins by itself."""

import psycopg
import pytest

from api.tenancy import create_tenant
from app.log.histories import notice_history
from postgres.connections import connect, open_pool
from postgres.errors import is_out_of_reach
from tests.databases import Database
from tests.recording.sending import logins, send


def test_nothing_is_recorded_before_another_history_began(fresh_database: Database) -> None:
    with open_pool(fresh_database.service_url, max_size=2) as pool:
        with pool.connection() as connection:
            tenant = create_tenant(connection, "one")
        send(pool, tenant, logins(["a"]))
        with connect(fresh_database.owner_url) as owner:
            owner.execute("insert into histories values (2, 'id', 'elsewhere', now())")
        with pytest.raises(psycopg.OperationalError, match="another history") as refused:
            send(pool, tenant, logins(["b"]))
        assert is_out_of_reach(refused.value)
        with pool.connection() as connection:
            notice_history(connection)
            heads = connection.execute("select number, head from history_heads").fetchall()
        assert heads == [(3, 1)]
        assert send(pool, tenant, logins(["a", "b"])).stored == 1
