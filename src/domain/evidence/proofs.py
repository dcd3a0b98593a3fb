"""Proofs that leaves are in a tree, and that one tree continues another: giving and verifying them.

RFC 9162 §2.1.3 and §2.1.4. A proof is a list of 32-byte hashes, in the RFC's order.
"""

from collections.abc import Iterable, Iterator

from domain.evidence.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Edge,
    Read,
    levels_of,
    next_row,
    node_hash,
    read_row,
    root_of,
)


class ProofError(ValueError):
    """What was given can't be a proof of that."""


class Tree:
    """A stored tree as it is, or was, at a size: its root, and the proofs that it gives.

    Hashes are read by tiles (256 of a level, fewer at the right edge): for a proof at most the last one
    of each level and one more of it. The one that was read last is kept.
    """

    def __init__(self, size: int, read: Read) -> None:
        """Read the right edge of the tree. Raises MissingHashesError if not all of it is stored."""
        self.size = size
        self._read = read
        self._ends: list[list[bytes]] = []
        """Of each level the unfinished tile, which ends with the root of the leaves after it, if any."""
        rest = b""
        for level, complete in levels_of(size):
            row = read_row(read, level, complete - complete % TILE_WIDTH, complete) + rest
            self._ends.append(_folded(row))
            rest = root_of(self._ends[-1][-1]) if row else b""
        self.root = rest or EMPTY_ROOT
        self._tiles: dict[int, tuple[int, list[bytes]]] = {}

    def inclusion(self, index: int) -> list[bytes]:
        """Prove that the leaf of that index, from 0, is in the tree. Raises ValueError if it isn't."""
        if not 0 <= index < self.size:
            raise ValueError(f"no leaf {index} is in a tree of {self.size}")
        return [sibling for _, sibling in self._path(index)]

    def inclusions(self, indexes: Iterable[int]) -> Iterator[list[bytes]]:
        """Prove each leaf in turn, as `inclusion` does; in ascending order no tile is read twice."""
        return map(self.inclusion, indexes)

    def consistency(self, older: int) -> list[bytes]:
        """Prove that this tree continues the one that it was at an older size.

        The proof is empty where the older tree is this one or has no leaves. Raises ValueError for a
        larger size.
        """
        if not 0 <= older <= self.size:
            raise ValueError(f"a tree of {self.size} leaves does not continue one of {older}")
        if older in {0, self.size}:
            return []
        # The older tree's last largest complete subtree is in both; its siblings lead to both roots.
        smallest = older & -older
        height = smallest.bit_length() - 1
        path = [sibling for _, sibling in self._path(older - 1, height)]
        # Where it is all of the older tree, its root is known.
        return path if smallest == older else [self._complete_subtree(older - 1, height), *path]

    def range(self, first: int, last: int) -> list[bytes]:
        """Prove that the leaves [first, last) are in the tree: `range_root` makes its root of them and this.

        The proof is the roots of the largest subtrees outside of the range, from left to right, in the
        RFC's recursion: a tree is split at the largest power of two smaller than its size. Raises
        ValueError for a range that is empty or not in the tree.
        """
        _check_range(first, last, self.size)
        left = [sibling for is_left, sibling in self._path(first) if is_left]
        right = [sibling for is_left, sibling in self._path(last - 1) if not is_left]
        return left[::-1] + right

    def _path(self, index: int, height: int = 0) -> Iterator[tuple[bool, bytes]]:
        """Yield the siblings of a leaf's subtree of that height and of those above; True: on the left."""
        for level in range(height // TILE_HEIGHT, len(self._ends)):
            tile, place = divmod(index >> TILE_HEIGHT * level, TILE_WIDTH)
            for at, row in enumerate(self._tile(level, tile), start=TILE_HEIGHT * level):
                sibling = place ^ 1
                if at >= height and sibling * HASH_BYTES < len(row):
                    yield sibling < place, _hash_at(row, sibling)
                place >>= 1

    def _complete_subtree(self, index: int, height: int) -> bytes:
        """Return the root of the leaf's subtree of that height, which has a sibling in its tile."""
        level, above = divmod(height, TILE_HEIGHT)
        tile, place = divmod(index >> TILE_HEIGHT * level, TILE_WIDTH)
        return _hash_at(self._tile(level, tile)[above], place >> above)

    def _tile(self, level: int, tile: int) -> list[bytes]:
        """Return a tile's rows, as `_folded` makes them."""
        first = tile * TILE_WIDTH
        last = first + TILE_WIDTH
        if self.size >> TILE_HEIGHT * level < last:
            return self._ends[level]
        number, rows = self._tiles.get(level, (None, []))
        if number != tile:
            rows = _folded(read_row(self._read, level, first, last))
            self._tiles[level] = tile, rows
        return rows


def verify_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Tell whether this proves that the leaf with that hash has the index in the tree (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *proof]):
        return False
    place, end = index, size - 1
    made = leaf
    for sibling in proof:
        if end == 0:
            return False
        if place & 1 or place == end:
            made = node_hash(sibling, made)
            while not place & 1 and place:
                place, end = place >> 1, end >> 1
        else:
            made = node_hash(made, sibling)
        place, end = place >> 1, end >> 1
    return end == 0 and made == root


def verify_consistency(
    older: int, newer: int, older_root: bytes, newer_root: bytes, proof: list[bytes]
) -> bool:
    """Tell whether this proves that the tree of the newer size continues the older one (RFC 9162 §2.1.4.2).

    Every tree continues the empty one and itself; then the proof is empty.
    """
    if not 0 <= older <= newer or not _are_hashes([older_root, newer_root, *proof]):
        return False
    if older == newer:
        return not proof and older_root == newer_root
    if older == 0:
        return not proof and older_root == EMPTY_ROOT
    is_complete = older & (older - 1) == 0
    path = [older_root, *proof] if is_complete else proof
    if not path:
        return False
    smallest = (older & -older).bit_length() - 1
    place, end = older - 1 >> smallest, newer - 1 >> smallest
    made_older = made_newer = path[0]
    for sibling in path[1:]:
        if end == 0:
            return False
        if place & 1 or place == end:
            made_older = node_hash(sibling, made_older)
            made_newer = node_hash(sibling, made_newer)
            while not place & 1 and place:
                place, end = place >> 1, end >> 1
        else:
            made_newer = node_hash(made_newer, sibling)
        place, end = place >> 1, end >> 1
    return end == 0 and made_older == older_root and made_newer == newer_root


def range_root(
    first: int, last: int, size: int, proof: list[bytes], rows: Iterable[bytes]
) -> bytes:
    """Return the root of a tree of that size, made of its leaves [first, last) and a proof of this range.

    The leaf hashes come as rows of any length, taken one at a time. The size is to be that of a signed
    checkpoint: a proof says nothing about it. Raises ProofError if the proof or the leaves are more or fewer
    than that takes, ValueError for a range that is empty or not in the tree.
    """
    _check_range(first, last, size)
    on_the_left = first.bit_count()
    if len(proof) < on_the_left or not _are_hashes(proof):
        raise ProofError(f"{len(proof)} hashes prove no range from {first}")
    edge = Edge(first, proof[:on_the_left])
    for row in rows:
        edge.append(row)
        if edge.size > last:
            raise ProofError(f"more than the {last - first} leaves of the range were given")
    if edge.size < last:
        raise ProofError(
            f"{edge.size - first} of the {last - first} leaves of the range were given"
        )
    rest = b""
    for root in proof[on_the_left:]:
        leaves = edge.size & -edge.size
        if rest or edge.size == size:
            raise ProofError(f"{len(proof)} hashes are too many for a range in a tree of {size}")
        if edge.size + leaves <= size:
            edge.append(root, height=leaves.bit_length() - 1)
        else:
            rest = root
    if edge.size < size and not rest:
        raise ProofError(f"{len(proof)} hashes are too few for a range in a tree of {size}")
    return edge.root(rest)


def _folded(row: bytes) -> list[bytes]:
    """Return a row and those above it, up to one of two hashes or less."""
    rows = [row]
    while len(rows[-1]) > 2 * HASH_BYTES:
        rows.append(next_row(rows[-1]))
    return rows


def _check_range(first: int, last: int, size: int) -> None:
    if not 0 <= first < last <= size:
        raise ValueError(f"[{first}, {last}) is no range of leaves in a tree of {size}")


def _are_hashes(hashes: list[bytes]) -> bool:
    return all(len(each) == HASH_BYTES for each in hashes)


def _hash_at(row: bytes, place: int) -> bytes:
    return row[place * HASH_BYTES : (place + 1) * HASH_BYTES]
