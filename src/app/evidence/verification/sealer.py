"""What the sealer found: it signs nothing where a log is not what was signed, or an anchor contradicts."""

from typing import NamedTuple, cast, get_args

from app.evidence.verification.findings import Code, Findings
from app.log.leaves import Log
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading how sealing goes."""

    sealing_of: Statement


SQL = Sql(__file__)


class _Sealing(NamedTuple):
    failure: str | None
    finding: str | None
    found_by: str | None


def check_sealing(connection: Connection, log: Log, size: int, findings: Findings) -> None:
    """Tell, as of all positions up to `size`, what the sealer found, and why it signs nothing."""
    sealing = fetch_one(connection, SQL.sealing_of, {"tenant_id": log.tenant_id}, _Sealing)
    if sealing is None:
        return
    if sealing.finding is not None:
        code, _, words = sealing.finding.partition(": ")
        if code not in get_args(Code):
            code, words = "fork", sealing.finding
        words = f"{sealing.found_by or 'the sealer'} found: {words}"
        findings.add(1, max(size, 1), cast("Code", code), words)
    if sealing.failure is not None:
        words = f"nothing is signed any more: {sealing.failure}"
        findings.add(1, max(size, 1), "signature", words)
