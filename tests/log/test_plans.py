"""Lookups by key use the key's own index, whatever the planner knows of the tenant."""

import threading
from datetime import UTC, datetime

import psycopg

from api.tenancy import create_tenant
from app.log.aggregates import game_at, player_at
from app.log.recorder import TenantLog
from app.recording import record
from app.simulation import Scenario, batches, simulate
from app.wire.items import decode_batch
from postgres.connections import Pool, connect, open_pool
from projections.engine.projector import Projector
from projections.engine.rebuild import Rebuild
from projections.entries import Scope
from projections.models.balance_periods import read_as_of
from projections.models.rounds import RoundFilters, find_rounds
from projections.reading import snapshot
from tests.databases import Database
from tests.http.service import eventually

_EVENTS = 20_000
_BATCH = 2_000


def _fill(pool: Pool, url: str, name: str, seed: int) -> int:
    with connect(url) as connection:
        tenant = create_tenant(connection, name)
    traffic = simulate(Scenario(players=200, games=20, seed=seed), _EVENTS)
    for body in batches(traffic, _BATCH):
        items = decode_batch(body, currencies=tenant.allowed_currencies(), now=datetime.now(UTC))
        record(pool, tenant.tenant_id, items)
    return tenant.tenant_id


def _project(pool: Pool, tenant_id: int, *, chunk_events: int = _BATCH) -> None:
    projector = Projector(
        pool, lambda each: TenantLog(pool, each), chunk_events=chunk_events, poll_interval_s=1
    )
    while projector.project_chunk(Scope(tenant_id, 1)):
        pass


# Sessions report what they read when they end, which may be a moment after they were closed.
_OTHERS = """
    select count(*) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


def _entries_read(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as owner:
        eventually(lambda: owner.execute(_OTHERS).fetchone() == (0,))
        owner.execute("select pg_stat_force_next_flush()")
        found = owner.execute(
            "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where schemaname = 'roundbook'"
        ).fetchone()
    return found[0] if found else 0


def _know(database: Database) -> None:
    """Let the planner know one tenant."""
    url = database.service_url
    with open_pool(url, max_size=2) as pool:
        _project(pool, _fill(pool, url, "known", 1))
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("set search_path = roundbook")
        owner.execute("analyze events, rounds, balance_periods, snapshots")


def test_a_tenant_that_is_new_since_the_last_analyze_is_not_read_whole_for_each_key(
    fresh_database: Database,
) -> None:
    """Of such a tenant the planner expected one row, by whatever index: 8 minutes for 200,000 events."""
    url = fresh_database.service_url
    _know(fresh_database)
    # Sessions report what they read when they end.
    before = _entries_read(fresh_database.owner_url)
    with open_pool(url, max_size=2) as pool:
        _project(pool, _fill(pool, url, "new", 2))
    read = _entries_read(fresh_database.owner_url) - before

    assert 0 < read < 20 * _EVENTS


def test_no_chunk_reads_what_those_before_it_have_written(fresh_database: Database) -> None:
    """An update that was joined to the table read all rounds of the tenant, for each chunk anew."""
    url = fresh_database.service_url
    with open_pool(url, max_size=2) as pool:
        tenant_id = _fill(pool, url, "never-analyzed", 3)
        with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
            for table in ("rounds", "balances", "balance_periods", "players", "games", "activity"):
                owner.execute(f"alter table roundbook.{table} set (autovacuum_enabled = off)")
    before = _entries_read(fresh_database.owner_url)
    with open_pool(url, max_size=2) as pool:
        _project(pool, tenant_id, chunk_events=_BATCH // 20)
    read = _entries_read(fresh_database.owner_url) - before

    assert 0 < read < 5 * _EVENTS


def test_the_past_of_a_tenant_that_is_new_is_not_looked_for_in_its_whole_log(
    fresh_database: Database,
) -> None:
    url = fresh_database.service_url
    _know(fresh_database)
    with open_pool(url, max_size=2) as pool:
        new = _fill(pool, url, "new", 2)
        _project(pool, new)
        with pool.connection() as connection:
            found = connection.execute(
                "select stream, max(version) from events where tenant_id = %s and stream like 'player:%%'"
                " group by stream order by max(version) limit 10",
                [new],
            ).fetchall()
    before = _entries_read(fresh_database.owner_url)
    with open_pool(url, max_size=2) as pool:
        for stream, _ in found:
            player_id = stream.removeprefix("player:")
            assert player_at(pool, new, player_id, _EVENTS)
            assert game_at(pool, new, player_id, _EVENTS) is None
            with snapshot(pool, new) as seen:
                read_as_of(seen, player_id, datetime.now(UTC))
    read = _entries_read(fresh_database.owner_url) - before

    events = sum(version for _, version in found)
    assert 0 < read < 5 * events + 50 * len(found) < _EVENTS


def test_a_page_of_what_was_rebuilt_since_the_last_analyze_is_read_by_an_index(
    fresh_database: Database,
) -> None:
    """Of a new generation the planner expected no rows, and sorted all of a tenant's for each page."""
    url = fresh_database.service_url
    with open_pool(url, max_size=5) as pool:
        small = _fill(pool, url, "small", 1)
        _project(pool, small)
        with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
            owner.execute("analyze roundbook.rounds, roundbook.transactions, roundbook.players")
        projector = Projector(
            pool, lambda each: TenantLog(pool, each), chunk_events=_BATCH, poll_interval_s=1
        )
        Rebuild(pool, projector, small, stop=threading.Event()).run()
    before = _entries_read(fresh_database.owner_url)
    with open_pool(url, max_size=1, for_queries=True) as pool, snapshot(pool, small) as seen:
        for filters in (RoundFilters(), RoundFilters(status="settled")):
            assert len(find_rounds(seen, filters, None, 20).items) == 20
    assert _entries_read(fresh_database.owner_url) - before < 1_000
