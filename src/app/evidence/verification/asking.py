"""What is asked of a verification, and what comes out of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.notes import VerifierKey


class Outcome(NamedTuple):
    """What was verified, and what was found."""

    findings: Findings
    first: int
    last: int
    sealed: int
    """The size of the newest checkpoint that the log has."""
    keys: SigningKeys | None
    roots: int
    """How many roots, of checkpoints and from elsewhere, the log has."""
    unrecorded: int
    not_checked: list[str]

    @property
    def proven(self) -> bool:
        """Whether the log is what was sealed, as far as it was looked at."""
        return not self.findings.total


class Asked(NamedTuple):
    """What is to be verified: a tenant's log in the database at `url`.

    `anchors` is a file of anchors; `trusted` are keys one of which must be the log's first. Before
    `from_position` rows are not read, and checkpoints not looked at.
    """

    url: str
    log: Log
    settings: Settings
    anchors: Path | None = None
    trusted: Sequence[VerifierKey] = ()
    from_position: int = 1
