"""Exports: what is in them, what a second run adds, and what is left by one that is killed."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from msgspec import json

from api.parquet.exporting import Added, export
from api.parquet.folder import MANIFEST, Folder, Manifest
from app.tenants import Tenant
from postgres.connections import Pool, connect
from tests.queries.casino import Casino, open_casino, play_casino_day

ALL = ("events", "transactions", "rounds", "activity", "players", "games")


@pytest.fixture
def casino(pool: Pool, database_url: str, new_tenant: Callable[..., Tenant]) -> Casino:
    """A tenant with an empty log; nothing is served."""
    nowhere: Any = None
    return open_casino(nowhere, pool, database_url, new_tenant("BTC"))


def run(casino: Casino, url: str, path: Path, *names: Any, after: int | None = None) -> list[Added]:
    with connect(url) as connection:
        return list(export(connection, casino.tenant, Folder(path), names or None, after=after))


def manifest(path: Path) -> Manifest:
    return json.decode((path / MANIFEST).read_bytes(), type=Manifest)


def check_whole(path: Path) -> None:
    """Fail unless the files are those of the manifest, byte by byte."""
    files = {each.path: each for each in manifest(path).files}
    assert {each.relative_to(path).as_posix() for each in path.glob("*/*/*")} == set(files)
    for each in files.values():
        content = (path / each.path).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (each.bytes, each.sha256)
        assert f"/gaming_day={each.day}/" in each.path


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as opened:
        return opened.execute(sql.replace("DIR", str(path))).fetchall()


NEWEST = {
    "rounds": "player_id, game_id, round_id",
    "activity": "day, game_id, currency",
    "players": "player_id",
    "games": "game_id",
}


def table(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Read a table as it is by now, in some order."""
    newest = (
        f"qualify rank() over (partition by {NEWEST[name]} order by log_position desc) = 1"
        if name in NEWEST
        else ""
    )
    leave_out = "exclude (log_position)" if name in NEWEST else ""
    rows = ask(path, f"select * {leave_out} from 'DIR/{name}/*/*.parquet' {newest}")
    return sorted(rows, key=repr)


def test_an_export_holds_all_there_is(casino: Casino, database_url: str, tmp_path: Path) -> None:
    play_casino_day(casino)
    added = run(casino, database_url, tmp_path)
    assert [each.table for each in added] == list(ALL)
    assert {each.position for each in added} == {484}
    check_whole(tmp_path)
    assert manifest(tmp_path).positions == dict.fromkeys(ALL, 484)
    assert len(table(tmp_path, "events")) == 484
