"""However long a log is, what is asked of its evidence is found by a few short reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.asgi import create_app
from api.tenancy import create_tenant
from app.evidence.sealer import Sealer
from app.settings import Settings
from app.tenants import create_key
from postgres.connections import connect, open_pool
from tests.databases import Database, new_database
from tests.logs import with_key
from tests.queries.asgi import Api, running
from tests.queries.plans import Watch, watched_connections

_EVENTS = 200_000
_RUN = 400
_STREAMS = 2_000

_MOST_ROWS = 2 * 256
"""A tile, of hashes that came one by one, and what the plan looks at besides."""
_MOST_STATEMENTS = 20
_SMALL = {"tenants", "tenant_currencies", "api_keys", "logs", "log_keys"}

_FILL_EVENTS = """
    insert into events (tenant_id, position, version, recorded_at, key, stream, topic, occurred_at, state)
    select %(tenant_id)s, n, 1 + n / %(streams)s, now(), substr(sha256(int8send(n)), 1, 16),
           'player:' || n %% %(streams)s, 'LoggedIn', now(),
           convert_to('{"unique_id":"u-' || n || '","timestamp":"2025-01-15T12:00:00Z","player_id":"'
                      || n %% %(streams)s || '"}', 'UTF8')
      from generate_series(1, %(events)s) as n
"""
_FILL_RUNS = """
    insert into leaf_runs (tenant_id, log_number, first_position, hashes)
    select %(tenant_id)s, 1, min(n), string_agg(sha256(int8send(n)), ''::bytea order by n)
      from generate_series(1, %(events)s) as n group by (n - 1) / %(run)s
"""
_FILL_ANCHORS = """
    insert into anchors (tenant_id, log_number, tree, target, size, receipt, anchored_at)
    select %(tenant_id)s, 1, 'log', target, n, 'x', now()
      from generate_series(1, 20000) as n,
           unnest(array['witness:a', 'witness:b', 'tsa:c', 'file:d']) as target
"""

_FILL_TILES = """
    insert into tiles (tenant_id, log_number, tree, level, n, hashes)
    select %(tenant_id)s, 1, 'log', 7, n, 'x' from generate_series(1, 20000) as n
"""
"""Of a level that the tree is too small for: who reads them reads what was not asked for."""

_FILL_CHECKPOINTS = """
    insert into checkpoints (tenant_id, log_number, tree, size, root, note, sealed_at)
    select %(tenant_id)s, 1, 'log', n, 'x', 'x', now() - interval '1 day' from generate_series(1, 20000) as n
"""

_ASKED = [
    *("checkpoint", "keys"),
    *("tile/0/000", "tile/0/500", "tile/1/002", "tile/2/000.p/3", "tile/entries/400"),
    *("inclusion?position=1", "inclusion?position=200000", "inclusion?position=77777&size=123456"),
    *("consistency?from=1&to=200000", "consistency?from=99999&to=199999"),
    "bundle?from_position=150000&to_position=150100&since=1000",
    *("bundle?player_id=77", "bundle?player_id=nobody"),
    "../history?limit=1",
]


class Filled(NamedTuple):
    """An application before a log that is long and sealed, and a key of its tenant."""

    api: Api
    key: str
    watch: Watch


@pytest.fixture(scope="module")
def filled(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    with new_database(admin_url, template=template) as database:
        with connect(database.service_url) as connection:
            tenant = create_tenant(connection, "large")
            created: Any = create_key(connection, tenant, ["audit"])
        with connect(database.owner_url) as owner:
            sizes = {"events": _EVENTS, "streams": _STREAMS, "run": _RUN}
            for statement in (_FILL_EVENTS, _FILL_RUNS, _FILL_ANCHORS, _FILL_TILES):
                owner.execute(statement, {"tenant_id": tenant.tenant_id, **sizes})
            owner.execute("analyze events, leaf_runs, anchors")
        _seal(database, tenant.tenant_id, tmp_path_factory.mktemp("keys"))
        with connect(database.owner_url) as owner:
            owner.execute(_FILL_CHECKPOINTS, {"tenant_id": tenant.tenant_id})
        with (
            watched_connections() as watch,
            running(create_app(Settings(), database.service_url)) as api,
        ):
            yield Filled(api, created.key, watch)


def _seal(database: Database, tenant_id: int, keys: Path) -> None:
    with open_pool(database.service_url, max_size=2) as pool:
        settings = Settings(signing_keys=str(keys))
        with pool.connection() as connection:
            log = with_key(connection, tenant_id, settings)
        sealer = Sealer(pool, settings)
        while sealer.seal(log):
            pass


@pytest.mark.parametrize("path", _ASKED)
def test_few_rows_are_looked_at(filled: Filled, path: str) -> None:
    resource, _, query = path.partition("?")
    with filled.watch.watching() as explained:
        answer = filled.api.get(path_of(resource), filled.key, query=query)
    assert answer.status == 200, answer.body
    assert answer.whole
    for statement, scans in explained:
        for table, node, rows in scans:
            seen = f"{rows:.0f} rows of {table} by {node}: {statement.strip()}"
            assert table in _SMALL or node != "Seq Scan", seen
            assert rows <= _MOST_ROWS, seen
    if resource != "bundle":
        assert 0 < len(explained) <= _MOST_STATEMENTS


def path_of(resource: str) -> str:
    """Write the path of what is asked for; beside evidence, too."""
    return f"/api/v1/evidence/{resource}".replace("evidence/../", "")
