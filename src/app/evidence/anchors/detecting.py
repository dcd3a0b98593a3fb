"""Whether an anchor knows more of a log, or something else, than the log itself."""

from collections.abc import Iterable
from typing import NamedTuple

from app.evidence.anchors.anchor import Anchor, AnchorError, ContradictionError
from app.evidence.verifying import SignatureError, verify
from domain.evidence.anchoring import Prove, contradiction
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.notes import Note, NoteError, VerifierKey


class Shown(NamedTuple):
    """What an anchor shows of a tree, signed by the log."""

    target: str
    note: Note
    checkpoint: Checkpoint


def shown_by(anchor: Anchor, origin: str, vkeys: Iterable[VerifierKey]) -> Shown | None:
    """Return the newest checkpoint of a tree that an anchor shows, None where it shows none.

    `vkeys`: the keys of the log; what none of them signed is no word of the log. Raises AnchorError.
    """
    note = anchor.newest(origin)
    if note is None:
        return None
    try:
        verify(note, vkeys)
        return Shown(anchor.spec.target, note, parse_checkpoint(note.text))
    except (NoteError, SignatureError) as error:
        raise AnchorError(f"{anchor.spec.target} shows no checkpoint of the log: {error}") from None


def hold_against(shown: Shown, own: Checkpoint, prove: Prove) -> None:
    """Hold a log against what an anchor shows of it. Raises ContradictionError.

    `own`: the log's checkpoint, read after the anchor was asked: what it has, the log had before. Of a log
    that was never sealed, of size 0.
    """
    finding = contradiction(own, shown.checkpoint, prove)
    if finding is not None:
        raise ContradictionError(
            finding,
            f"{shown.target} has size {shown.checkpoint.size} of {own.origin}, and the log,"
            f" of size {own.size}, {'is shorter' if finding == 'rollback' else 'does not begin with that'}",
            evidence=shown.note,
        )
