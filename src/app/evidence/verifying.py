"""Whether the signatures of a note hold."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from domain.evidence.checkpoints import cosigned_text, split_cosignature
from domain.evidence.notes import COSIGNATURE_V1, Note, NoteError, Signature, VerifierKey

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SignatureError(ValueError):
    """A note is not signed as it has to be; the message says by which key."""


class Verified(Struct, frozen=True):
    """A signature that holds, and of a witness when it was made."""

    vkey: VerifierKey
    signature: Signature
    signed_at: datetime | None = None


def verify(note: Note, vkeys: Iterable[VerifierKey]) -> list[Verified]:
    """Return the signatures of a note that are of these keys, in its order; other lines are not judged.

    Raises SignatureError if none is, or if one says that it is of such a key and is not (C2SP signed-note).
    """
    known = _by_name_and_id(vkeys)
    found = [
        verify_signature(note.text, signature, known[signature.name, signature.key_id])
        for signature in dict.fromkeys(note.signatures)
        if (signature.name, signature.key_id) in known
    ]
    if not found:
        names = ", ".join(f"{name}+{key_id.hex()}" for name, key_id in known) or "any known key"
        raise SignatureError(f"the note is not signed by {names}")
    return found


def verify_signature(text: str, signature: Signature, vkey: VerifierKey) -> Verified:
    """Verify one line under a text that must be of a key. Raises SignatureError."""
    named = f"{signature.name}+{signature.key_id.hex()}"
    if not vkey.made(signature):
        raise SignatureError(f"the signature is of the key {named}, not of {vkey}")
    message, raw, signed_at = text, signature.signature, None
    try:
        if vkey.kind == COSIGNATURE_V1:
            posix_s, raw = split_cosignature(signature.signature)
            message = cosigned_text(text, posix_s)
            signed_at = _EPOCH + timedelta(seconds=posix_s)
        Ed25519PublicKey.from_public_bytes(vkey.key).verify(raw, message.encode())
    except (NoteError, OverflowError, InvalidSignature, ValueError) as error:
        why = f": {error}" if str(error) else ""
        raise SignatureError(f"the signature of the key {named} does not hold{why}") from None
    return Verified(vkey, signature, signed_at)


def _by_name_and_id(vkeys: Iterable[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for vkey in vkeys:
        if known.setdefault((vkey.name, vkey.key_id), vkey) != vkey:
            raise SignatureError(f"two keys have the name and id {vkey.name}+{vkey.key_id.hex()}")
    return known
