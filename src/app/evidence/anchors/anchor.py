"""What an anchor of any kind does, and how it fails."""

from typing import Protocol

from msgspec import Struct

from domain.evidence.anchoring import AnchorSpec, Finding, Prove
from domain.evidence.notes import Note, Signature


class AnchorError(Exception):
    """An anchor did not do what was asked; the message names it. To be tried again."""


class UnfitAnchorError(AnchorError):
    """An anchor refuses, and will until somebody changes a setting, here or there."""


class ContradictionError(AnchorError):
    """An anchor knows another history of the log: nothing more is to be signed for it.

    `evidence`: the note that says so, signed by the log's key; None where there is the anchor's word alone.
    `size`: what it has, where that is more than the checkpoint that it was given, which may be an old one.
    """

    def __init__(
        self,
        finding: Finding,
        message: str,
        *,
        evidence: Note | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(message)
        self.finding: Finding = finding
        self.evidence = evidence
        self.size = size


class Receipt(Struct, frozen=True):
    """What an anchor gave for a checkpoint.

    `data`: to be kept as it is: the line of a file, the lines of a witness, the response of a time stamping
    authority (`.tsr`). `cosignatures`: lines to be added to the note.
    """

    data: bytes
    cosignatures: tuple[Signature, ...] = ()


class Anchor(Protocol):
    """A place where checkpoints are anchored. For one thread at a time."""

    spec: AnchorSpec

    def newest(self, origin: str) -> Note | None:
        """Return the newest note of a tree that the anchor shows, None where it shows none.

        It may have seen newer ones. Its caller verifies the log's signature. Raises AnchorError.
        """

    def anchor(self, note: Note, prove: Prove) -> Receipt:
        """Anchor a signed checkpoint. `prove` proves that it continues what the anchor saw.

        Raises AnchorError: UnfitAnchorError and ContradictionError among them.
        """

    def close(self) -> None:
        """Let go of connections."""
