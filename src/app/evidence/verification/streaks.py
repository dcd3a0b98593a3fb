"""Roots that the log has, and stretches from the last one that it has to the first that it has not."""

from typing import NamedTuple

from app.evidence.verification.findings import Code, Findings


class Source(NamedTuple):
    """Who says that the log had a root: what it is called, and what it means if that is another."""

    name: str
    code: Code
    """`root` for the log's own checkpoints; `fork` for what is kept elsewhere."""
    since: int = 0
    """Up to which size another source says the same."""


class Streaks:
    """Tells of each source where the log stops agreeing with it, once, and not of each root after that."""

    def __init__(self, findings: Findings, what: str, *, begin: int = 0) -> None:
        """Tell `findings` about `what`. Up to the size `begin` nothing is looked at."""
        self._findings = findings
        self._what = what
        self._begin = begin
        self._agreed: dict[Source, int] = {}
        self._failing: dict[Source, tuple[int, int, int]] = {}
        self.held = 0
        """How many roots the log has."""

    def holds(self, source: Source, size: int) -> None:
        """Take in that the log has the root of a source at a size."""
        self.held += 1
        self._tell_rest(source)
        self._agreed[source] = size

    def fails(self, source: Source, size: int) -> None:
        """Take in that the log has another root at a size than a source says."""
        failing = self._failing.get(source)
        if failing is not None:
            first, _, count = failing
            self._failing[source] = first, size, count + 1
            return
        self._failing[source] = size, size, 0
        after = min(max(self._agreed.get(source, self._begin), source.since), size - 1)
        self._findings.add(
            after + 1,
            size,
            source.code,
            f"{self._what} does not have the root that {source.name} says it had at size {size}",
        )

    def end(self) -> None:
        """Tell the rest."""
        for source in list(self._failing):
            self._tell_rest(source)

    def _tell_rest(self, source: Source) -> None:
        first, last, count = self._failing.pop(source, (0, 0, 0))
        if count:
            self._findings.add(
                min(first + 1, last),
                last,
                source.code,
                f"nor does it have the next {count} that {source.name} says",
            )
