"""Hashing what is sent again but spelled otherwise: in this process, or in the one beside it."""

from collections.abc import Sequence

from app.intake.beside import Beside
from app.recording.differences import Fingerprints, fingerprints

# Less is hashed in a few milliseconds.
_SMALL_BYTES = 16_384


def comparing(beside: Beside) -> Fingerprints:
    """Return a function that hashes JSON texts, for threads that may wait for it."""

    def hashed(texts: Sequence[bytes]) -> list[bytes]:
        if sum(map(len, texts)) > _SMALL_BYTES:
            elsewhere = beside.run_and_wait(fingerprints, texts)
            if elsewhere is not None:
                return elsewhere
        return fingerprints(texts)

    return hashed
