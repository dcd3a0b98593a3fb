"""The keys of a log, each vouched for by the one before, and what they signed."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from app.evidence.log_keys import LogKey
from app.evidence.verification.findings import Findings
from app.evidence.verifying import SignatureError, verify
from app.log.leaves import Log
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint, parse_key_statement
from domain.evidence.notes import (
    Note,
    NoteError,
    VerifierKey,
    parse_note,
    parse_verifier_key,
)


class WrongCheckpointError(ValueError):
    """A note is no checkpoint that the log's keys signed; the message says why."""


class Validity(Struct, frozen=True):
    """A key, and from which size on what it signs counts, and up to which."""

    vkey: VerifierKey
    from_size: int
    until_size: int | None = None


class SigningKeys(Struct, frozen=True):
    """The keys of a log whose signatures count; `origin` is the log's, fixed with the first of them."""

    origin: str
    keys: tuple[Validity, ...]

    def valid_at(self, size: int) -> list[VerifierKey]:
        """List the keys that may sign a checkpoint of that size."""
        return [
            key.vkey
            for key in self.keys
            if key.from_size <= size and (key.until_size is None or size <= key.until_size)
        ]

    @property
    def all(self) -> list[VerifierKey]:
        """All of them, the first one first."""
        return [key.vkey for key in self.keys]

    def checkpoint(self, note: Note, origin: str) -> Checkpoint:
        """Return the checkpoint of a tree that a note is. Raises WrongCheckpointError if it is none."""
        try:
            found = parse_checkpoint(note.text)
            if found.origin != origin:
                raise WrongCheckpointError(f"it is of {found.origin!r}, not of {origin!r}")
            # Only of the log's own tree it is said from which size on a key signs.
            keys = self.valid_at(found.size) if origin == self.origin else self.all
            verify(note, keys)
        except (NoteError, SignatureError) as error:
            raise WrongCheckpointError(str(error)) from None
        return found


def check_keys(
    log: Log, rows: Sequence[LogKey], trusted: Sequence[VerifierKey], size: int, findings: Findings
) -> SigningKeys | None:
    """Return the keys of a log that count, as far as each is vouched for by the one before; None without any.

    The first must be one of those `trusted`, where any are: else it is the database's word. What does not
    hold is told as of all positions, 1 to `size`.
    """
    found: dict[VerifierKey, Validity] = {}
    origin = ""
    for row in rows:
        try:
            vkey = parse_verifier_key(row.vkey)
            if found:
                _check_successor(row, vkey, origin, found.values())
            else:
                origin = vkey.name
                found[vkey] = Validity(vkey, 0)
                _check_first(row, vkey, log, trusted)
        except (NoteError, SignatureError) as error:
            words = f"the log's key {row.number}, {row.vkey}, does not count: {error}"
            findings.add(1, max(size, 1), "signature", words)
            continue
        if row.revoked:
            if vkey in found:
                found[vkey] = Validity(vkey, found[vkey].from_size, row.from_size)
        else:
            found.setdefault(vkey, Validity(vkey, row.from_size))
    return SigningKeys(origin, tuple(found.values())) if found else None


def _check_first(row: LogKey, vkey: VerifierKey, log: Log, trusted: Sequence[VerifierKey]) -> None:
    if (row.number, row.note, row.revoked, row.from_size) != (1, None, False, 0):
        raise SignatureError("it is not entered as the first one")
    if trusted and vkey not in trusted:
        raise SignatureError("it is not the one that was named")
    if not vkey.name.endswith(f"/log/{log.log_id.hex()}"):
        raise SignatureError(f"it is of another log than {log.log_id.hex()}")


def _check_successor(
    row: LogKey, vkey: VerifierKey, origin: str, before: Iterable[Validity]
) -> None:
    """Raise NoteError or SignatureError unless a key was added, or revoked, by one before it.

    One that was revoked adds no other. That one was revoked any key says, and where all are lost none: that
    makes less count, and not more.
    """
    known = {key.vkey for key in before}
    if row.note is None and row.revoked and vkey in known:
        return
    if row.note is None:
        raise SignatureError("no statement says that it follows the one before")
    note = parse_note(row.note.encode())
    statement = parse_key_statement(note.text)
    said = (statement.origin, statement.from_size, statement.vkey, statement.revoked)
    if said != (origin, row.from_size, vkey, row.revoked):
        raise SignatureError("its statement says something else than its entry")
    signed_by = {each.vkey for each in verify(note, {*known, vkey})}
    adding = known if row.revoked else {key.vkey for key in before if key.until_size is None}
    if not signed_by & adding or (not row.revoked and vkey not in signed_by):
        raise SignatureError("its statement is not signed by both keys")
