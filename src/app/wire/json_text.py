"""Is this JSON in UTF-8, and how deep, without building what it says.

msgspec refuses broken syntax everywhere, in skipped members too; the checks here are the rest.
"""

import re
from codecs import (
    BOM_UTF8,
    BOM_UTF16_BE,
    BOM_UTF16_LE,
    BOM_UTF32_BE,
    BOM_UTF32_LE,
    getincrementaldecoder,
)
from itertools import accumulate, islice
from typing import Any

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

MAX_DEPTH = 128
_PIECE_BYTES = 1 << 16

_SYNTAX = Decoder(Raw)
_UTF8 = getincrementaldecoder("utf-8")
# The longer ones first, as one begins with another.
_OTHER_MARKS = {
    "UTF-32": (BOM_UTF32_LE, BOM_UTF32_BE),
    "UTF-16": (BOM_UTF16_LE, BOM_UTF16_BE),
}
_OFFSET = re.compile(r"\s*\(byte (\d+)\)$")


class NotJsonError(Exception):
    """The body is not JSON in UTF-8. `detail` says what is wrong, `offset` at which byte, if known."""

    def __init__(self, detail: str, offset: int | None = None) -> None:
        """Keep both, and say them."""
        super().__init__(detail if offset is None else f"{detail} (byte {offset})")
        self.detail = detail
        self.offset = offset

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.detail, self.offset)


def check_utf8(text: bytes) -> None:
    """Raise NotJsonError unless all of the text is UTF-8."""
    if text.isascii():
        return
    decoder = _UTF8()
    # In pieces: as one `str` the text would take up to four times its size.
    for start in range(0, len(text), _PIECE_BYTES):
        piece = text[start : start + _PIECE_BYTES]
        held_over = len(decoder.getstate()[0])
        try:
            decoder.decode(piece, final=start + _PIECE_BYTES >= len(text))
        except UnicodeDecodeError as error:
            mark = next(
                (name for name, mark in _OTHER_MARKS.items() if text.startswith(mark)), None
            )
            detail = (
                f"not UTF-8: begins with the byte order mark of {mark}" if mark else "not UTF-8"
            )
            raise NotJsonError(detail, start - held_over + error.start) from None


def check_syntax(text: bytes, max_depth: int = MAX_DEPTH) -> None:
    """Raise NotJsonError unless the text is one JSON value, nested at most `max_depth` levels deep."""
    try:
        _SYNTAX.decode(text)
    except DecodeError as error:
        raise not_json(error, text) from None
    except RecursionError:
        raise too_deep(max_depth) from None
    check_depth(text, max_depth)


def not_json(error: DecodeError, text: bytes) -> NotJsonError:
    """Say in our words what msgspec found wrong with the syntax of a text."""
    detail = str(error)
    offset = _OFFSET.search(detail)
    detail = _OFFSET.sub("", detail).removeprefix("JSON is malformed: ")
    if offset:
        first = max(
            0, int(offset[1]) - 1
        )  # where something follows the end, msgspec is one further
        mark = text.find(BOM_UTF8, first, first + 1 + len(BOM_UTF8))
        if mark >= 0:
            return NotJsonError("a byte order mark, which has no place in JSON", mark)
    if detail == "Input data was truncated":
        # What msgspec says of half a surrogate pair, too.
        detail = "ends too early, or holds a lone surrogate"
    return NotJsonError(detail, int(offset[1]) if offset else None)


def too_deep(max_depth: int = MAX_DEPTH) -> NotJsonError:
    """Make the error for a text that nests too deep."""
    return NotJsonError(f"nests more than {max_depth} levels deep")


# Depth, and elements of an array, are counted on the marks outside strings alone, one signed byte each.
_STEPS = bytes.maketrans(b"[{]},", b"\x01\x01\xff\xff\x00")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b'[]{}"'))
_ALL_BUT_MARKS = bytes(set(range(256)) - set(b'[]{}",'))


def _outside_strings(text: bytes, all_but: bytes) -> bytes:
    """Reduce JSON to some of its characters (quotes among them), leaving strings out."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Most strings hold no mark. Two quotes side by side leave without a change to what is inside.
    marks = text.translate(None, all_but).replace(b'""', b"")
    if b'"' not in marks:
        return marks
    outside = []
    first_outside = 0
    for start in range(0, len(marks), _PIECE_BYTES):
        parts = marks[start : start + _PIECE_BYTES].split(b'"')
        outside.append(b"".join(parts[first_outside::2]))
        first_outside = (first_outside + len(parts) + 1) % 2
    return b"".join(outside)


def check_depth(text: bytes, max_depth: int = MAX_DEPTH) -> None:
    """Raise NotJsonError if JSON nests deeper than `max_depth` levels. Its syntax must have been checked."""
    if text.count(b"{") + text.count(b"[") <= max_depth:
        return  # it nests at most as deep as it has openers
    steps = memoryview(_outside_strings(text, _ALL_BUT_BRACKETS).translate(_STEPS)).cast("b")
    if max(accumulate(steps), default=0) > max_depth:
        raise too_deep(max_depth)


def has_more_elements(array: bytes, limit: int) -> bool:
    """Return whether a JSON array has more than `limit` (at least 1) elements, without reading them."""
    marks = _outside_strings(array, _ALL_BUT_MARKS)
    depths = accumulate(memoryview(marks.translate(_STEPS)).cast("b"))
    commas = (
        mark for mark, depth in zip(marks, depths, strict=True) if depth == 1 and mark == 0x2C
    )
    return next(islice(commas, limit - 1, None), None) is not None
