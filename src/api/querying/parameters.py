"""The query parameters of each route: declared once, read strictly, documented from the declaration.

Litestar would take the first of a repeated parameter and leave unknown ones out; here both are faults,
and every fault of a request is told at once.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from api.http.accept import CSV, JSON
from api.http.problems import ProblemError
from api.querying.csv_rows import CsvRows
from api.querying.cursors import Cursor, CursorError, Cursors, belonging
from api.querying.kinds import (
    BOOLEAN,
    LOG_ID,
    TEXT,
    TIME,
    TIME_OR_DAY,
    Kind,
    UnfitError,
    integer,
    kind_of,
)
from api.querying.periods import MAY_BE_DAYS, at_moments, dates
from domain.gaming_day import GamingDays
from domain.ids import Position

F = TypeVar("F", bound=Struct)
K = TypeVar("K")

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PAGE_PARAMETERS = ("limit", "cursor", "order")
_AS_STREAMS_ARE = {"order": "asc"}
_DEFAULT_LIMIT = 100
_MOST_ROWS = 1_000
_ALL_ROWS = 2**31 - 2
_MOST_FAULTS = 100


class Fault(Struct, frozen=True):
    """One fault of one parameter. `code` is stable."""

    parameter: str
    code: str
    detail: str


class Apart(NamedTuple):
    """An example that is shown, but does not belong to the request that the others make together."""

    example: object


class Parameter(NamedTuple):
    """A parameter of a route, by the name that clients know.

    Pages that let people try a request out fill in all examples at once. So together they make one
    request, which finds something in the sample day; what would be refused beside the others, or leave
    nothing to be found, is `Apart`.
    """

    name: str
    kind: Kind
    description: str
    example: object
    required: bool = False


class Asked(NamedTuple, Generic[F, K]):
    """What a request asks for. `after` is the place after which to go on, None for the beginning.

    `log_id` is that of the tenant's log, `belongs_to` of the filters as they were sent: cursors hold them.
    Dates in the filters stand for gaming days until `at_moments` is called. What is not answered in pages has
    no limit. `raw` is of CSV alone.
    """

    tenant_id: int
    log_id: bytes
    filters: F
    at_least: int
    limit: int
    after: K | None
    media_type: str = JSON
    raw: bool = False
    belongs_to: bytes = b""

    @property
    def names_days(self) -> bool:
        """Whether there is a date in the filters."""
        return bool(dates(self.filters))

    def at_moments(self, days: GamingDays) -> "Asked[F, K]":
        """Put the beginnings of gaming days in the place of their names."""
        filters = at_moments(self.filters, days) if self.names_days else self.filters
        return self._replace(filters=filters)


class NoFilters(Struct, frozen=True):
    """For a route that shows what there is."""


class PastFilters(Struct, frozen=True):
    """For a route that shows one thing, now or as the log told it up to a position."""

    at_position: Position | None = None


def invalid_parameters(faults: list[Fault]) -> ProblemError:
    """Build the problem of a request with faults in its parameters."""
    detail = "; ".join(f"{f.parameter} {f.detail}" for f in faults[:3])
    return ProblemError("invalid-parameters", detail, errors=faults)


_AT_LEAST = Parameter(
    "at_least",
    integer(0, 2**63 - 1),
    "Wait until what is shown includes all events up to this position of the log (a `Log-Position` of"
    " an earlier answer), for some seconds at most; then 503.",
    Apart(484),
)
_LOG_ID = Parameter(
    "log_id",
    LOG_ID,
    "The log that positions and cursors of this request are of (a `Log-Id` of an earlier answer). Where"
    " another one goes on since, as after a restore from an older backup, the answer is 409.",
    Apart("00112233445566778899aabbccddeeff"),
)
_LIMIT = Parameter(
    "limit",
    integer(1, _MOST_ROWS),
    f"The most items of a page. Default {_DEFAULT_LIMIT}.",
    Apart(50),
)
_CURSOR = Parameter(
    "cursor",
    TEXT,
    "The `next_cursor` of the page before, with the same filters. Absent for the first page.",
    Apart("k8QIABEiM0RVZnfECAABAgMEBQYHkaZwLTEwMDE"),
)


_RAW = Parameter(
    "raw",
    BOOLEAN,
    "Of `text/csv` alone: whether texts are given as they are. Otherwise one that begins with `=`, `+`, `-`,"
    " `@`, a tab or a carriage return has a `'` before it, so that no program takes it for a formula.",
    Apart(True),  # noqa: FBT003
)


class Query(Generic[F, K]):
    """The parameters of one route: its filters, at_least, log_id, and for a collection limit and cursor."""

    def __init__(  # noqa: PLR0913  # a declaration, by names
        self,
        name: str,
        filters: type[F],
        about: Mapping[str, tuple[str, object]],
        *,
        place: Any = None,
        exclusive: tuple[str, ...] = (),
        needs: Mapping[str, str] | None = None,
        check: Callable[[F], Fault | None] = lambda _: None,
        waits: bool = True,
        row: type[Struct] | None = None,
        left_out: Callable[[F], Collection[str]] = lambda _: (),
    ) -> None:
        """Declare the fields of `filters`, each with a description and an example in `about`.

        A field without a default must be given. `place` is the type of the places of a collection's rows.
        At most one of the parameters in `exclusive` may be given, and each in `needs` only together with its
        other. `check` finds what else is wrong with filters that are each well-formed. There is `at_least`
        unless it is said that nothing `waits`.

        With `row`, what a row is of, the answer is also given as CSV: then whole, with the members of a row
        as columns, but for those `left_out` of the rows that the filters give.
        """
        self.name = name
        self.row = row
        self.waits = waits
        self.offered = [JSON] if row is None else [JSON, CSV]
        self._left_out = left_out
        self._filters = filters
        self._exclusive = exclusive
        self._needs = needs or {}
        self._check = check
        self._cursors: Cursors[K] | None = None if place is None else Cursors(place)
        self._field_names = {field.encode_name: field.name for field in fields(filters)}
        own = [
            Parameter(
                field.encode_name,
                _kind(field),
                *about[field.encode_name],
                required=field.default is NODEFAULT,
            )
            for field in fields(filters)
        ]
        paging = [] if place is None else [_LIMIT, _CURSOR]
        in_csv = [] if row is None else [_RAW]
        waiting = [_AT_LEAST, _LOG_ID] if waits else []
        self.parameters = {each.name: each for each in (*own, *paging, *in_csv, *waiting)}

    @property
    def filter_names(self) -> list[str]:
        """The parameters that say what is asked for."""
        return list(self._field_names)

    def read(
        self,
        query_string: bytes,
        tenant_id: int,
        log_id: bytes,
        *,
        media_type: str = JSON,
        of: str = "",
    ) -> tuple[Asked[F, K], list[bytes]]:
        """Read a request's parameters, and of which logs they are: how their ids begin.

        They are judged for an answer of `media_type`: there are pages in JSON alone. `of` is what the path
        names, where there is a collection for each. Raises ProblemError
        `invalid-parameters` with all faults, up to 100.
        """
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        given: dict[str, int] = {}
        for name, text in _pairs(query_string):
            given[name] = given.get(name, 0) + 1
            if given[name] == 1:
                try:
                    values[name] = self._value(name, text, media_type)
                except UnfitError as error:
                    faults.append(Fault(name, error.code, str(error)))
            elif given[name] == 2:
                faults.append(Fault(name, "repeated", "must be given once"))
            if len(faults) == _MOST_FAULTS:
                raise invalid_parameters(faults)
        together = [name for name in self._exclusive if name in given]
        if len(together) > 1:
            detail = f"can't be given together with {together[0]}"
            faults.append(Fault(together[1], "contradictory", detail))
        faults += [
            Fault(name, "incomplete", f"can only be given together with {other}")
            for name, other in self._needs.items()
            if name in given and other not in given
        ]
        faults += [
            Fault(each.name, "missing", "must be given")
            for each in self.parameters.values()
            if each.required and each.name not in given
        ]
        cursor = self._cursor(values.pop("cursor", None), faults)
        if not faults:
            filters = self._filters(
                **{
                    self._field_names[name]: values[name]
                    for name in self._field_names
                    if name in values
                }
            )
            belongs_to = belonging(f"{self.name}/{of}" if of else self.name, tenant_id, filters)
            fault = self._check(filters)
            if fault is not None:
                faults.append(fault)
            elif cursor is None or cursor.belongs_to == belongs_to:
                asked: Asked[F, K] = Asked(
                    tenant_id,
                    log_id,
                    filters,
                    values.get("at_least", 0),
                    values.get("limit", _DEFAULT_LIMIT if media_type == JSON else _ALL_ROWS),
                    None if cursor is None else cursor.place,
                    media_type,
                    values.get("raw", False),
                    belongs_to,
                )
                logs = [values["log_id"]] if "log_id" in values else []
                return asked, logs if cursor is None else [*logs, cursor.log]
            else:
                detail = "belongs to a query with other filters"
                faults.append(Fault("cursor", "foreign_cursor", detail))
        raise invalid_parameters(faults)

    def cursor(self, asked: Asked[F, K], last_place: K | None) -> str | None:
        """Write the cursor after the last row of a page, None where nothing follows."""
        if last_place is None or self._cursors is None:
            return None
        return self._cursors.write(last_place, asked.belongs_to, asked.log_id)

    def csv_rows(self, asked: Asked[F, K]) -> CsvRows:
        """Return what writes the rows of an answer in CSV."""
        if self.row is None:
            raise TypeError(f"{self.name} has no rows")
        return CsvRows(self.row, self._left_out(asked.filters), raw=asked.raw)

    def _value(self, name: str, text: str | None, media_type: str) -> Any:
        parameter = self.parameters.get(name)
        if parameter is None:
            known = ", ".join(self.parameters)
            there_are = f"; those are {known}" if known else ", where there are none"
            raise UnfitError("unknown", f"is no parameter here{there_are}")
        if text is None:
            raise UnfitError("malformed", "must be UTF-8, percent-encoded")
        if name in _PAGE_PARAMETERS and media_type != JSON and text != _AS_STREAMS_ARE.get(name):
            raise UnfitError("pages_only", "is for pages only, and this answer is one stream")
        if parameter is _RAW and media_type != CSV:
            raise UnfitError("csv_only", f"is for {CSV} only, which Accept does not ask for")
        return parameter.kind.read(text)

    def _cursor(self, cursor: str | None, faults: list[Fault]) -> Cursor[K] | None:
        if cursor is None or self._cursors is None:
            return None
        try:
            return self._cursors.read(cursor)
        except CursorError as error:
            faults.append(Fault("cursor", "malformed_cursor", str(error)))
            return None


def _kind(field: FieldInfo) -> Kind:
    kind = kind_of(field.type)
    return TIME_OR_DAY if kind is TIME and field.encode_name in MAY_BE_DAYS else kind


def _pairs(query_string: bytes) -> Iterator[tuple[str, str | None]]:
    """Take a query string apart; None for a value that is not percent-encoded UTF-8."""
    for pair in query_string.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            yield _decoded(name) or name.decode("ascii", "backslashreplace"), _decoded(value)


def _decoded(encoded: bytes) -> str | None:
    if _BAD_PERCENT.search(encoded):
        return None
    try:
        return unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return None
