"""Signing keys and their files, in the form of golang.org/x/mod/sumdb/note.

The key of a log is in `<folder>/<log_id>.key`; one that is to follow it in `<log_id>.<key id>.key`. Whoever
reads such a file can forge the log. Its backup is the operator's business; it is never in the database.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from app.evidence import durable
from domain.evidence.notes import (
    ED25519,
    KEY_BYTES,
    NoteError,
    Signature,
    VerifierKey,
    check_key_name,
    check_note_text,
    decode_base64,
    encode_base64,
)

_HEADER = "PRIVATE+KEY"


class KeyFileError(Exception):
    """The file of a signing key can't be made or used; the message names it."""


class SigningKey(Struct, frozen=True):
    """An Ed25519 key with its name; the signer of the kind `file`."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        """Show the public key alone: what is shown may land in a log."""
        return f"SigningKey({self.vkey})"

    @property
    def vkey(self) -> VerifierKey:
        """Return the key that verifies what this one signs."""
        return VerifierKey(self.name, ED25519, self._private.public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """Return the secret text, `PRIVATE+KEY+name+id+base64(0x01 || seed)`."""
        encoded = encode_base64(bytes([ED25519]) + self.seed)
        return f"{_HEADER}+{self.name}+{self.vkey.key_id.hex()}+{encoded}"

    def sign(self, text: str) -> Signature:
        """Return the signature line for the text of a note. Raises NoteError for what can't be one."""
        check_note_text(text)
        return Signature(self.name, self.vkey.key_id, self._private.sign(text.encode()))

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def generate_key(name: str) -> SigningKey:
    """Make a key. Its name is the origin of its log. Raises NoteError for an unfit name."""
    check_key_name(name)
    return SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw())


def parse_key(text: str) -> SigningKey:
    """Read the secret text of a key. Raises NoteError, which doesn't tell the secret."""
    if not text.startswith(_HEADER + "+"):
        raise NoteError(f"a signing key begins with {_HEADER}+")
    name, key_id, encoded = (*text.removeprefix(_HEADER + "+").split("+", 2), "", "")[:3]
    check_key_name(name)
    material = decode_base64(encoded, f"the signing key {name!r}")
    if material[:1] != bytes([ED25519]) or len(material) != 1 + KEY_BYTES:
        raise NoteError(f"the signing key {name!r} is not an Ed25519 key")
    key = SigningKey(name, material[1:])
    if key.vkey.key_id.hex() != key_id:
        raise NoteError(f"the signing key {name!r} does not bear its own id")
    return key


def key_path(folder: Path, log_id: bytes, successor: VerifierKey | None = None) -> Path:
    """Return where the key of a log is, or that of a key that is to follow it."""
    which = f".{successor.key_id.hex()}" if successor else ""
    return folder / f"{log_id.hex()}{which}.key"


def write_key(path: Path, key: SigningKey) -> None:
    """Write a key's file, mode 0600, durably. One that is there is never overwritten.

    Raises KeyFileError.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write_new(path, f"{key.text}\n".encode())
    except OSError as error:
        if path.exists():
            raise KeyFileError(
                f"{path} is there already: a signing key is never overwritten"
            ) from None
        raise KeyFileError(f"the signing key {path} can't be written: {error.strerror}") from error


def read_key(path: Path) -> SigningKey:
    """Read a key's file. Raises KeyFileError."""
    try:
        return parse_key(path.read_text("utf-8").removesuffix("\n"))
    except FileNotFoundError:
        raise KeyFileError(f"there is no signing key {path}") from None
    except OSError as error:
        raise KeyFileError(f"the signing key {path} can't be read: {error.strerror}") from error
    except ValueError as error:
        why = error if isinstance(error, NoteError) else "it is not UTF-8"
        raise KeyFileError(f"{path} does not hold a signing key: {why}") from None


def read_keys(folder: Path, log_id: bytes) -> list[SigningKey]:
    """Read the key of a log and those that follow it, the first one first. Raises KeyFileError.

    A key that no longer signs may be gone, so the first may where others follow it.
    """
    first, successors = key_path(folder, log_id), sorted(folder.glob(f"{log_id.hex()}.*.key"))
    paths = successors if successors and not first.exists() else [first, *successors]
    return [read_key(path) for path in paths]
