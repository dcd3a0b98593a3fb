"""The checkpoints that a log has itself: that its keys signed each, and which roots it must have so."""

from typing import NamedTuple

from app.evidence.store import newest_checkpoint
from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys, WrongCheckpointError
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree, origin_of
from domain.evidence.notes import NoteError, parse_note
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading checkpoints as they are stored."""

    checkpoints_between: Statement
    was_sealed_long_ago: Statement


SQL = Sql(__file__)

_BELOW_ALL = -(2**63) - 1


class _Row(NamedTuple):
    size: int
    root: bytes
    note: str


def sealed_size(connection: Connection, log: Log, tree: Tree) -> int:
    """Return the size of the newest checkpoint of a tree, 0 if there is none."""
    newest = newest_checkpoint(connection, log, tree)
    return 0 if newest is None else max(newest.size, 0)


def was_sealed_long_ago(connection: Connection, log: Log) -> bool:
    """Tell whether a checkpoint over events is there of over an hour ago: one that anchors should have."""
    of = {"tenant_id": log.tenant_id, "log_number": log.number}
    return bool(fetch_one(connection, SQL.was_sealed_long_ago, of, bool))


class Signed(NamedTuple):
    """The checkpoints of a tree of a log, and the keys that must have signed them."""

    log: Log
    tree: Tree
    keys: SigningKeys

    def roots(
        self, connection: Connection, after: int, upto: int, findings: Findings
    ) -> list[tuple[int, bytes]]:
        """Return size and root of each checkpoint whose size is in (after, upto], as signed, by size.

        After 0 also what is entered with no size at all.
        """
        parameters = {
            "tenant_id": self.log.tenant_id,
            "log_number": self.log.number,
            "tree": self.tree,
            "after": after or _BELOW_ALL,
            "upto": upto,
        }
        rows = fetch_all(connection, SQL.checkpoints_between, parameters, _Row)
        return [root for row in rows if (root := self._root(row, findings))]

    def _root(self, row: _Row, findings: Findings) -> tuple[int, bytes] | None:
        what = (
            f"the checkpoint of size {row.size}{'' if self.tree == 'log' else f' of {self.tree}'}"
        )
        origin = origin_of(self.keys.origin, self.tree)
        try:
            signed = self.keys.checkpoint(parse_note(row.note.encode()), origin)
        except (NoteError, WrongCheckpointError) as error:
            words = f"{what} is not signed: {error}"
            findings.add(max(row.size, 1), max(row.size, 1), "signature", words)
            return None
        if (signed.size, signed.root) != (row.size, row.root):
            words = f"{what} is entered with another size or root than was signed"
            findings.add(max(row.size, 1), max(row.size, 1), "root", words)
        return (signed.size, signed.root) if signed.size == row.size else None
