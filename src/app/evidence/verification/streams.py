"""Whether the versions of each stream are 1, 2, 3, …, in the order of positions."""

from collections.abc import Mapping
from typing import NamedTuple

from app.evidence.verification.findings import Findings
from app.evidence.verification.rows import Versions
from app.log.leaves import Log
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Looking up versions of streams."""

    versions_before: Statement
    has_unique_versions: Statement


SQL = Sql(__file__)

_REMEMBERED = 100_000


class _Before(NamedTuple):
    stream: str
    version: int
    position: int | None


class Streams:
    """Takes in the log's versions, stretch by stretch, in bounded memory however many streams there are.

    The last versions of the streams that were seen most recently are remembered. Of another one the version
    before is looked up: it must be there, at a smaller position. That no version comes twice is then kept by
    the unique index, which must be there.
    """

    def __init__(self, connection: Connection, log: Log, findings: Findings) -> None:
        """Look up what is not remembered by `connection`."""
        self._connection = connection
        self._log = log
        self._findings = findings
        self._recent: dict[str, int] = {}
        self._older: dict[str, int] = {}

    def check_indexes(self, size: int) -> None:
        """Tell if the database would let a version or a position be there twice."""
        if not fetch_one(self._connection, SQL.has_unique_versions, None, bool):
            self._findings.add(
                1,
                max(size, 1),
                "version",
                "the unique index of positions or of versions is gone from events",
            )

    def add(self, versions: Mapping[str, Versions]) -> None:
        """Take in the versions of a stretch of the log."""
        recent, older = self._recent, self._older
        unknown: dict[str, Versions] = {}
        for stream, new in versions.items():
            first, last, _ = new
            known = recent.get(stream) or older.get(stream)
            if known is not None:
                if first != known + 1:
                    self._follows(new, str(known))
            elif first != 1:
                unknown[stream] = new
            recent[stream] = last
        if unknown:
            self._look_up(unknown)
        if len(recent) > _REMEMBERED:
            self._older, self._recent = recent, {}

    def _look_up(self, unknown: Mapping[str, Versions]) -> None:
        parameters = {
            "tenant_id": self._log.tenant_id,
            "streams": list(unknown),
            "versions": [first for first, _, _ in unknown.values()],
        }
        for before in fetch_all(self._connection, SQL.versions_before, parameters, _Before):
            new = unknown[before.stream]
            if before.position is None:
                self._follows(new, "none")
            elif before.position >= new[2]:
                self._follows(new, f"one that is at position {before.position}")

    def _follows(self, new: Versions, before: str) -> None:
        first, _, position = new
        words = f"version {first} of its stream follows {before}"
        self._findings.add(position, position, "version", words)
