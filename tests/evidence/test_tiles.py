"""Tiles: the paths of C2SP tlog-tiles, each in one way of writing, and which of them a tree has."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence.tiles import Tile, TilePathError, parse_tile, tiles_of

NAMED = {
    "0/000": Tile(0, 0),
    "0/x001/x234/067": Tile(0, 1_234_067),
    "63/999": Tile(63, 999),
    "1/x001/000": Tile(1, 1000),
    "10/x999/999.p/255": Tile(10, 999_999, 255),
    "2/000.p/1": Tile(2, 0, 1),
    "entries/000": Tile(0, 0, is_entries=True),
    "entries/x001/x234/067.p/112": Tile(0, 1_234_067, 112, is_entries=True),
    "0/x999/x999/x999/x999/x999/x999/999": Tile(0, 10**21 - 1),
}


@pytest.mark.parametrize("path", NAMED)
def test_a_path_names_a_tile_and_the_tile_has_that_path(path: str) -> None:
    assert parse_tile(path) == NAMED[path]
    assert NAMED[path].path == path


@given(
    st.integers(0, 63),
    st.integers(0, 2**63),
    st.integers(1, 256),
)
def test_every_tile_has_a_path(level: int, n: int, width: int) -> None:
    for tile in (Tile(level, n, width), Tile(0, n, width, is_entries=True)):
        assert parse_tile(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "/0/000",
        "00/000",
        "01/000",
        "64/000",
        "100/000",
        "-1/000",
        "+1/000",
        "x/000",
        "data/000",
        "Entries/000",
        "0/0",
        "0/00",
        "0/0000",
        "0/1000",
        "0/x000",
        "0/x000/000",
        "0/x000/x001/000",
        "0/001/000",
        "0/x001/x000",
        "0/x01/000",
        "0/X001/000",
        "0/x001//000",
        "0/x001000",
        "0/000/",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/1000",
        "0/000.p/-1",
        "0/000.p/1/",
        "0/000/1",
        "0/000 ",
        "0/000\n",
        "0/\u0660\u0660\u0660",
        "\u0660/000",
        "0/000.p/\u0661",
        "0/" + "x001/" * 7 + "000",
        "0/" + "x001/" * 5000 + "000",
        "entries/0/000",
        "0/entries/000",
    ],
)
def test_a_path_that_is_written_in_another_way_names_none(path: str) -> None:
    with pytest.raises(TilePathError, match="names no tile") as refused:
        parse_tile(path)
    assert len(str(refused.value)) < 300


@given(st.text(alphabet="0123456789x/.pentris", max_size=24))
def test_what_is_read_is_written_the_same(path: str) -> None:
    try:
        tile = parse_tile(path)
    except TilePathError:
        return
    assert tile.path == path


def test_a_tree_has_the_tiles_that_the_specification_counts() -> None:
    assert Counter((tile.level, tile.width) for tile in tiles_of(70_000)) == {
        (0, 256): 273,
        (0, 112): 1,
        (1, 256): 1,
        (1, 17): 1,
        (2, 1): 1,
    }
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(0, 200_000))
def test_the_tiles_of_a_tree_are_those_that_are_in_it(size: int) -> None:
    tiles = list(tiles_of(size))
    assert len(set(tiles)) == len(tiles)
    for tile in tiles:
        assert tile.is_in(size)
        assert not tile._replace(n=tile.n + 1).is_in(size) or tile._replace(n=tile.n + 1) in tiles
        if tile.width < 256:
            assert not tile._replace(width=tile.width + 1).is_in(size)
            assert (tile.first, tile.last) == (tile.n * 256, size // 256**tile.level)
    for level in range(4):
        widths = sum(tile.width for tile in tiles if tile.level == level)
        assert widths == size // 256**level
    assert not Tile(0, size // 256, size % 256 + 1, is_entries=True).is_in(size)
