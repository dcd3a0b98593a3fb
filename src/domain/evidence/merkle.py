"""Merkle trees over leaf hashes: RFC 6962 and RFC 9162 §2.1, SHA-256, in the levels of C2SP tlog-tiles.

Hashes travel as bytes: rows of 32-byte hashes, one after the other. A hash of *height* h is the root
of a complete subtree of 2**h leaves; one of *level* l that of 256**l leaves. Level 0 is the leaf hashes,
and the n-th hash of a level is of the leaves [n * 256**l, (n + 1) * 256**l).
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from struct import Struct
from typing import NamedTuple, Self

HASH_BYTES = 32
TILE_WIDTH = 256
TILE_HEIGHT = 8
"""A level is this many heights: 2**8 hashes of one level have one hash on the next."""

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

Read = Callable[[int, int, int], bytes]
"""Stored hashes: `read(level, first, last)` returns those of indexes [first, last) of a level, as a row."""

_pairs = Struct("64s").iter_unpack


class MissingHashesError(ValueError):
    """What was read is not as many hashes as were asked for."""


class Stretch(NamedTuple):
    """Consecutive hashes of one level."""

    level: int
    first: int
    """The index of the first hash on its level."""
    hashes: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry of the log."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def hashes_of(row: bytes) -> list[bytes]:
    """Return the hashes of a row one by one."""
    return [row[at : at + HASH_BYTES] for at in range(0, len(row), HASH_BYTES)]


def parents_of(row: bytes) -> bytes:
    """Return the row of nodes over an even number of hashes, two by two."""
    # The hot loop of sealing and of verifying: half a microsecond a node, nearly all of it SHA-256.
    sha = sha256
    return b"".join([sha(b"\x01" + pair).digest() for (pair,) in _pairs(row)])


def next_row(row: bytes) -> bytes:
    """Return the row above one that ends its tree: a last hash without a partner goes up as it is."""
    paired = len(row) // (2 * HASH_BYTES) * (2 * HASH_BYTES)
    return parents_of(row[:paired]) + row[paired:]


def root_of(row: bytes) -> bytes:
    """Return the root of the tree over a row of hashes.

    All but the last are of one height; the last may be of a smaller subtree, where the tree is not complete.
    """
    if not row:
        return EMPTY_ROOT
    while len(row) > HASH_BYTES:
        row = next_row(row)
    return row


def read_row(read: Read, level: int, first: int, last: int) -> bytes:
    """Read the hashes [first, last) of a level; none are not asked for.

    Raises MissingHashesError if the answer is not as long as that.
    """
    if first == last:
        return b""
    row = read(level, first, last)
    if len(row) != (last - first) * HASH_BYTES:
        raise MissingHashesError(
            f"level {level}: {last - first} hashes from {first} were asked for, and {len(row)} bytes came"
        )
    return row


def levels_of(size: int) -> Iterator[tuple[int, int]]:
    """Yield each level of a tree of that size, lowest first, and how many complete hashes it has."""
    level = 0
    while complete := size >> TILE_HEIGHT * level:
        yield level, complete
        level += 1


class Edge:
    """The right edge of a tree that grows: what is needed to append to it and to know its root.

    It holds the roots of the largest complete subtrees, one for each bit of the size, so that no node is
    hashed twice and a tree of any size takes less than 64 hashes. (A compact range from 0, in the words
    of transparency-dev/merkle.)
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Continue a tree of that size, whose complete subtrees have these roots, from the left.

        Raises ValueError if their number is none of that size.
        """
        roots = list(peaks)
        heights = [height for height in range(size.bit_length()) if size >> height & 1]
        if size < 0 or len(roots) != len(heights):
            raise ValueError(
                f"a tree of {size} leaves has no {len(roots)} largest complete subtrees"
            )
        self._size = size
        self._peaks = dict(zip(heights, reversed(roots), strict=True))

    @classmethod
    def load(cls, size: int, read: Read) -> Self:
        """Return the edge of a stored tree as it was at that size, reading at most 255 hashes of a level.

        Raises MissingHashesError if not all of them are there.
        """
        peaks: list[bytes] = []
        for level, complete in levels_of(size):
            first = complete - complete % TILE_WIDTH
            row = read_row(read, level, first, complete)
            peaks[:0] = _peaks_of(row)
        return cls(size, peaks)

    def copy(self) -> Self:
        """Return another one of the same tree, which grows by itself."""
        return type(self)(
            self._size, [self._peaks[height] for height in sorted(self._peaks, reverse=True)]
        )

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, hashes: bytes, *, height: int = 0) -> list[Stretch]:
        """Append leaf hashes, any number, and return the hashes of levels 1 and above that are now complete.

        With a height, what is appended are roots of complete subtrees of 2**height leaves, and the tree's
        size must be a multiple of that. Raises ValueError, and appends nothing, for a part of a hash or
        another size.
        """
        if len(hashes) % HASH_BYTES:
            raise ValueError(f"{len(hashes)} bytes are no whole number of hashes")
        if self._size % (1 << height):
            raise ValueError(f"no subtree of height {height} starts after {self._size} leaves")
        row, first = hashes, self._size >> height
        self._size += len(hashes) // HASH_BYTES << height
        completed = []
        while row:
            if first & 1:
                row = self._peaks.pop(height) + row
            if len(row) // HASH_BYTES & 1:
                self._peaks[height] = row[-HASH_BYTES:]
                row = row[:-HASH_BYTES]
            row, first, height = parents_of(row), first >> 1, height + 1
            if row and height % TILE_HEIGHT == 0:
                completed.append(Stretch(height // TILE_HEIGHT, first, row))
        return completed

    def root(self, rest: bytes = b"") -> bytes:
        """Return the root of the tree; with a rest, as if what that is the root of came last.

        The rest is the hash of fewer leaves than the smallest complete subtree has, or of none.
        """
        root = rest
        for height in sorted(self._peaks):
            root = node_hash(self._peaks[height], root) if root else self._peaks[height]
        return root or EMPTY_ROOT


def _peaks_of(row: bytes) -> list[bytes]:
    """Return the roots of the largest complete subtrees of a row, from the left."""
    peaks = []
    number, start = len(row) // HASH_BYTES, 0
    for height in reversed(range(number.bit_length())):
        if number >> height & 1:
            end = start + (HASH_BYTES << height)
            peaks.append(root_of(row[start:end]))
            start = end
    return peaks
