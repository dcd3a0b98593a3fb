"""Tiles over HTTP: anybody can compute from them the root that was signed (C2SP tlog-tiles)."""

import os
from base64 import b64encode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postgres.connections import connect
from tests.evidence.auditor import (
    HASH,
    LEAF,
    PATHS,
    WIDTH,
    entries_in,
    fetch,
    hashes_in,
    leaf_hash,
    read_checkpoint,
    tile_path,
    tiles,
    tree_root,
)
from tests.evidence.conftest import LARGE, Audited
from tests.evidence.reading import expected_hashes
from tests.evidence.tampering import change_past_triggers
from tests.http.wire import assert_problem

pytestmark = pytest.mark.xdist_group("evidence")


def test_the_root_that_was_signed_follows_from_the_tiles(large: Audited) -> None:
    with large.client() as client:
        checkpoint = read_checkpoint(fetch(client, "checkpoint").text, large.vkey)
        assert checkpoint.size == LARGE
        levels: dict[int, list[bytes]] = {}
        widths = []
        for level, n, width in tiles(LARGE):
            content = fetch(client, tile_path(str(level), n, width)).content
            assert len(content) == width * HASH
            levels.setdefault(level, []).extend(hashes_in(content))
            widths.append((level, width))
    # The specification's own example of a tree of 70,000.
    assert widths == [(0, WIDTH)] * 273 + [(0, 112), (1, WIDTH), (1, 17), (2, 1)]
    assert tree_root(levels[0]) == checkpoint.root
    for level in (1, 2):
        below = levels[level - 1]
        whole = [below[at : at + WIDTH] for at in range(0, len(below) // WIDTH * WIDTH, WIDTH)]
        assert levels[level] == [tree_root(tile) for tile in whole]


def test_entries_are_the_leaves_under_the_hashes(large: Audited) -> None:
    with large.client() as client:
        for n, width in ((0, WIDTH), (1, WIDTH), (136, WIDTH), (273, 112), (273, 1)):
            content = fetch(client, tile_path("entries", n, width)).content
            assert len(content) == width * (2 + LEAF)
            assert {content[at : at + 2] for at in range(0, len(content), 71)} == {b"\x00\x45"}
            leaves = entries_in(content)
            hashes = hashes_in(fetch(client, tile_path("0", n, width)).content)
            assert [leaf_hash(leaf) for leaf in leaves] == hashes
            positions = [int.from_bytes(leaf[17:25], "big") for leaf in leaves]
            assert positions == list(range(n * WIDTH + 1, n * WIDTH + width + 1))


def test_each_hash_is_that_of_an_event(day: Audited, client: httpx.Client) -> None:
    with connect(day.database.service_url) as connection:
        expected = expected_hashes(connection, day.tenant_id)
    found = [
        each
        for level, n, width in tiles(len(expected))
        if level == 0
        for each in hashes_in(fetch(client, tile_path("0", n, width)).content)
    ]
    assert found == expected


@given(st.data())
def test_a_partial_tile_is_there_in_every_width_that_is_sealed(
    client: httpx.Client, data: st.DataObject
) -> None:
    level, n, most = data.draw(st.sampled_from([("0", 0, WIDTH), ("0", 1, 228), ("1", 0, 1)]))
    width = data.draw(st.integers(1, most))
    whole = fetch(client, tile_path(level, n, most)).content
    assert fetch(client, tile_path(level, n, width)).content == whole[: width * HASH]
    if level == "0":
        leaves = entries_in(fetch(client, tile_path("entries", n, width)).content)
        assert [leaf_hash(leaf) for leaf in leaves] == hashes_in(whole)[:width]
    if most < WIDTH:
        beyond = client.get(f"{PATHS}/{tile_path(level, n, most + 1)}")
        assert assert_problem(beyond, "not-sealed")["evidence_size"] == 484


@pytest.mark.parametrize("path", ["0/001", "0/002.p/1", "0/x001/000", "1/000", "1/001.p/1", "2/000.p/1",
                                  "63/000.p/1", "63/x999/x999/x999/x999/x999/x999/999",
                                  "entries/001", "entries/x001/234"])  # fmt: skip
def test_what_is_not_sealed_yet_may_be_asked_for_again(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{PATHS}/tile/{path}")
    assert assert_problem(answer, "not-sealed")["evidence_size"] == 484
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["0", "0/0", "0/00", "0/0000", "00/000", "64/000", "-1/000", "0/-01",
                                  "0/x000/001", "0/001/002", "0/x001", "0/000.p/0", "0/000.p/256",
                                  "0/000.p/01", "0/000.p", "0/000.p/", "0/000/", "0//000", "/0/000",
                                  "0/000.P/1", "Entries/000", "entries/0", "checkpoint",
                                  "0/%30%30%30%00", "0/\u0660\u0660\u0660"])  # fmt: skip
def test_what_names_no_tile_is_said_to(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{PATHS}/tile/{path}")
    if "%00" in path:  # which no path can have
        assert_problem(answer, "not-found")
        return
    (fault,) = assert_problem(answer, "invalid-parameters")["errors"]
    assert (fault["parameter"], fault["code"]) == ("tile", "malformed")
    assert "retry-after" not in answer.headers


def test_a_path_may_be_percent_encoded(client: httpx.Client) -> None:
    plain = fetch(client, "tile/0/000.p/7").content
    assert client.get(f"{PATHS}/tile/0%2F000.p%2F7").content == plain


def test_what_was_sealed_and_is_gone_is_a_fault_of_the_service(
    sealing: tuple[object, object], day: Audited
) -> None:
    """Nobody gets fewer hashes than they asked for, or others."""
    own = Audited(day.service, day.database, "gone", "")
    day.service.new_tenant("gone")
    own = own._replace(key=day.service.new_key("gone", "ingest", "audit", "read"))
    own.send(b'{"items":[%b]}' % b",".join(_login(each) for each in range(5)))
    with connect(day.database.owner_url) as owner:
        for table, column in (("events", "position"), ("leaf_runs", "first_position")):
            delete = f"delete from {table} where tenant_id = {own.tenant_id} and {column} = 1"
            change_past_triggers(owner, table, delete)
    with own.client() as client:
        for path in ("tile/0/000.p/5", "tile/entries/000.p/5", "inclusion?position=1"):
            assert client.get(f"{PATHS}/{path}").status_code == 500
        assert fetch(client, "checkpoint").text.splitlines()[1] == "5"


def _login(number: int) -> bytes:
    name = b64encode(os.urandom(8)).decode()
    return (
        b'{"event":"login","data":{"unique_id":"%b-%d","timestamp":"2025-01-15T12:00:00Z","player_id":"p"}}'
        % (name.encode(), number)
    )
