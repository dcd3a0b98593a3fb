"""Names of tiles, as C2SP tlog-tiles has them: `<L>/<N>[.p/<W>]` and `entries/<N>[.p/<W>]`."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from domain.evidence.merkle import TILE_HEIGHT, TILE_WIDTH

MAX_LEVEL = 63

ENTRIES = "entries"
"""Stands in a path where the level of hashes does."""

_PATH = re.compile(
    r"(?P<level>[0-9]{1,2}|entries)"
    r"/(?P<n>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)


class TilePathError(ValueError):
    """The path names no tile."""


class Tile(NamedTuple):
    """A tile of hashes, or a bundle of entries; partial if it is less than 256 wide."""

    level: int
    """0 to 63; 0 for entries, which are under the leaf hashes."""
    n: int
    """Its number on its level, from 0."""
    width: int = TILE_WIDTH
    is_entries: bool = False

    @property
    def first(self) -> int:
        """The index, on its level, of its first hash or entry."""
        return self.n * TILE_WIDTH

    @property
    def last(self) -> int:
        """The index, on its level, after its last hash or entry."""
        return self.first + self.width

    def is_in(self, size: int) -> bool:
        """Tell whether a tree of that size has all that is in the tile."""
        return self.last <= size >> TILE_HEIGHT * self.level

    @property
    def path(self) -> str:
        """The path, without slash at its start."""
        groups = [f"{self.n % 1000:03}"]
        rest = self.n // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = ENTRIES if self.is_entries else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"{level}/{'/'.join(groups)}{partial}"


def parse_tile(path: str) -> Tile:
    """Return the tile that a path names, without slash at its start.

    There is one way to write each: level 0 to 63 and width 1 to 255 without leading zeros, the number in
    groups of three digits, `x` before all but the last, and the first not `x000`. Raises TilePathError for
    every other.
    """
    parts = _PATH.fullmatch(path)
    if parts is None:
        raise TilePathError(
            f"{path[:100]!r} names no tile: one is named <level>/<number>, such as 0/x001/x234/067,"
            " and .p/<width> after that if it is partial"
        )
    level, number, width = parts["level"], parts["n"], parts["width"]
    tile = Tile(
        level=0 if level == ENTRIES else int(level),
        n=int(re.sub("[x/]", "", number)),
        width=TILE_WIDTH if width is None else int(width),
        is_entries=level == ENTRIES,
    )
    if tile.level > MAX_LEVEL:
        raise TilePathError(f"{path!r} names no tile: the highest level is {MAX_LEVEL}")
    if width is not None and not 1 <= tile.width < TILE_WIDTH:
        raise TilePathError(f"{path!r} names no tile: a partial one is 1 to {TILE_WIDTH - 1} wide")
    if tile.path != path:
        raise TilePathError(
            f"{path!r} names no tile: the same without needless zeros is {tile.path!r}"
        )
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield the tiles of hashes of a tree of that size: of each level the full ones, then a partial one."""
    level = 0
    while complete := size >> TILE_HEIGHT * level:
        full, width = divmod(complete, TILE_WIDTH)
        for n in range(full):
            yield Tile(level, n)
        if width:
            yield Tile(level, full, width)
        level += 1
