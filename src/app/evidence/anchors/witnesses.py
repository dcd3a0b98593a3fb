"""Witnesses: who else says that a log only grew (C2SP tlog-witness, tlog-cosignature)."""

import re
from hashlib import sha256

from app.evidence.anchors.anchor import (
    AnchorError,
    ContradictionError,
    Receipt,
    UnfitAnchorError,
)
from app.evidence.anchors.asking import Answer, Asking
from app.evidence.verifying import SignatureError, verify
from domain.evidence.anchoring import AnchorSpec, Prove
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.notes import (
    Note,
    NoteError,
    Signature,
    VerifierKey,
    encode_base64,
    parse_note,
    parse_signatures,
)

# As many processes may ask for one log at once, each of which may be overtaken.
_ATTEMPTS = 5
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_REFUSALS = {
    400: "takes the request for malformed",
    403: "does not trust the key that signed the log: its operator needs the log's key",
    404: "does not know the log: its operator needs the log's origin and key",
}


class WitnessAnchor:
    """Asks a witness for its cosignature. Its URL is the prefix for submission and for monitoring."""

    def __init__(self, spec: AnchorSpec) -> None:
        if spec.vkey is None:
            raise ValueError("a witness has a key")
        self.spec = spec
        self._vkey: VerifierKey = spec.vkey
        self._asking = Asking(spec.target)
        self._cosigned: dict[str, int] = {}
        """The size that it cosigned last for each origin, as far as this process knows."""

    def newest(self, origin: str) -> Note | None:
        """Return what the witness publishes of a tree, with its cosignature; it may be an hour old.

        None where it publishes nothing, as not each does. Raises AnchorError.
        """
        answer = self._asking.get(
            f"{self.spec.place}/{sha256(origin.encode()).hexdigest()}/checkpoint"
        )
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._unexpected(answer)
        try:
            note = parse_note(answer.body)
            verify(note, [self._vkey])
            found = parse_checkpoint(note.text)
        except (NoteError, SignatureError) as error:
            raise AnchorError(
                f"{self.spec.target} publishes no checkpoint of {origin}: {error}"
            ) from None
        if found.origin != origin:
            raise AnchorError(f"{self.spec.target} publishes {found.origin} as {origin}")
        return note

    def anchor(self, note: Note, prove: Prove) -> Receipt:
        """Have a checkpoint cosigned. Raises AnchorError.

        ContradictionError is `rollback` where the witness saw a log larger than this checkpoint, `fork` where
        it is not convinced that this one continues what it saw.
        """
        checkpoint = parse_checkpoint(note.text)
        # 0 where it is not known: the witness then says what it is.
        old_size = self._cosigned.get(checkpoint.origin, 0)
        if old_size > checkpoint.size:
            old_size = 0
        for _ in range(_ATTEMPTS):
            answer = self._submit(note, checkpoint, old_size, prove)
            if answer.status != 409:
                break
            old_size = self._size_of(answer)
            if old_size > checkpoint.size:
                raise ContradictionError(
                    "rollback",
                    f"{self.spec.target} cosigned size {old_size} of {checkpoint.origin},"
                    f" and the log has {checkpoint.size}",
                    size=old_size,
                )
        else:
            raise AnchorError(f"{self.spec.target} is being asked by others; it is at {old_size}")
        receipt = self._receipt(note, checkpoint, answer)
        self._cosigned[checkpoint.origin] = checkpoint.size
        return receipt

    def close(self) -> None:
        """Let go of connections."""
        self._asking.close()

    def _submit(self, note: Note, checkpoint: Checkpoint, old_size: int, prove: Prove) -> Answer:
        proof = prove(old_size) if 0 < old_size < checkpoint.size else []
        lines = [f"old {old_size}", *map(encode_base64, proof), ""]
        body = "".join(f"{line}\n" for line in lines) + str(note)
        return self._asking.post(
            f"{self.spec.place}/add-checkpoint", body.encode(), "text/plain; charset=utf-8"
        )

    def _size_of(self, answer: Answer) -> int:
        found = _SIZE.fullmatch(answer.body)
        if answer.content_type != "text/x.tlog.size" or not found:
            raise self._unexpected(answer)
        return int(found[1])

    def _receipt(self, note: Note, checkpoint: Checkpoint, answer: Answer) -> Receipt:
        if answer.status == 422:
            raise ContradictionError(
                "fork",
                f"{self.spec.target} is not convinced that size {checkpoint.size} of {checkpoint.origin}"
                f" continues what it cosigned: {answer}",
            )
        if answer.status in _REFUSALS:
            raise UnfitAnchorError(
                f"{self.spec.target} {_REFUSALS[answer.status]} ({checkpoint.origin}): {answer}"
            )
        if answer.status != 200:
            raise self._unexpected(answer)
        kept = self._cosignatures(note, answer)
        return Receipt("".join(each.line for each in kept).encode(), kept)

    def _cosignatures(self, note: Note, answer: Answer) -> tuple[Signature, ...]:
        """Return the lines of the witness: that of its key verified, those of its other keys as they are.

        Lines of other names are dropped: one that passes itself off as the log's, or another witness's, would
        make the whole note be refused.
        """
        try:
            lines = parse_signatures(answer.body.decode())
            kept = tuple(line for line in lines if line.name == self._vkey.name)
            verify(Note(note.text, kept), [self._vkey])
        except (UnicodeDecodeError, NoteError, SignatureError) as error:
            raise AnchorError(
                f"{self.spec.target} answers without its cosignature: {error}"
            ) from None
        return kept

    def _unexpected(self, answer: Answer) -> AnchorError:
        return AnchorError(f"{self.spec.target} answers {answer}")
