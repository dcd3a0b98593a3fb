"""Whether what was erased is what the records of erasures in the log say, and no more."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from app.evidence.verification.findings import Findings
from app.log.leaves import Log
from domain.erasure import ranges
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading what was erased, and the records of it."""

    erased_between: Statement
    records_at: Statement
    erased_by: Statement
    erased_outside: Statement


SQL = Sql(__file__)

RECORD_TOPIC = "PlayerErased"
_LAST = 2**63

_OTHER_RECORD = "it was erased, and what is named as the record of that does not say so"
_NOT_DONE = "this record says that more, or other, events were erased than were"


class Erased(NamedTuple):
    """Of an event that was erased: the commitment to its data, and where in the log that is recorded."""

    position: int
    commitment: bytes
    record_position: int


class _Record(NamedTuple):
    position: int
    stream: str
    state: bytes | None


class _Positions(msgspec.Struct):
    positions: list[int | tuple[int, int]]


_DECODER = msgspec.json.Decoder(_Positions)


class Erasures:
    """What was erased of a stretch of the log, and the records that are named as those of it."""

    def __init__(self, connection: Connection, log: Log, stretch: range) -> None:
        """Read them."""
        self._connection = connection
        self._of = {"tenant_id": log.tenant_id}
        bounds = {"first": stretch.start, "last": stretch.stop - 1}
        rows = fetch_all(
            connection, SQL.erased_between, {**self._of, **bounds}, Erased, binary=True
        )
        self.erased: Mapping[int, Erased] = {row.position: row for row in rows}
        named = {"positions": sorted({row.record_position for row in rows})}
        records = (
            fetch_all(connection, SQL.records_at, {**self._of, **named}, _Record) if rows else []
        )
        self._records = {each.position: (each.stream, _said(each.state)) for each in records}

    def check_event(self, erased: Erased, stream: str, findings: Findings) -> None:
        """Tell if the record of an event's erasure is not in its stream, or does not name it."""
        of_stream, said = self._records.get(erased.record_position, ("", []))
        at = bisect_right(said, (erased.position, _LAST)) - 1
        is_named = at >= 0 and said[at][0] <= erased.position <= said[at][1]
        if of_stream != stream or not is_named or erased.record_position <= erased.position:
            findings.add(erased.position, erased.position, "erased", _OTHER_RECORD)

    def check_record(self, position: int, state: bytes | None, findings: Findings) -> None:
        """Tell if not exactly those events were erased that a record says."""
        parameters = {**self._of, "record_position": position}
        done = ranges(fetch_all(self._connection, SQL.erased_by, parameters, int))
        if [_pair(each) for each in done] != _said(state):
            findings.add(position, position, "erased", _NOT_DONE)


def check_outside(connection: Connection, log: Log, last: int, findings: Findings) -> None:
    """Tell if something is erased that the log does not have: beyond `last`, and where it ends by now."""
    parameters = {"tenant_id": log.tenant_id, "last": last}
    position = fetch_one(connection, SQL.erased_outside, parameters, int)
    if position is not None:
        findings.add(
            position, position, "erased", "it was erased, and the log has no such position"
        )


def _said(state: bytes | None) -> list[tuple[int, int]]:
    """Return the positions that a record names, as pairs of the first and the last."""
    try:
        return [_pair(each) for each in _DECODER.decode(state or b"").positions]
    except msgspec.DecodeError:
        return []


def _pair(one: int | tuple[int, int]) -> tuple[int, int]:
    return (one, one) if isinstance(one, int) else one
