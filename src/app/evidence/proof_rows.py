"""The hashes that a proof in the log's tree takes, read at once: two reads for a tree of any size."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.log.committed import read_leaf_rows
from app.log.leaves import Log
from domain.evidence.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Read, levels_of
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading several stretches of hashes."""

    rows_of_tiles: Statement


SQL = Sql(__file__)


class _Stretch(NamedTuple):
    """The indexes [first, last) of a level."""

    level: int
    first: int
    last: int


class _Row(NamedTuple):
    nth: int
    first: int
    hashes: bytes


def read_for_proof(connection: Connection, log: Log, size: int, index: int) -> Read:
    """Read at once what a proof of a leaf takes in a `domain.evidence.proofs.Tree` of that size.

    That is the end of each level, and of each the tile over the leaf. It serves a proof of consistency too,
    where the leaf is the last one of the older tree.
    """
    stretches = list(_stretches(size, index))
    leaves = [each for each in stretches if each.level == 0]
    above = [each for each in stretches if each.level]
    places = [(each.first + 1, each.last) for each in leaves]
    found = dict(zip(leaves, read_leaf_rows(connection, log, places), strict=True))
    found |= zip(above, _read_tiles(connection, log, above), strict=True)
    rows = {(level, first): row for (level, first, _), row in found.items()}

    def read(level: int, first: int, last: int) -> bytes:
        at = first // TILE_WIDTH * TILE_WIDTH
        row = rows.get((level, at), b"")
        return row[(first - at) * HASH_BYTES : (last - at) * HASH_BYTES]

    return read


def _stretches(size: int, index: int) -> Iterator[_Stretch]:
    for level, complete in levels_of(size):
        end = complete - complete % TILE_WIDTH
        if end < complete:
            yield _Stretch(level, end, complete)
        tile = (index >> TILE_HEIGHT * (level + 1)) * TILE_WIDTH
        if tile < end:
            yield _Stretch(level, tile, tile + TILE_WIDTH)


def _read_tiles(connection: Connection, log: Log, stretches: list[_Stretch]) -> Iterable[bytes]:
    if not stretches:
        return []
    levels, firsts, lasts = map(list, zip(*stretches, strict=True))
    parameters = {
        "tenant_id": log.tenant_id,
        "log_number": log.number,
        "tree": "log",
        "levels": levels,
        "firsts": firsts,
        "lasts": lasts,
    }
    found = [b""] * len(stretches)
    for row in fetch_all(connection, SQL.rows_of_tiles, parameters, _Row, binary=True):
        # What comes after a gap is of no use: fewer hashes are there than were asked for.
        nth = row.nth - 1
        if row.first == firsts[nth] + len(found[nth]) // HASH_BYTES:
            found[nth] += row.hashes
    return found
