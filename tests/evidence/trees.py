"""What tests of trees share: the RFC's own recursive definitions, stored hashes in memory, made-up leaves."""

import random
from hashlib import sha256

from domain.evidence.merkle import HASH_BYTES, Edge, Read

Hashes = list[bytes]


def made_up(number: int, *, seed: int = 0) -> Hashes:
    """Return that many leaf hashes, the same at each call."""
    source = random.Random(seed)
    return [source.randbytes(HASH_BYTES) for _ in range(number)]


def split(number: int) -> int:
    """Return the largest power of two smaller than the number, which is at least 2."""
    return 1 << (number - 1).bit_length() - 1


def naive_root(hashes: Hashes) -> bytes:
    """MTH of RFC 9162 §2.1.1, over leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


def naive_inclusion(index: int, hashes: Hashes) -> Hashes:
    """PATH of RFC 9162 §2.1.3.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return [*naive_inclusion(index, hashes[:k]), naive_root(hashes[k:])]
    return [*naive_inclusion(index - k, hashes[k:]), naive_root(hashes[:k])]


def naive_consistency(older: int, hashes: Hashes, *, known: bool = True) -> Hashes:
    """PROOF and SUBPROOF of RFC 9162 §2.1.4.1."""
    if older == len(hashes):
        return [] if known else [naive_root(hashes)]
    k = split(len(hashes))
    if older <= k:
        return [*naive_consistency(older, hashes[:k], known=known), naive_root(hashes[k:])]
    return [*naive_consistency(older - k, hashes[k:], known=False), naive_root(hashes[:k])]


def naive_range(first: int, last: int, hashes: Hashes, start: int = 0) -> Hashes:
    """Hashes of the largest subtrees outside [first, last), from the left, for leaves from start on."""
    end = start + len(hashes)
    if end <= first or start >= last:
        return [naive_root(hashes)]
    if first <= start and end <= last:
        return []
    k = split(len(hashes))
    left, right = hashes[:k], hashes[k:]
    return naive_range(first, last, left, start) + naive_range(first, last, right, start + k)


class Stored:
    """Hashes by level, as they are stored while a tree grows, and a record of what was read."""

    def __init__(self, leaves: Hashes) -> None:
        row = b"".join(leaves)
        self.edge = Edge()
        self.levels: dict[int, bytes] = {0: row}
        self.reads: list[tuple[int, int, int]] = []
        for stretch in self.edge.append(row):
            self.levels[stretch.level] = self.levels.get(stretch.level, b"") + stretch.hashes

    def read(self, level: int, first: int, last: int) -> bytes:
        """Return the hashes [first, last) of a level; a test that asks for none, or too many, is at fault."""
        self.reads.append((level, first, last))
        assert 0 <= first < last <= len(self.levels[level]) // HASH_BYTES
        return self.levels[level][first * HASH_BYTES : last * HASH_BYTES]


def nothing_stored(level: int, first: int, last: int) -> bytes:
    """Read from a store that lost its last hash."""
    return bytes((last - first - 1) * HASH_BYTES)


_: Read = nothing_stored
