"""The answers of queries, each with the position up to which it shows all events."""

from typing import Any, Generic, NamedTuple, TypeVar

from litestar import Response
from msgspec import Struct

from api.http.accept import CSV, JSON
from api.http.problems import ProblemError
from api.querying.parameters import Asked, Query
from api.querying.tables import answer_csv, answer_headers
from projections.reading import Rows

F = TypeVar("F", bound=Struct)
K = TypeVar("K")
V = TypeVar("V")


class Page(Struct, Generic[V], frozen=True):
    """Some items of a collection, in its order. `next_cursor` asks for those that follow, null at the end."""

    items: list[V]
    next_cursor: str | None


class Found(NamedTuple, Generic[V]):
    """What was read, and the position up to which it includes all events."""

    value: V
    position: int


def answer_page(
    query: Query[F, K], asked: Asked[F, K], rows: Rows[Any, K], position: int
) -> Response[Any]:
    """Build the answer of a page, which shows all events up to `position`; in CSV `rows` are all."""
    if asked.media_type == CSV:
        lines = query.csv_rows(asked)
        return answer_csv(query, lines.header + lines.write(rows.items), position)
    return answer(Page(rows.items, query.cursor(asked, rows.last_place)), position, vary=True)


def answer_one(found: Found[V | None]) -> Response[Any]:
    """Build the answer of one thing. Raises ProblemError `not-found` where there is none."""
    if found.value is None:
        headers = {"Log-Position": str(found.position)}
        raise ProblemError("not-found", "No event names this id.", headers=headers)
    return answer(found.value, found.position)


def answer(content: Any, position: int, *, vary: bool = False) -> Response[Any]:
    """Build the answer of a query, which shows all events up to `position`, and may `vary` with Accept."""
    headers = answer_headers(position) | ({"Vary": "Accept"} if vary else {})
    return Response(content, media_type=JSON, headers=headers)
