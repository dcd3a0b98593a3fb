"""Whether the statements of heads are true: each is made again from the events, and is in their tree."""

from collections.abc import Iterator
from typing import NamedTuple

from app.evidence.head_store import PAGED, MissingPageError, StoredHeads
from app.evidence.store import checkpoint_of
from app.evidence.verification.findings import Findings
from app.evidence.verification.rows import ABSENT
from app.log.leaves import Log
from app.log.stream_ends import stream_ends
from domain.evidence.heads import HeadsError, Page, Statement, pages_of
from domain.evidence.merkle import HASH_BYTES, TILE_WIDTH, Edge, leaf_hash
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement as SqlStatement
from postgres.statements import Statements


class Sql(Statements):
    """Reading what was stated."""

    all_statements: SqlStatement


SQL = Sql(__file__)


class _Stated(NamedTuple):
    n: int
    size: int
    statement: bytes


class Stated:
    """All statements of a log; there are few: one a day."""

    def __init__(self, connection: Connection, log: Log) -> None:
        """Read them."""
        self._connection = connection
        self._log = log
        of = {"tenant_id": log.tenant_id, "log_number": log.number}
        self._stated = fetch_all(connection, SQL.all_statements, of, _Stated)

    @property
    def number(self) -> int:
        """How many there are, if none is missing."""
        return self._stated[-1].n + 1 if self._stated else 0

    def hashes(self, first: int, last: int) -> bytes:
        """Return their leaf hashes [first, last), ABSENT where there is none."""
        known = {each.n: each.statement for each in self._stated}
        return b"".join(leaf_hash(known[n]) if n in known else ABSENT for n in range(first, last))

    def size(self, n: int) -> int:
        """Return of which size of the log the n-th is, 1 if there is none."""
        return next((max(each.size, 1) for each in self._stated if each.n == n), 1)

    def check(self, first: int, last: int, findings: Findings) -> None:
        """Make each of a size from `first` on again from the events, and tell which is not true.

        `last` is where the log ends.
        """
        following = 0
        for stated in self._stated:
            expected, following = following, stated.n + 1
            if stated.n == expected and 0 < stated.size < first:
                continue
            for fault in self._faults(expected, stated, last):
                position = min(max(stated.size, 1), max(last, 1))
                findings.add(position, position, "heads", f"statement {stated.n} {fault}")

    def _faults(self, expected: int, stated: _Stated, last: int) -> Iterator[str]:
        if stated.n != expected:
            yield f"comes where there should be statement {expected}"
        try:
            said = Statement.parse(stated.statement)
        except HeadsError as error:
            yield f"can't be read: {error}"
            return
        if said.size != stated.size:
            yield "is entered with another size than it says"
        if said.log_id != self._log.log_id:
            yield "is of another log"
        sealed = checkpoint_of(self._connection, self._log, "log", said.size)
        if said.size > last or sealed is None or sealed.root != said.root:
            yield f"says another root than the log was sealed with at size {said.size}"
        yield from self._recomputed(stated.n, said)

    def _recomputed(self, n: int, said: Statement) -> Iterator[str]:
        edge, levels = Edge(), dict[int, bytes]()
        pages = pages_of(stream_ends(self._connection, self._log.tenant_id, said.size))
        kept = StoredHeads(self._connection, self._log, n) if n >= self.number - PAGED else None
        try:
            for page in pages:
                for stretch in edge.append(page.hashes):
                    levels[stretch.level] = levels.get(stretch.level, b"") + stretch.hashes
                if kept is not None and not _has_page(kept, page):
                    yield f"has another page {page.n} of heads than the log"
        except HeadsError as error:
            yield f"can't be made again: {error}"
            return
        if (edge.size, edge.root()) != (said.streams, said.heads_root):
            yield f"says other last versions than the streams had at size {said.size}"
        if kept is not None:
            for level, row in levels.items():
                yield from _other_tiles(kept, level, row)


def _has_page(kept: StoredHeads, page: Page) -> bool:
    """Tell whether a page is kept as it must be; pages that are gone can be made again."""
    try:
        return kept.at(page.n) == page
    except MissingPageError:
        return True


def _other_tiles(kept: StoredHeads, level: int, row: bytes) -> Iterator[str]:
    width = TILE_WIDTH * HASH_BYTES
    for tile, at in enumerate(range(0, len(row), width)):
        hashes, first = row[at : at + width], tile * TILE_WIDTH
        try:
            stored = kept.read(
                level, first, first + TILE_WIDTH + 1
            )  # all that is there, and no more
        except MissingPageError:
            continue
        if stored != hashes:
            yield f"has other hashes in tile {tile} of level {level} than its heads"
