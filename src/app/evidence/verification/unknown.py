"""Logs that something outside knows and the database does not: all that was there of them is gone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from app.evidence.verification.anchored import AnchoredFile
from app.evidence.verification.findings import Findings
from domain.evidence.checkpoints import parse_checkpoint
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_pairs
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading which logs there are, of all tenants."""

    all_log_ids: Statement
    removed_logs: Statement


SQL = Sql(__file__)

_ORIGIN = re.compile(r"(?P<service>.+)/log/(?P<log_id>[0-9a-f]{32})(/heads|/accesses)?")


_Seen = tuple[str, str, int]
"""Where something signed of a tree was seen, its origin, and the greatest size of it."""


class NotHeld(NamedTuple):
    """What is known outside and can't be held against a log here: services, and logs that were removed."""

    services: set[str]
    removed: set[str]


def check_unknown(
    connection: Connection,
    services: set[str],
    folder: Path,
    file: AnchoredFile | None,
    findings: Findings,
) -> NotHeld:
    """Tell of each log of these services that was signed and that no tenant has; gives what is not told of.

    A log that was removed with its tenant is not told of, unless more of it was signed than the record says.

    `services` are the first parts of origins. Looked at are the memory of signers in the folder of the keys,
    and a file of anchors. Whose a log was is not known any more, so it is told as of the first position.
    """
    # First what is outside: of a log that is made meanwhile the database knows.
    seen = [*_remembered(folder), *_anchored(file)]
    logs = {log_id.hex() for log_id in fetch_all(connection, SQL.all_log_ids, None, bytes)}
    removed = _removed(connection)
    gone = NotHeld(set(), set())
    lost: dict[tuple[str, str], int] = {}
    for where, origin, size in seen:
        found = _ORIGIN.fullmatch(origin)
        if found is None or found["log_id"] in logs or not size:
            continue
        if found["service"] not in services:
            gone.services.add(found["service"])
            continue
        if found["log_id"] in removed:
            is_beyond = found[3] is None and size > removed[found["log_id"]]
            if not is_beyond:
                gone.removed.add(found["log_id"])
                continue
        of = (where, found["log_id"])
        lost[of] = max(size, lost.get(of, 0))
    for (where, log_id), size in sorted(lost.items()):
        words = f"{where} has a checkpoint of size {size} of the log {log_id}, and no tenant has that log"
        findings.add(1, 1, "rollback", words)
    return gone


def _removed(connection: Connection) -> dict[str, int]:
    """Return the ids of the logs that are on record as removed, and how much of each was sealed then."""
    found = fetch_pairs(connection, SQL.removed_logs, None, "log_id", int)
    return {log_id.hex(): size for log_id, size in found}


def _remembered(folder: Path) -> Iterator[_Seen]:
    for path in sorted(folder.glob("*.last")):
        try:
            last = parse_checkpoint(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        yield str(folder), last.origin, last.size


def _anchored(file: AnchoredFile | None) -> Iterator[_Seen]:
    if file is not None:
        for origin, size in file.sizes.items():
            yield str(file.path), origin, size
