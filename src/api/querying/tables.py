"""Answers in CSV: a collection as a whole, as it was at one moment, piece by piece."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, NamedTuple, TypeVar

from litestar import Request, Response
from msgspec import Struct

from api.http.accept import CSV
from api.http.streams import Streamed
from api.querying.epochs import check_still
from api.querying.parameters import Asked, Query
from projections.reading import Rows, Snapshot

F = TypeVar("F", bound=Struct)
K = TypeVar("K")

# A few hundred kB of most rows, and PAGE_BYTES of those that may be large.
_ROWS_AT_ONCE = 5_000

Find = Callable[[Snapshot, F, K | None, int], Rows[Any, K]]
"""Read rows that the filters let through, after a place, and so many at most."""


class Piece(NamedTuple, Generic[K]):
    """Some rows in CSV, the place of the last one where more follow, and the position that they show."""

    text: bytes
    after: K | None
    position: int


class Table(Generic[F, K]):
    """All rows that a request asks for."""

    def __init__(self, query: Query[F, K], asked: Asked[F, K], find: Find[F, K]) -> None:
        """Read rows by `find`."""
        self._query = query
        self._asked = asked
        self._find = find
        self._lines = query.csv_rows(asked)

    def read(self, seen: Snapshot, after: K | None) -> Piece[K]:
        """Read a piece, the first one with the header."""
        filters = self._asked.at_moments(seen.days).filters
        rows = self._find(seen, filters, after, _ROWS_AT_ONCE)
        header = self._lines.header if after is None else b""
        return Piece(header + self._lines.write(rows.items), rows.last_place, seen.position)

    def answer(self, piece: Piece[K]) -> Response[Any]:
        """Build the answer that consists of one piece."""
        return answer_csv(self._query, piece.text, piece.position)

    def stream(
        self,
        request: Request[Any, Any, Any],
        piece: Piece[K],
        read_on: Callable[[K], Awaitable[Piece[K]]],
    ) -> Response[Any]:
        """Build the answer that begins with a piece, and goes on as long as its key may."""

        async def pieces() -> AsyncIterator[bytes]:
            scope, here = request.route_handler.opt["scope"], piece
            yield here.text
            while here.after is not None:
                await check_still(request, self._asked.log_id, scope)
                here = await read_on(here.after)
                yield here.text

        headers = answer_headers(piece.position) | csv_headers(self._query, piece.position)
        return Streamed(pieces(), media_type=CSV, headers=headers)


def answer_csv(query: Query[Any, Any], text: bytes, position: int) -> Response[Any]:
    """Build the answer of a table that is whole."""
    headers = answer_headers(position) | csv_headers(query, position)
    return Response(text, media_type=CSV, headers=headers)


def csv_headers(query: Query[Any, Any], position: int) -> dict[str, str]:
    """Return the headers of an answer in CSV, beside those of every answer."""
    name = f"{query.name}-{position}.csv"
    return {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}


def answer_headers(position: int) -> dict[str, str]:
    """Return the headers of every answer of a query. What it says is one tenant's, and soon old."""
    return {"Log-Position": str(position), "Cache-Control": "no-store"}
