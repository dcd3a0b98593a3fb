"""C2SP signed-note, tlog-checkpoint and tlog-cosignature."""

import re
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE = 1, 4
_YEAR_10000 = 253_402_300_800  # in POSIX seconds


class Key(NamedTuple):
    """A public key that signs notes under a name."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name the key."""
        return sha256(b"%s\n%c%s" % (self.name.encode(), self.kind, self.public)).digest()[:4]


class Checkpoint(NamedTuple):
    """A log's tree head, and its signature lines: name, key ID and signature."""

    text: bytes
    origin: str
    size: int
    root: bytes
    lines: list[tuple[str, bytes, bytes]]

    def signed_by(self, keys: list[Key]) -> list[tuple[Key, int | None]]:
        """Return which keys have signed, and when: POSIX seconds, 0 without a time, None if wrong."""
        signed = list[tuple[Key, int | None]]()
        for key, line in (
            (key, line) for line in self.lines for key in keys if line[:2] == (key.name, key.id)
        ):
            seconds, text, signature = 0, self.text, line[2]
            if key.kind == COSIGNATURE:
                seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                text = b"cosignature/v1\ntime %d\n%s" % (seconds, text)
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
            except (InvalidSignature, ValueError):
                seconds = _YEAR_10000
            signed.append((key, seconds if seconds < _YEAR_10000 else None))
        return signed


def unbase64(text: Any, size: int | None = None) -> bytes:
    """Return the bytes of canonical base64. Raises ValueError, also where they are not `size`."""
    value = b64decode(str(text), validate=True)
    if b64encode(value).decode() != text or size not in (None, len(value)):
        raise ValueError("base64 is not canonical, or not of the length expected")
    return value


def parse_key(vkey: str, kind: int) -> Key:
    """Read a verifier key, `name+id+base64`. Raises ValueError."""
    name, ident, rest = (*vkey.strip().split("+", 2), "", "")[:3]
    value = unbase64(rest)
    key = Key(name, kind, value[1:])
    if len(value) != 33 or value[0] != kind or key.id.hex() != ident or not re.fullmatch(r"\S+", name):
        raise ValueError(f"{vkey[:99]!a} is not a verifier key of kind 0x0{kind}, or mistyped")
    return key


def parse_checkpoint(note: bytes) -> Checkpoint:
    """Read a signed note of exactly three lines. Raises ValueError."""
    body, _, signatures = note.decode().rpartition("\n\n")
    found = re.fullmatch(r"([^\s\0-\37][^\0-\37]*)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/=]{44})", body)
    lines = re.findall(r"— ([^\s+\0-\37]+) ([A-Za-z0-9+/]{7,}=*)\n", signatures)
    if not found or not lines or "".join(f"— {name} {value}\n" for name, value in lines) != signatures:
        raise ValueError("not a note of three lines, an empty one, and signatures")
    signed = [(name, unbase64(value)[:4], unbase64(value)[4:]) for name, value in lines]
    return Checkpoint(f"{body}\n".encode(), found[1], int(found[2]), unbase64(found[3], 32), signed)
