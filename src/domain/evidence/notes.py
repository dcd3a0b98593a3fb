"""Signed notes and the keys that verify them, as text (C2SP signed-note); without cryptography."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable

from msgspec import Struct

ED25519 = 0x01
"""The kind of a signature over the note's text (C2SP signed-note)."""
COSIGNATURE_V1 = 0x04
"""The kind of a witness's signature, with a time (C2SP tlog-cosignature)."""

KEY_BYTES = 32
KEY_ID_BYTES = 4

# What a reader of C2SP must bear is 16; Go's reader bears 100.
_MOST_SIGNATURES = 100
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DASH = "\u2014 "


class NoteError(ValueError):
    """A note, a line of it or a key is not of the form that its specification gives it."""


class Signature(Struct, frozen=True):
    """One signature line: the key's name, its id (4 bytes) and what it signed with, of whatever kind."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """Return the line, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


class Note(Struct, frozen=True):
    """A text, which ends with a newline, and the signature lines under it, in their order.

    A line of an unknown kind is kept as it is. Nothing here says that a signature holds.
    """

    text: str
    signatures: tuple[Signature, ...] = ()

    def __str__(self) -> str:
        """Return the note as it is stored and sent, in UTF-8."""
        return self.text + "\n" + "".join(each.line for each in self.signatures)

    def signed(self, more: Iterable[Signature]) -> "Note":
        """Return the note with more signatures under those that it has, each line once."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


class VerifierKey(Struct, frozen=True):
    """A public key with the name that its signatures bear, and their kind.

    The name may differ from the origin of what it signs: the key of a log signs the checkpoints of
    `<origin>/heads` and `<origin>/accesses` too.
    """

    name: str
    kind: int
    key: bytes

    @property
    def key_id(self) -> bytes:
        """Return the first 4 bytes of SHA-256(name || LF || kind || key)."""
        return hashlib.sha256(b"%s\n%c%s" % (self.name.encode(), self.kind, self.key)).digest()[:4]

    def __str__(self) -> str:
        """Return the vkey, `name+id+base64(kind || key)`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.key)}"

    def made(self, signature: Signature) -> bool:
        """Return whether a line says that it is of this key, by name and id; it may lie."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)


def parse_note(data: bytes) -> Note:
    """Read a note: UTF-8, no control characters but newlines, text, blank line, signature lines.

    Raises NoteError that says what is wrong.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteError(f"the note is not UTF-8: byte {error.start} can't be read") from None
    _refuse_control_characters(whole)
    text, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise NoteError("the note has no blank line between its text and its signatures")
    return Note(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, at least one, each with its newline. Raises NoteError."""
    *whole, rest = lines.split("\n")
    if rest or not whole:
        raise NoteError("the note does not end with a signature line and its newline")
    if len(whole) > _MOST_SIGNATURES:
        raise NoteError(f"the note has more than {_MOST_SIGNATURES} signatures")
    return tuple(_parse_signature(line) for line in whole)


def parse_verifier_key(vkey: str) -> VerifierKey:
    """Read a vkey of a kind that can be verified here: Ed25519 or cosignature/v1. Raises NoteError."""
    name, key_id, encoded = (*vkey.split("+", 2), "", "")[:3]
    check_key_name(name)
    if not _KEY_ID.fullmatch(key_id):
        raise NoteError(f"the id of the key {name!r} must be 8 hexadecimal digits in lower case")
    material = decode_base64(encoded, f"the key {name!r}")
    kind, key = material[:1], material[1:]
    if kind not in {bytes([ED25519]), bytes([COSIGNATURE_V1])}:
        raise NoteError(
            f"the key {name!r} is of the kind 0x{kind.hex()}; known are 0x01 (Ed25519)"
            " and 0x04 (cosignature/v1)"
        )
    if len(key) != KEY_BYTES:
        raise NoteError(f"the key {name!r} has {len(key)} bytes, not {KEY_BYTES}")
    found = VerifierKey(name, kind[0], key)
    if found.key_id.hex() != key_id:
        raise NoteError(
            f"the key {name!r} bears the id {key_id}, but its own is {found.key_id.hex()}"
        )
    return found


def check_key_name(name: str) -> None:
    """Raise NoteError for a name that no key can have: empty, or with a space or a plus."""
    _refuse_control_characters(name)
    if not name or "+" in name or any(each.isspace() for each in name):
        raise NoteError(f"{name!r} is no name of a key: it must be without spaces and plus signs")


def check_note_text(text: str) -> None:
    """Raise NoteError for what can't be the text of a note."""
    _refuse_control_characters(text)
    if not text.endswith("\n"):
        raise NoteError("the text of a note must end with a newline")


def encode_base64(data: bytes) -> str:
    """Return standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(data).decode()


def decode_base64(text: str, what: str) -> bytes:
    """Read base64 that is as an encoder must write it: padded, the bits beyond it zero. Raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or encode_base64(data) != text:
        raise NoteError(f"{what} is not in standard base64")
    return data


def _parse_signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise NoteError(f"a signature line must begin with an em dash and a space: {line[:80]!r}")
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    check_key_name(name)
    signed = decode_base64(encoded, f"the signature of {name!r}")
    if len(signed) <= KEY_ID_BYTES:
        raise NoteError(f"the signature of {name!r} has {len(signed)} bytes: too few")
    return Signature(name, signed[:KEY_ID_BYTES], signed[KEY_ID_BYTES:])


def _refuse_control_characters(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise NoteError(
            f"there is a control character, {found[0]!r}, at character {found.start()}:"
            " a note has none but newlines"
        )
