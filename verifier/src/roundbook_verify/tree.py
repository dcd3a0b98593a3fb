"""Merkle trees of RFC 6962 §2.1: their roots, and the proofs of RFC 9162 §2.1.3 and §2.1.4."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

_FOLDED = 1 << 12  # leaves at once


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _climb(at: int, last: int, old: bytes, new: bytes, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Go up from the node at an index, of a level whose last index is given.

    Returns the roots without and with what is on the right, None if the path is of another length.
    """
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, sibling)
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else None


def leads_to(root: bytes, leaf: bytes, index: int, size: int, proof: list[bytes]) -> bool:
    """Tell whether an audit path leads from a leaf's hash to the root of `size` leaves."""
    roots = _climb(index, size - 1, leaf, leaf, proof) if 0 <= index < size else None
    return roots is not None and roots[1] == root


def consistent(size: int, root: bytes, later: int, later_root: bytes, proof: list[bytes]) -> bool:
    """Tell whether the tree of `size` leaves is the beginning of the later one."""
    if size == 0 or size >= later:
        return (size, root, proof) in ((0, sha256().digest(), []), (later, later_root, []))
    at, last = size - 1, later - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    steps = proof if at else [root, *proof]
    return bool(steps) and _climb(at, last, steps[0], steps[0], steps[1:]) == (root, later_root)


def range_root(size: int, start: int, stop: int, inside: Iterator[bytes], outside: Iterator[bytes]) -> bytes:
    """Return the root of `size` leaves: the leaves of [start, stop), and subtrees left and right of them.

    Raises StopIteration where these are too few.
    """

    def walk(low: int, high: int) -> bytes:
        if high <= start or low >= stop:
            return next(outside)
        if start <= low and high <= stop and high - low <= _FOLDED:
            row = b"".join(islice(inside, high - low))
            while len(row) > 32:
                pairs = len(row) // 64 * 64
                over = [sha256(b"\1" + row[at : at + 64]).digest() for at in range(0, pairs, 64)]
                row = b"".join(over) + row[pairs:]
            return row
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        return _node(walk(low, middle), walk(middle, high))

    return walk(0, size)
