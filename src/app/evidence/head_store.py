"""Statements of heads as they are stored, and the pages of the newest ones."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from app.log.leaves import Log
from domain.evidence.heads import Page, Statement
from domain.evidence.merkle import HASH_BYTES, TILE_WIDTH, levels_of
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement as SqlStatement
from postgres.statements import Statements

PAGED = 2
"""How many statements of a log keep their pages: the newest, and the one that is being read."""


class Sql(Statements):
    """Reading, adding and sweeping."""

    statements_from: SqlStatement
    newest_statement: SqlStatement
    number_of_statements: SqlStatement
    add_statement: SqlStatement
    page_at: SqlStatement
    page_of_stream: SqlStatement
    tile_of_heads: SqlStatement
    kept_pages: SqlStatement
    add_page: SqlStatement
    add_tile: SqlStatement
    sweep_pages: SqlStatement
    sweep_tiles: SqlStatement


SQL = Sql(__file__)


class Stated(NamedTuple):
    """A statement as it is kept; `n` is its index in the tree of statements."""

    n: int
    statement: bytes
    made_at: datetime

    @property
    def parsed(self) -> Statement:
        """What it says. Raises HeadsError if these bytes are no statement."""
        return Statement.parse(self.statement)


class MissingPageError(Exception):
    """A page of the heads of a statement, or of the hashes over them, is not there."""


class StoredHeads:
    """The heads of one statement: what `prove_head` reads pages of, and its tree hashes."""

    def __init__(self, connection: Connection, log: Log, n: int) -> None:
        """Read those of the statement with the index `n`."""
        self._connection = connection
        self._of = {**_of(log), "n": n}
        self._page: Page | None = None

    def find(self, stream: str) -> Page | None:
        """Return the last page whose first stream is not after that one, None if there is none."""
        parameters = {**self._of, "stream": stream}
        page = fetch_one(self._connection, SQL.page_of_stream, parameters, Page, binary=True)
        self._page = page or self._page
        return page

    def at(self, n: int) -> Page:
        """Return a page by its number. Raises MissingPageError."""
        if self._page is None or self._page.n != n:
            parameters = {**self._of, "page": n}
            self._page = fetch_one(self._connection, SQL.page_at, parameters, Page, binary=True)
        if self._page is None:
            raise MissingPageError(f"page {n} of the heads of statement {self._of['n']} is gone")
        return self._page

    def read(self, level: int, first: int, last: int) -> bytes:
        """Return the hashes [first, last) of a level, which are in one tile. Raises MissingPageError."""
        tile = first // TILE_WIDTH
        hashes = self._tile(level, tile) if level else self.at(tile).hashes
        start = tile * TILE_WIDTH
        return hashes[(first - start) * HASH_BYTES : (last - start) * HASH_BYTES]

    def _tile(self, level: int, tile: int) -> bytes:
        parameters = {**self._of, "level": level, "tile": tile}
        hashes = fetch_one(self._connection, SQL.tile_of_heads, parameters, bytes, binary=True)
        if hashes is None:
            raise MissingPageError(
                f"tile {tile} of level {level} over the heads of statement {self._of['n']} is gone"
            )
        return hashes


def statements_from(connection: Connection, log: Log, first: int) -> list[Stated]:
    """Return the statements of a log from an index on, the oldest first."""
    return fetch_all(connection, SQL.statements_from, {**_of(log), "first": first}, Stated)


def newest_statement(connection: Connection, log: Log, below: int, size: int) -> Stated | None:
    """Return the newest of the first `below` statements that is of the log at `size` or less."""
    parameters = {**_of(log), "below": below, "size": size}
    return fetch_one(connection, SQL.newest_statement, parameters, Stated)


def number_of_statements(connection: Connection, log: Log) -> int:
    """Return how many statements of a log there are: the index of the next one."""
    return fetch_one(connection, SQL.number_of_statements, _of(log), int) or 0


def add_statement(connection: Connection, log: Log, stated: Stated) -> None:
    """Keep a statement."""
    parameters = {**_of(log), **stated._asdict(), "size": stated.parsed.size}
    connection.execute(SQL.add_statement.sql, parameters)


def add_pages(connection: Connection, log: Log, n: int, pages: Iterable[Page]) -> None:
    """Keep pages of a statement that is being made."""
    of = {**_of(log), "n": n}
    rows = [{**page._asdict(), **of, "page": page.n} for page in pages]
    with connection.cursor() as cursor:
        cursor.executemany(SQL.add_page.sql, rows)


def add_tiles(connection: Connection, log: Log, n: int, levels: Mapping[int, bytes]) -> None:
    """Keep the hashes over the pages of a statement, those of each level from 1 on in one row."""
    width = TILE_WIDTH * HASH_BYTES
    for level, row in levels.items():
        for tile, at in enumerate(range(0, len(row), width)):
            place = {"n": n, "level": level, "tile": tile}
            hashes = row[at : at + width]
            connection.execute(SQL.add_tile.sql, {**_of(log), **place, "hashes": hashes})


def has_all_pages(connection: Connection, log: Log, n: int, streams: int) -> bool:
    """Tell whether as many pages of a statement, and tiles over them, are kept as so many streams take."""
    wanted = sum(-(-complete // TILE_WIDTH) for _, complete in levels_of(streams))
    return fetch_one(connection, SQL.kept_pages, {**_of(log), "n": n}, int) == wanted


def sweep(connection: Connection, log: Log, newest: int) -> None:
    """Delete all pages but those of the newest statements, up to the one with the index `newest`."""
    parameters = {**_of(log), "first": newest - PAGED + 1, "last": newest}
    connection.execute(SQL.sweep_pages.sql, parameters)
    connection.execute(SQL.sweep_tiles.sql, parameters)


def _of(log: Log) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number}
