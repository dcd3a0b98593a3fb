"""Merkle trees of RFC 6962 §2.1. Proofs are checked along the recursions that define them there."""

from collections.abc import Iterator
from hashlib import sha256

Node = tuple[int, int, bytes]  # level, index, hash: over the leaves [index << level, index + 1 << level)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two others."""
    return sha256(b"\1" + left + right).digest()


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def leads_to(root: bytes, leaf: bytes, index: int, size: int, proof: list[bytes]) -> bool:
    """Tell whether an audit path leads from a leaf's hash to the root of `size` leaves."""

    def walk(at: int, leaves: int, path: list[bytes]) -> bytes:
        if leaves == 1:
            () = path
            return leaf
        (*rest, sibling), middle = path, _split(leaves)
        if at < middle:
            return node_hash(walk(at, middle, rest), sibling)
        return node_hash(sibling, walk(at - middle, leaves - middle, rest))

    try:
        return 0 <= index < size and walk(index, size, proof) == root
    except ValueError:  # of another length
        return False


def consistent(size: int, root: bytes, later: int, later_root: bytes, proof: list[bytes]) -> bool:
    """Tell whether the tree of `size` leaves is the beginning of the later one."""

    def walk(old: int, new: int, path: list[bytes], *, whole: bool) -> tuple[bytes, bytes]:
        if old == new:
            (same,) = [root, *path] if whole else path
            return same, same
        (*rest, sibling), middle = path, _split(new)
        if old <= middle:
            left, now = walk(old, middle, rest, whole=whole)
            return left, node_hash(now, sibling)
        left, now = walk(old - middle, new - middle, rest, whole=False)
        return node_hash(sibling, left), node_hash(sibling, now)

    if size == 0:
        return not proof and root == sha256().digest()
    try:
        return size <= later and walk(size, later, proof, whole=True) == (root, later_root)
    except ValueError:
        return False


def push(stack: list[Node], start: int, leaves: bytes) -> None:
    """Put leaf hashes, the first of index `start`, at the right of subtrees; what is full is joined."""
    row, level, ragged = [leaves[at : at + 32] for at in range(0, len(leaves), 32)], 0, list[Node]()
    while row:
        if start & 1:
            joined, at, height = row.pop(0), start, level
            while stack and at & 1 and stack[-1][:2] == (height, at - 1):
                joined, at, height = node_hash(stack.pop()[2], joined), at >> 1, height + 1
            stack.append((height, at, joined))
            start += 1
        if len(row) & 1:
            ragged.append((level, start + len(row) - 1, row.pop()))
        row = [sha256(b"\1" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
        start, level = start >> 1, level + 1
    stack.extend(reversed(ragged))


def range_root(size: int, start: int, stop: int, inside: list[Node], outside: Iterator[bytes]) -> bytes:
    """Return the root of `size` leaves: subtrees of [start, stop), and hashes of what is left and right.

    Raises ValueError and StopIteration where they do not make a tree.
    """
    known = {(index << level, index + 1 << level): found for level, index, found in inside}

    def walk(low: int, high: int) -> bytes:
        if high <= start or low >= stop:
            return next(outside)
        if (low, high) in known:
            return known[low, high]
        middle = low + _split(high - low)
        return node_hash(walk(low, middle), walk(middle, high))

    return walk(0, size)
