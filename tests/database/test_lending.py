"""A pool lends connections that work, and asks the server about none that has said nothing."""

from postgres.connections import Connection, Pool, connect, open_pool


def pid(connection: Connection) -> int:
    return connection.info.backend_pid


def end(database_url: str, ended: int) -> None:
    """End a session as an administrator does, and wait until it is gone."""
    with connect(database_url) as other:
        row = other.execute("select pg_terminate_backend(%s, 60000)", [ended]).fetchone()
        assert row == (True,)


def lend(pool: Pool) -> int:
    with pool.connection() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        return pid(connection)


def test_a_session_that_was_ended_is_not_lent(database_url: str) -> None:
    with open_pool(database_url, max_size=1) as pool:
        ended = lend(pool)
        end(database_url, ended)
        assert lend(pool) != ended


def test_a_connection_that_broke_is_not_lent(database_url: str) -> None:
    with open_pool(database_url, max_size=1) as pool:
        broken = lend(pool)
        with pool.connection() as connection:
            pgconn = connection.pgconn
        pgconn.finish()
        assert lend(pool) != broken


def test_a_session_that_was_told_something_is_lent(database_url: str) -> None:
    with open_pool(database_url, max_size=1) as pool, connect(database_url) as other:
        with pool.connection() as connection:
            told = pid(connection)
            connection.execute("listen told")
        other.execute("notify told")
        assert lend(pool) == told


def test_lending_asks_the_server_nothing(database_url: str) -> None:
    query = "select state_change, query from pg_stat_activity where pid = %s"
    with open_pool(database_url, max_size=1) as pool, connect(database_url) as other:
        lent = lend(pool)
        before = other.execute(query, [lent]).fetchone()
        with pool.connection() as connection:
            assert pid(connection) == lent
        assert other.execute(query, [lent]).fetchone() == before
