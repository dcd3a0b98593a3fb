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
      " [^"\\]* (?: \\. [^"\\]* )* "    # a string
    | [^][{}",:\ \t\r\n]+                # a number, true, false or null
    | [][{}]
    """,
    re.VERBOSE | re.DOTALL,
)


_OPENING = b"[{"
_QUOTE, _BRACE = b'"{'

# Tokens repeat, names of members most of all: what many of a text hash to is looked up. Short ones, and not
# without end, so that what is remembered stays small beside the text.
_MOST_REMEMBERED = 10_000
_LONGEST_REMEMBERED = 64


def same_value(one: bytes, other: bytes) -> bool:
    """Return whether two JSON texts hold the same value. Raises as `fingerprint` does."""
    return one == other or fingerprint(one) == fingerprint(other)


def fingerprint(text: bytes) -> bytes:
    """Hash a JSON text to 16 bytes that all texts of the same value share, and no others (BLAKE2b, RFC 7693).

    Of a repeated member the last counts. For texts that were checked to be JSON before: of others some
    raise ValueError, some give a hash that means nothing.
    """
    around: list[blake2b | bytearray] = []
    known: dict[bytes, bytes] = {}
    for token in _TOKENS.finditer(text):
        word = token[0]
        value = known.get(word)
        if value is None:
            first = word[0]
            if first in _OPENING:
                around.append(bytearray() if first == _BRACE else _ARRAY.copy())
                continue
            if first in _CLOSING:
                closed = around.pop()
                value = _object(closed) if isinstance(closed, bytearray) else closed.digest()
            else:
                value = _string(word) if first == _QUOTE else _scalar(word)
                if len(word) <= _LONGEST_REMEMBERED and len(known) < _MOST_REMEMBERED:
                    known[word] = value
        if not around:
            return value
        inmost = around[-1]
        if isinstance(inmost, bytearray):
            inmost += value
        else:
            inmost.update(value)
    raise ValueError("no JSON")


def _kind(name: bytes) -> blake2b:
    return blake2b(digest_size=_DIGEST_BYTES, person=name)


# A copy is made in a third of the time that a hash needs to begin.
_ARRAY, _OBJECT, _STRING, _SCALAR = map(_kind, (b"array", b"object", b"string", b"scalar"))


def _hash(kind: blake2b, content: bytes) -> bytes:
    begun = kind.copy()
    begun.update(content)
    return begun.digest()


def _object(parts: bytearray) -> bytes:
    """Hash an object, given the hashes of its names and values in turn."""
    if not parts:
        return _EMPTY_OBJECT
    size = _DIGEST_BYTES
    hashes = (bytes(parts[at : at + size]) for at in range(0, len(parts), size))
    members = dict(zip(hashes, hashes, strict=True))
    return _hash(
        _OBJECT, b"".join([part for name in sorted(members) for part in (name, members[name])])
    )


_EMPTY_OBJECT = _hash(_OBJECT, b"")


def _string(text: bytes) -> bytes:
    if b"\\" in text:
        unescaped: str = json.loads(text)
        return _hash(_STRING, unescaped.encode(errors="surrogatepass"))
    return _hash(_STRING, text[1:-1])


def _scalar(text: bytes) -> bytes:
    return _hash(_SCALAR, text if text in _LITERALS else _number(text))


def _number(digits: bytes) -> bytes:
    """Write a number so that all spellings of its value come to the same."""
    negative, significant, exponent = number_value(digits.decode())
    return f"{'-' if negative else ''}{significant or '0'}e{exponent}".encode()
