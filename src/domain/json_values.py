"""JSON values compared as values: numbers by exact value, strings by code points, members in any order.

A value is reduced to a hash, from the inside out (a Merkle tree), so that nothing of its size is built.
"""

import json
import re
from hashlib import blake2b

from domain.money import number_value

_DIGEST_BYTES = 16
_CLOSING = b"]}"
_LITERALS = frozenset((b"true", b"false", b"null"))

# Commas, colons and white space say nothing that the order of the other tokens does not.
_TOKENS = re.compile(
    rb"""
      ( " [^"\\]* (?: \\. [^"\\]* )* " )    # a string
    | ( [^][{}",:\ \t\r\n]+ )                # a number, true, false or null
    | [][{}]
    """,
    re.VERBOSE | re.DOTALL,
)


class _Array:
    """An array on its way."""

    def __init__(self) -> None:
        self._hash = _hash(b"array")

    def add(self, element: bytes) -> None:
        self._hash.update(element)

    def closed(self) -> bytes:
        return self._hash.digest()


class _Object:
    """An object on its way: the hashes of its names and values in turn."""

    def __init__(self) -> None:
        self._parts = bytearray()

    def add(self, part: bytes) -> None:
        self._parts += part

    def closed(self) -> bytes:
        size = _DIGEST_BYTES
        parts = (bytes(self._parts[at : at + size]) for at in range(0, len(self._parts), size))
        members = dict(zip(parts, parts, strict=True))
        value = _hash(b"object")
        for name in sorted(members):
            value.update(name)
            value.update(members[name])
        return value.digest()


def same_value(one: bytes, other: bytes) -> bool:
    """Return whether two JSON texts hold the same value. Raises as `fingerprint` does."""
    return one == other or fingerprint(one) == fingerprint(other)


def fingerprint(text: bytes) -> bytes:
    """Hash a JSON text to 16 bytes that all texts of the same value share, and no others (BLAKE2b, RFC 7693).

    Of a repeated member the last counts. For texts that were checked to be JSON before: of others some
    raise ValueError, some give a hash that means nothing.
    """
    around: list[_Array | _Object] = []
    for token in _TOKENS.finditer(text):
        string, scalar = token.groups()
        if string is not None:
            value = _hash(b"string", _unescaped(string)).digest()
        elif scalar is not None:
            value = _hash(b"scalar", scalar if scalar in _LITERALS else _number(scalar)).digest()
        elif token[0] in _CLOSING:
            value = around.pop().closed()
        else:
            around.append(_Array() if token[0] == b"[" else _Object())
            continue
        if not around:
            return value
        around[-1].add(value)
    raise ValueError("no JSON")


def _hash(kind: bytes, content: bytes = b"") -> blake2b:
    return blake2b(content, digest_size=_DIGEST_BYTES, person=kind)


def _unescaped(string: bytes) -> bytes:
    if b"\\" not in string:
        return string[1:-1]
    text: str = json.loads(string)
    return text.encode(errors="surrogatepass")


def _number(digits: bytes) -> bytes:
    negative, significant, exponent = number_value(digits.decode())
    return f"{'-' if negative else ''}{significant or '0'}e{exponent}".encode()
