"""What is wrong with a log, and where: findings by position, as many as can be read."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Code = Literal[
    "signature",
    "root",
    "leaves",
    "leaf",
    "gap",
    "missing",
    "version",
    "time",
    "line",
    "erased",
    "heads",
    "fork",
    "rollback",
    "witness",
    "bundle",
]
"""What kind of finding it is, in both verifiers; docs/verifying.md says what each means."""

_MOST_OF_A_CODE = 1_000


class UnreadableError(Exception):
    """It can't be found out whether a log is what was sealed; the message says why."""


class Finding(NamedTuple):
    """Something that is not as it must be, at the positions from `first` to `last`."""

    first: int
    last: int
    code: Code
    words: str

    def __str__(self) -> str:
        """Write `<position or range> <code>: <words>`."""
        where = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{where} {self.code}: {self.words}"


class Findings:
    """All findings of a run, in bounded memory: neighbours that say the same are one.

    Of each code the first are kept, and the others counted, so that thousands of one don't hide the rest.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.total = 0
        """How many there are, with those that are not kept."""
        self._kept: dict[Code, list[Finding]] = {}

    def add(self, first: int, last: int, code: Code, words: str) -> None:
        """Add one."""
        kept = self._kept.setdefault(code, [])
        if kept and (kept[-1].last + 1, kept[-1].words) == (first, words):
            kept[-1] = kept[-1]._replace(last=last)
            return
        self.total += 1
        if len(kept) < _MOST_OF_A_CODE:
            kept.append(Finding(first, last, code, words))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add some."""
        for finding in findings:
            self.add(*finding)

    def __iter__(self) -> Iterator[Finding]:
        """Yield those that are kept, by position."""
        return iter(sorted(finding for kept in self._kept.values() for finding in kept))

    @property
    def left_out(self) -> int:
        """How many were not kept."""
        return self.total - sum(map(len, self._kept.values()))
