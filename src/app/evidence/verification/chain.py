"""The logs that a tenant has had over the same events: each says in a note which one it follows."""

from typing import NamedTuple

from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from app.evidence.verifying import SignatureError, verify
from app.log.leaves import Log
from domain.evidence.checkpoints import RestartStatement, Tree, parse_restart_statement
from domain.evidence.notes import NoteError, parse_note
from postgres.connections import Connection
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading the logs that a tenant has had."""

    all_logs: Statement


SQL = Sql(__file__)


class _Row(NamedTuple):
    number: int
    log_id: bytes
    predecessor: bytes | None
    note: str | None


class Restart(NamedTuple):
    """What the note of a log says of the one before it; `vouched`: a key of that one signed it too."""

    statement: RestartStatement
    vouched: bool

    def targets(self) -> list[Target]:
        """List the roots that the log before must have, in order of size."""
        known, signed = self.statement.known, self.statement.signed
        source = Source("the note by which another log follows it", "fork")
        targets = [Target(known.size, known.root, source)]
        if signed != known:
            lost = Source(f"the note by which this was lost ({self.statement.reason})", "rollback")
            since = known.size if known.size < signed.size else 0
            targets.append(Target(signed.size, signed.root, lost._replace(since=since)))
        return targets

    def explained(self, tree: Tree, kept: int, target: Target) -> Target:
        """Return a root that something outside says, as one of what was lost if a key said so.

        `kept`: the size of the newest checkpoint of that tree that was still there.
        """
        known, signed = self.statement.known, self.statement.signed
        is_beyond = tree == "log" and target.size > signed.size
        if not self.vouched or signed == known or target.size <= kept or is_beyond:
            return target
        return target._replace(source=target.source._replace(code="rollback", since=kept))


class Chain:
    """A tenant's logs, the first one first, up to the one that goes on."""

    def __init__(self, connection: Connection, log: Log) -> None:
        """Read them; `log` is the one that is verified."""
        self._log = log
        self._rows = fetch_all(connection, SQL.all_logs, {"tenant_id": log.tenant_id}, _Row)

    @property
    def is_followed(self) -> bool:
        """Whether a log follows the one that is verified, so that this is not the one that goes on."""
        number, log_id = self._log.number, self._log.log_id
        return any((row.number, row.predecessor) == (number + 1, log_id) for row in self._rows)

    @property
    def before(self) -> list[Log]:
        """The logs before the one that is verified."""
        number, tenant_id = self._log.number, self._log.tenant_id
        return [Log(tenant_id, row.number, row.log_id) for row in self._rows if row.number < number]

    def check_order(self, size: int, findings: Findings) -> None:
        """Tell, as of positions up to `size`, if they do not follow each other, 1, 2, 3, … to this one."""
        before: bytes | None = None
        for number, row in enumerate(self._rows, start=1):
            if (row.number, row.predecessor) != (number, before):
                words = f"the tenant's log {row.number} does not follow the one before"
                findings.add(1, max(size, 1), "fork", words)
            before = row.log_id
        newest = self._rows[-1] if self._rows else None
        if newest is None or (newest.number, newest.log_id) != (self._log.number, self._log.log_id):
            words = f"the log {self._log.log_id.hex()} is not the tenant's newest"
            findings.add(1, max(size, 1), "fork", words)
        if newest is not None and self._rows[0].note is not None:
            words = "the tenant's first log has a note that it follows another one"
            findings.add(1, max(size, 1), "signature", words)

    def restart(
        self,
        nth: int,
        keys: SigningKeys | None,
        keys_before: SigningKeys | None,
        size: int,
        findings: Findings,
    ) -> Restart | None:
        """Return how the log with that index, from 1, follows the one before; None where that is not proven.

        Its note is signed by the first of its keys; also by one of the log before, unless that is lost.
        """
        if nth >= len(self._rows):
            return None  # as numbers are wrong, which is told
        row, before = self._rows[nth], self._rows[nth - 1]
        try:
            return _read(row, before, keys, keys_before)
        except (NoteError, SignatureError) as error:
            words = (
                f"it is not proven that the tenant's log {row.number} follows another one: {error}"
            )
            findings.add(1, max(size, 1), "signature", words)
            return None


def _read(
    row: _Row, before: _Row, keys: SigningKeys | None, keys_before: SigningKeys | None
) -> Restart:
    """Read the note of a log. Raises NoteError, SignatureError."""
    if row.note is None:
        raise SignatureError("there is no note of it")
    if keys is None:
        raise SignatureError("it has no key")
    note = parse_note(row.note.encode())
    statement = parse_restart_statement(note.text)
    older = keys_before.all if keys_before else []
    signed_by = {each.vkey for each in verify(note, [keys.all[0], *older])}
    if keys.all[0] not in signed_by:
        raise SignatureError("the note is not signed by its first key")
    is_of_before = statement.known.origin.endswith(f"/log/{before.log_id.hex()}")
    if keys_before is not None:
        is_of_before = statement.known.origin == keys_before.origin
    if statement.origin != keys.origin or not is_of_before:
        raise SignatureError("the note is of other logs")
    return Restart(statement, not signed_by.isdisjoint(older))
