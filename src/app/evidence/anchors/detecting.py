"""Whether an anchor knows more of a log, or something else, than the log itself."""

from collections.abc import Iterable

from app.evidence.anchors.anchor import Anchor, AnchorError, ContradictionError
from app.evidence.verifying import SignatureError, verify
from domain.evidence.anchoring import Prove, contradiction
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.notes import NoteError, VerifierKey


def check_against(
    anchor: Anchor, own: Checkpoint, vkeys: Iterable[VerifierKey], prove: Prove
) -> Checkpoint | None:
    """Hold a log's newest checkpoint against the newest one that an anchor shows, and return that.

    `own`: of a log that was never sealed, of size 0. `vkeys`: the keys of the log; what none of them signed
    is no word of the log. Raises ContradictionError, AnchorError.
    """
    note = anchor.newest(own.origin)
    if note is None:
        return None
    try:
        verify(note, vkeys)
        anchored = parse_checkpoint(note.text)
    except (NoteError, SignatureError) as error:
        raise AnchorError(f"{anchor.spec.target} shows no checkpoint of the log: {error}") from None
    finding = contradiction(own, anchored, prove)
    if finding is not None:
        raise ContradictionError(
            finding,
            f"{anchor.spec.target} has size {anchored.size} of {own.origin}, and the log, of size {own.size},"
            f" {'is shorter' if finding == 'rollback' else 'does not begin with that'}",
            note,
        )
    return anchored
