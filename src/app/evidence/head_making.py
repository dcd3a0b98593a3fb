"""Making the heads of a log: the pages that a statement is of, and again those that were deleted."""

from collections.abc import Callable, Iterator
from itertools import islice

from msgspec import Struct

from app.evidence.head_store import Stated, add_pages, add_tiles, has_all_pages, sweep
from app.evidence.sealing import UnsoundError
from app.log.leaves import Log
from app.log.stream_ends import STREAMS_AT_ONCE, stream_ends
from domain.evidence.heads import Head, pages_of
from domain.evidence.merkle import TILE_WIDTH, Edge
from postgres.connections import Connection
from postgres.statements import Statement as SqlStatement
from postgres.statements import Statements

_PAGES_AT_ONCE = STREAMS_AT_ONCE // TILE_WIDTH


class Sql(Statements):
    """Keeping what can be made again."""

    pages_need_not_last: SqlStatement


SQL = Sql(__file__)


class Heads(Struct, frozen=True):
    """What the streams of a log add up to. `levels`: the hashes over their pages, of each level from 1 on."""

    streams: int
    root: bytes
    levels: dict[int, bytes]
    versions: int
    """All last versions added up: as many as the log has events."""
    last_position: int


def make_pages(
    connection: Connection, log: Log, n: int, size: int, pause: Callable[[], None]
) -> Heads:
    """Keep the pages of the statement with the index `n`, of the log as it was at a size.

    `pause` is called between some thousand streams; what it raises ends this. Raises HeadsError.
    """
    edge, levels, seen = Edge(), dict[int, bytes](), _Seen()
    pages = pages_of(seen.counting(stream_ends(connection, log.tenant_id, size)))
    while some := list(islice(pages, _PAGES_AT_ONCE)):
        with connection.transaction():
            connection.execute(SQL.pages_need_not_last.sql)
            add_pages(connection, log, n, some)
        for stretch in edge.append(b"".join(page.hashes for page in some)):
            levels[stretch.level] = levels.get(stretch.level, b"") + stretch.hashes
        pause()
    return Heads(edge.size, edge.root(), levels, seen.versions, seen.last_position)


def remake_pages(
    connection: Connection, log: Log, stated: Stated, pause: Callable[[], None]
) -> bool:
    """Keep all pages of a statement again, where some are gone; gives whether some were.

    For who holds the claim on stating the log. Raises UnsoundError where they would not be what was stated,
    HeadsError; then there are none.
    """
    said = stated.parsed
    if has_all_pages(connection, log, stated.n, said.streams):
        return False
    sweep(connection, log, stated.n - 1)
    made = make_pages(connection, log, stated.n, said.size, pause)
    if (made.streams, made.root) != (said.streams, said.heads_root):
        sweep(connection, log, stated.n - 1)
        raise UnsoundError(
            f"the streams are not what statement {stated.n} says of the log at size {said.size}:"
            " rows were removed or changed"
        )
    with connection.transaction():
        add_tiles(connection, log, stated.n, made.levels)
    return True


class _Seen:
    """What heads add up to: versions go up by one with each event of a stream."""

    def __init__(self) -> None:
        self.versions = 0
        self.last_position = 0

    def counting(self, heads: Iterator[Head]) -> Iterator[Head]:
        for head in heads:
            self.versions += head.version
            self.last_position = max(self.last_position, head.position)
            yield head
