"""A request's body, out of its Content-Encoding, in bounded memory.

Sources: RFC 1952 (gzip), RFC 8878 (zstd), RFC 9659 (zstd in HTTP: a window of at most 8 MiB).
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Protocol

import zstandard

from app.wire.json_text import NotJsonError

__all__ = [
    "BodyTooLargeError",
    "NotEncodedAsSaidError",
    "NotJsonError",
    "UnsupportedEncodingError",
    "check_encoding",
    "decompress",
    "most_encoded_bytes",
]

# zlib can be told how much to put out at most, zstandard cannot: 4 bytes may become a block of 128 KiB,
# so a piece of 128 bytes is at most 4 MiB. Small pieces also keep what follows a part cheap to hand on.
_PIECE_BYTES = 1 << 7
_GZIP_OUTPUT_BYTES = 1 << 16
_ZSTD_WINDOW_BYTES = 1 << 23

_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "zstd"})

# How zlib (Z_MEM_ERROR) and zstd say so, as they say what is wrong with the body.
_NO_MEMORY = re.compile(r"Error -4 |Allocation error|could not allocate")

# Parts (gzip members, zstd frames) cost time even if there is nothing in them.
_MAX_PARTS = 20_000


class BodyTooLargeError(Exception):
    """The body is larger than the limit, decompressed."""

    def __init__(self, limit_bytes: int) -> None:
        """Keep the limit, in bytes."""
        super().__init__(f"the body is larger than {limit_bytes:,} bytes")
        self.limit_bytes = limit_bytes


class NotEncodedAsSaidError(Exception):
    """The body is not what its Content-Encoding says: corrupt, cut off, or followed by something else."""


class UnsupportedEncodingError(Exception):
    """The Content-Encoding is none that this service reads: gzip, zstd or none at all."""

    def __init__(self, encoding: str) -> None:
        """Keep what the request said."""
        super().__init__(f"the Content-Encoding {encoding!r} is not one of gzip, zstd and identity")
        self.encoding = encoding


def check_encoding(encoding: str) -> None:
    """Raise UnsupportedEncodingError for a Content-Encoding that `decompress` does not read."""
    if encoding.strip().lower() not in _ENCODINGS:
        raise UnsupportedEncodingError(encoding)


def most_encoded_bytes(limit_bytes: int) -> int:
    """How long the encoded form of a body within the limit can be.

    What can't be compressed grows by less than a 256th and a few headers.
    """
    return limit_bytes + limit_bytes // 256 + 1024


def decompress(sent: bytes | Iterable[bytes], encoding: str, limit_bytes: int) -> bytes:
    """Take a body, whole or in chunks, out of its encoding ('' is none; case does not matter).

    Never holds more than `limit_bytes` and one piece (up to 4 MiB) decompressed, and ends at the first
    byte too many. Raises UnsupportedEncodingError, BodyTooLargeError (also for a body whose compressed
    form alone is longer than an encoder would make of so many bytes), and NotEncodedAsSaidError.
    """
    chunks = (sent,) if isinstance(sent, bytes) else sent
    match encoding.strip().lower():
        case "" | "identity":
            if isinstance(sent, bytes) and len(sent) <= limit_bytes:
                return sent
            return _collect(chunks, limit_bytes)
        case "gzip" | "x-gzip":
            begin: Callable[[], _Part] = _GzipMember
            padding = (
                b"\0"  # as GNU gzip takes it: tapes and block devices fill up their last block
            )
        case "zstd":
            begin, padding = _ZstdFrame, b""
        case _:
            raise UnsupportedEncodingError(encoding)
    received = _limited(chunks, most_encoded_bytes(limit_bytes), limit_bytes)
    try:
        return _collect(_decode(received, begin, padding), limit_bytes)
    except NotEncodedAsSaidError:
        # Too large comes before corrupt, whatever comes first in the body.
        for _ in received:
            pass
        raise


def _collect(chunks: Iterable[bytes], limit_bytes: int) -> bytes:
    body = BytesIO()
    for chunk in _limited(chunks, limit_bytes, limit_bytes):
        body.write(chunk)
    return body.getvalue()


def _limited(chunks: Iterable[bytes], most_bytes: int, limit_bytes: int) -> Iterator[bytes]:
    """Hand on chunks until they are more than `most_bytes` together; then the body is too large."""
    seen_bytes = 0
    for chunk in chunks:
        seen_bytes += len(chunk)
        if seen_bytes > most_bytes:
            raise BodyTooLargeError(limit_bytes)
        yield chunk


def _pieces(chunks: Iterable[bytes], piece_bytes: int) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), piece_bytes):
            yield chunk[start : start + piece_bytes]


class _Part(Protocol):
    """A gzip member or a zstd frame on its way."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Decompress what belongs to this part, a bounded amount at a time."""
        ...

    def rest(self) -> bytes | None:
        """Return what followed the end of this part in the last piece; None before the end."""
        ...


def _decode(chunks: Iterable[bytes], begin: Callable[[], _Part], padding: bytes) -> Iterator[bytes]:
    """Decompress parts, one after the other, of which there is at least one and the last is whole.

    The bytes of `padding` are passed over behind a part.
    """
    part: _Part | None = None
    parts = 0
    for piece in _pieces(chunks, _PIECE_BYTES):
        rest: bytes | None = piece.lstrip(padding) if parts and part is None else piece
        while rest:
            if part is None:
                parts += 1
                if parts > _MAX_PARTS:
                    raise NotEncodedAsSaidError(f"the body is in more than {_MAX_PARTS:,} parts")
                part = begin()
            try:
                yield from part.feed(rest)
            except (zlib.error, zstandard.ZstdError) as error:
                if _NO_MEMORY.search(str(error)):
                    raise MemoryError from error
                raise NotEncodedAsSaidError(
                    f"the body is not what its encoding says: {error}"
                ) from None
            rest = part.rest()
            if rest is not None:
                part, rest = None, rest.lstrip(padding)
    if parts > 1 and part is not None:
        raise NotEncodedAsSaidError("what follows the encoded part is no other whole part")
    if part is not None or parts == 0:
        raise NotEncodedAsSaidError("the body ends before its encoding does")


class _GzipMember:
    def __init__(self) -> None:
        self._reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def feed(self, piece: bytes) -> Iterator[bytes]:
        reader = self._reader
        full = True
        while (piece or full) and not reader.eof:
            out = reader.decompress(piece, _GZIP_OUTPUT_BYTES)
            yield out
            piece = reader.unconsumed_tail
            full = len(out) == _GZIP_OUTPUT_BYTES

    def rest(self) -> bytes | None:
        return self._reader.unused_data if self._reader.eof else None


class _ZstdFrame:
    def __init__(self) -> None:
        self._reader = zstandard.ZstdDecompressor(
            max_window_size=_ZSTD_WINDOW_BYTES
        ).decompressobj()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        yield self._reader.decompress(piece)

    def rest(self) -> bytes | None:
        return self._reader.unused_data if self._reader.eof else None
