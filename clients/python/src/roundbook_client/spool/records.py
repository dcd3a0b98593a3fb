"""Records of a spool: what one `send` wrote, framed so that whatever is broken is found.

A record is a header (a marker, a CRC-32 of the rest of the header and of where it stands, a CRC-32 of the
content, the content's length in bytes, the number of its items), and its content: the JSON texts of the
items, separated by commas.
"""

import struct
import zlib
from typing import NamedTuple

MARKER = b"\xf5RB\x01"
"""What each record begins with. 0xf5 is in no UTF-8, so no item holds it."""

_HEADER = struct.Struct("<4sIIII")
_OF_HEADER = struct.Struct("<QQIII")
HEADER_BYTES = _HEADER.size


class Position(NamedTuple):
    """A place in a spool: the number of a segment, and an offset in it, in bytes."""

    segment: int
    offset: int


class Record(NamedTuple):
    """The JSON texts of some items, separated by commas, and how many they are."""

    items: int
    content: bytes

    @property
    def size_bytes(self) -> int:
        """How long it is in the file."""
        return HEADER_BYTES + len(self.content)


class Header(NamedTuple):
    """What a header says of the content that follows it."""

    checksum: int
    length: int
    items: int


class Broken(NamedTuple):
    """Bytes that stand where a record should, and are none."""

    content: bytes


class Torn(NamedTuple):
    """The beginning of a record at the end of a segment, whose writing was broken off."""

    content: bytes


def header_of(record: Record, at: Position) -> bytes:
    """Write the header of a record that is to stand at a place."""
    checksum, length = zlib.crc32(record.content), len(record.content)
    own = zlib.crc32(_OF_HEADER.pack(*at, checksum, length, record.items))
    return _HEADER.pack(MARKER, own, checksum, length, record.items)


def read_header(text: bytes | memoryview, at: Position) -> Header | None:
    """Read a header; None for what was not written at this place as one."""
    if len(text) < HEADER_BYTES:
        return None
    marker, own, checksum, length, items = _HEADER.unpack_from(text)
    is_one = marker == MARKER and own == zlib.crc32(_OF_HEADER.pack(*at, checksum, length, items))
    return Header(checksum, length, items) if is_one else None


def read_content(header: Header, content: bytes) -> Record | None:
    """Return the record of a header and the bytes that follow it; None if these are others, or too few."""
    is_whole = len(content) == header.length and zlib.crc32(content) == header.checksum
    return Record(header.items, content) if is_whole else None


def judge(rest: bytes, at: Position) -> Torn | Broken:
    """Tell what is wrong at a place, given all bytes from there to the end of the segment.

    What is broken ends where the next record begins, of which the header is enough: should its own content be
    broken, it is judged next.
    """
    found = 0
    while (found := rest.find(MARKER, found + 1)) >= 0:
        if read_header(memoryview(rest)[found:], Position(at.segment, at.offset + found)):
            return Broken(rest[:found])
    header = read_header(rest, at)
    if header is None:
        begun = len(rest) < HEADER_BYTES and rest[: len(MARKER)] == MARKER[: len(rest)]
        return Torn(rest) if begun else Broken(rest)
    is_short = len(rest) < HEADER_BYTES + header.length
    return Torn(rest) if is_short else Broken(rest)
