"""Proofs: those of the RFC at every size, from few reads, and no wrong one is taken."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from pymerkle import InmemoryTree  # type: ignore[import-untyped] # it ships no types

from domain.evidence.merkle import EMPTY_ROOT, HASH_BYTES, MissingHashesError, leaf_hash, root_of
from domain.evidence.proofs import (
    ProofError,
    Tree,
    range_root,
    verify_consistency,
    verify_inclusion,
)
from tests.evidence import vectors
from tests.evidence.trees import (
    Hashes,
    Stored,
    made_up,
    naive_consistency,
    naive_inclusion,
    naive_range,
    naive_root,
    nothing_stored,
)

LEAVES = made_up(1200)
STORED = Stored(LEAVES)
LARGE_LEAVES = made_up(70_000)
LARGE = Stored(LARGE_LEAVES)


@st.composite
def leaf_and_size(draw: DrawFn, most: int = len(LEAVES)) -> tuple[int, int]:
    size = draw(st.integers(1, most))
    return draw(st.integers(0, size - 1)), size


@st.composite
def range_and_size(draw: DrawFn, most: int = len(LEAVES)) -> tuple[int, int, int]:
    first, size = draw(leaf_and_size(most))
    return first, draw(st.integers(first + 1, size)), size


def known(size: int) -> Tree:
    """The tree over the first entries of Certificate Transparency's tests."""
    return Tree(size, Stored([leaf_hash(entry) for entry in vectors.ENTRIES]).read)


def in_hex(proof: Hashes) -> list[str]:
    return [each.hex() for each in proof]


def wrong(proof: Hashes) -> Iterator[Hashes]:
    """Yield what a proof may be altered to: one bit, one hash more or less, two swapped, one torn."""
    for at, each in enumerate(proof):
        for bit in (0, 100, 255):
            altered = (int.from_bytes(each) ^ 1 << bit).to_bytes(HASH_BYTES)
            yield [*proof[:at], altered, *proof[at + 1 :]]
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[:at], each, *proof[at:]]
        yield [*proof[:at], each[:-1], *proof[at + 1 :]]
        yield [*proof[:at], each[:-1], each[-1:], *proof[at + 1 :]]
    for at in range(len(proof) - 1):
        yield [*proof[:at], proof[at + 1], proof[at], *proof[at + 2 :]]
    yield [*proof, bytes(HASH_BYTES)]
    yield [*proof, EMPTY_ROOT]
    yield [*proof, b""]


@pytest.mark.parametrize(("index", "size"), vectors.INCLUSIONS)
def test_inclusion_is_proven_as_certificate_transparency_knows_it(index: int, size: int) -> None:
    proof = known(size).inclusion(index)
    assert in_hex(proof) == vectors.INCLUSIONS[index, size]
    root = bytes.fromhex(vectors.ROOTS[size])
    assert verify_inclusion(leaf_hash(vectors.ENTRIES[index]), index, size, proof, root)


@pytest.mark.parametrize(("older", "newer"), vectors.CONSISTENCIES)
def test_consistency_is_proven_as_certificate_transparency_knows_it(older: int, newer: int) -> None:
    proof = known(newer).consistency(older)
    assert in_hex(proof) == vectors.CONSISTENCIES[older, newer]
    roots = bytes.fromhex(vectors.ROOTS[older]), bytes.fromhex(vectors.ROOTS[newer])
    assert verify_consistency(older, newer, *roots, proof)


def test_all_proofs_of_small_trees_are_those_of_the_recursive_definitions() -> None:
    for size in range(1, 24):
        hashes = LEAVES[:size]
        tree, root = Tree(size, STORED.read), naive_root(hashes)
        assert tree.root == root
        for index in range(size):
            proof = tree.inclusion(index)
            assert proof == naive_inclusion(index, hashes)
            assert verify_inclusion(hashes[index], index, size, proof, root)
        for older in range(1, size + 1):
            proof = tree.consistency(older)
            assert proof == naive_consistency(older, hashes)
            assert verify_consistency(older, size, naive_root(hashes[:older]), root, proof)
            for first in range(older):
                proof = tree.range(first, older)
                assert proof == naive_range(first, older, hashes)
                assert range_root(first, older, size, proof, hashes[first:older]) == root


@given(leaf_and_size())
@example((255, 256))
@example((256, 257))
@example((0, 1025))
def test_inclusion_is_proven_as_the_rfc_defines_it(case: tuple[int, int]) -> None:
    index, size = case
    tree = Tree(size, STORED.read)
    proof = tree.inclusion(index)
    assert proof == naive_inclusion(index, LEAVES[:size])
    assert verify_inclusion(LEAVES[index], index, size, proof, tree.root)


@given(leaf_and_size())
@example((255, 256))
@example((256, 257))
@example((511, 1200))
@example((767, 1200))
def test_consistency_is_proven_as_the_rfc_defines_it(case: tuple[int, int]) -> None:
    before, size = case
    older = before + 1
    tree = Tree(size, STORED.read)
    proof = tree.consistency(older)
    assert proof == naive_consistency(older, LEAVES[:size])
    assert verify_consistency(older, size, naive_root(LEAVES[:older]), tree.root, proof)


@given(range_and_size(), st.lists(st.integers(0, 300), max_size=6))
@example((0, 1200, 1200), [])
@example((256, 512, 1200), [])
def test_a_range_is_proven_by_what_is_left_and_right_of_it(
    case: tuple[int, int, int], cuts: list[int]
) -> None:
    first, last, size = case
    tree = Tree(size, STORED.read)
    proof = tree.range(first, last)
    assert proof == naive_range(first, last, LEAVES[:size])
    row = b"".join(LEAVES[first:last])
    ends = [0, *sorted(cut * HASH_BYTES for cut in cuts), len(row)]
    rows = (row[start:end] for start, end in pairwise(ends))
    assert range_root(first, last, size, proof, rows) == tree.root == naive_root(LEAVES[:size])


@given(leaf_and_size(80))
def test_proofs_are_those_of_another_library(case: tuple[int, int]) -> None:
    index, size = case
    other = InmemoryTree(algorithm="sha256")
    entries = [number.to_bytes(4) for number in range(80)]
    for entry in entries:
        other.append_entry(entry)
    tree = Tree(size, Stored(list(map(leaf_hash, entries))).read)
    assert tree.root == other.get_root(size)
    # The other library's proof starts with the leaf itself.
    theirs = other.prove_inclusion(index + 1, size).path
    assert [leaf_hash(entries[index]), *tree.inclusion(index)] == theirs
    # Its proofs of consistency are of another form, about the same roots.
    older, older_root = index + 1, other.get_root(index + 1)
    assert verify_consistency(
        older, size, older_root, other.get_root(size), tree.consistency(older)
    )


@given(leaf_and_size(300))
def test_no_wrong_proof_of_inclusion_is_taken(case: tuple[int, int]) -> None:
    index, size = case
    tree = Tree(size, STORED.read)
    leaf, proof, root = LEAVES[index], tree.inclusion(index), tree.root
    assert verify_inclusion(leaf, index, size, proof, root)
    for altered in wrong(proof):
        assert not verify_inclusion(leaf, index, size, altered, root)
    for other in {index - 1, index + 1, index ^ 2, index ^ 1, -1, size, size + index} - {index}:
        assert not verify_inclusion(leaf, other, size, proof, root)
    assert not verify_inclusion(LEAVES[index + 1], index, size, proof, root)
    assert not verify_inclusion(leaf[:-1], index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, naive_root(LEAVES[: size + 1]))
    assert not verify_inclusion(leaf, index, size, proof, EMPTY_ROOT)
    for other in (0, -size, size * 2, size << 40):
        assert not verify_inclusion(leaf, index, other, proof, root)


def test_a_leaf_is_proven_for_no_other_size_that_its_path_depends_on() -> None:
    # Trees of other sizes have the same path to it: that of leaf 0 is the same in 5 to 8 leaves.
    for size in range(2, 40):
        tree = Tree(size, STORED.read)
        for index in range(size):
            proof = tree.inclusion(index)
            for other in range(1, 40):
                taken = verify_inclusion(LEAVES[index], index, other, proof, tree.root)
                assert taken == (index < other and shape(index, other) == shape(index, size))


def shape(index: int, size: int) -> list[bool]:
    """On which side each sibling on the path of a leaf is."""
    if size == 1:
        return []
    k = 1 << (size - 1).bit_length() - 1
    if index < k:
        return [*shape(index, k), False]
    return [*shape(index - k, size - k), True]


@given(leaf_and_size(300))
def test_no_wrong_proof_of_consistency_is_taken(case: tuple[int, int]) -> None:
    before, size = case
    older = before + 1
    tree = Tree(size, STORED.read)
    proof, root, older_root = tree.consistency(older), tree.root, naive_root(LEAVES[:older])
    assert verify_consistency(older, size, older_root, root, proof)
    for altered in wrong(proof):
        assert not verify_consistency(older, size, older_root, root, altered)
    forged = naive_root(LEAVES[1 : older + 1])
    assert not verify_consistency(older, size, forged, root, proof)
    assert not verify_consistency(older, size, older_root, forged, proof)
    assert not verify_consistency(older, size, older_root[:-1], root, proof)
    if older < size:
        assert not verify_consistency(size, older, root, older_root, proof)
        assert not verify_consistency(older, size, root, older_root, proof)
        assert not verify_consistency(older, size, older_root, root, [])
        assert not verify_consistency(0, size, older_root, root, proof)
        assert not verify_consistency(-older, size, older_root, root, proof)
        for other in {older - 1, older + 1, older ^ 2, 2 * older} - {older}:
            assert not verify_consistency(other, size, older_root, root, proof)
    assert not verify_consistency(older, older - 1, older_root, root, proof)


def test_another_history_is_not_proven_consistent() -> None:
    leaves = LEAVES[:100]
    forked = Stored([*leaves[:49], bytes(32), *leaves[50:]])
    tree = Tree(100, forked.read)
    for older in range(1, 100):
        root = naive_root(leaves[:older])
        taken = verify_consistency(older, 100, root, tree.root, tree.consistency(older))
        assert taken == (older <= 49)


def test_every_tree_continues_the_empty_one_and_itself() -> None:
    tree = Tree(77, STORED.read)
    assert tree.consistency(0) == tree.consistency(77) == []
    assert verify_consistency(0, 77, EMPTY_ROOT, tree.root, [])
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 77, bytes(32), tree.root, [])
    assert not verify_consistency(0, 77, EMPTY_ROOT, tree.root, [EMPTY_ROOT])
    assert not verify_consistency(77, 77, tree.root, tree.root, [tree.root])
    assert not verify_consistency(77, 77, EMPTY_ROOT, tree.root, [])
    assert Tree(0, STORED.read).root == EMPTY_ROOT
    assert Tree(0, STORED.read).consistency(0) == []


@given(range_and_size(300))
def test_no_wrong_proof_of_a_range_makes_the_root(case: tuple[int, int, int]) -> None:
    first, last, size = case
    tree = Tree(size, STORED.read)
    row, proof = b"".join(LEAVES[first:last]), tree.range(first, last)
    assert range_root(first, last, size, proof, [row]) == tree.root

    def makes_the_root(*case: int, proof: Hashes = proof, row: bytes = row) -> bool:
        first, last, size = case
        try:
            return range_root(first, last, size, proof, [row]) == tree.root
        except ProofError:
            return False

    for altered in wrong(proof):
        assert not makes_the_root(first, last, size, proof=altered)
    altered_row = bytearray(row)
    altered_row[len(row) // 2] ^= 1
    assert not makes_the_root(first, last, size, row=bytes(altered_row))
    assert not makes_the_root(first, last, size, row=row[:-HASH_BYTES])
    assert not makes_the_root(first, last, size, row=row + row[-HASH_BYTES:])
    assert not makes_the_root(first, last, size, row=b"")
    if last < size:
        assert not makes_the_root(first + 1, last + 1, size)
    if first > 0:
        assert not makes_the_root(first - 1, last - 1, size)
    assert not makes_the_root(first, last, 2 * size)


@pytest.mark.parametrize("case", [(-1, 2, 5), (2, 2, 5), (3, 2, 5), (0, 6, 5), (0, 0, 0)])
def test_a_range_that_is_none_is_refused(case: tuple[int, int, int]) -> None:
    first, last, size = case
    with pytest.raises(ValueError, match="is no range of leaves in a tree of"):
        Tree(size, STORED.read).range(first, last)
    with pytest.raises(ValueError, match="is no range of leaves in a tree of"):
        range_root(first, last, size, [], [])


def test_leaves_are_taken_no_further_than_the_range() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield bytes(HASH_BYTES)

    with pytest.raises(ProofError, match="more than the 3 leaves of the range were given"):
        range_root(1, 4, 4, [bytes(32)], endless())
    with pytest.raises(ValueError, match="no whole number of hashes"):
        range_root(1, 4, 4, [bytes(32)], [bytes(33)])


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_what_is_not_in_the_tree_is_not_proven(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"no leaf {index} is in a tree of {size}"):
        Tree(size, STORED.read).inclusion(index)


@pytest.mark.parametrize("older", [-1, 6])
def test_a_tree_does_not_continue_a_larger_one(older: int) -> None:
    with pytest.raises(ValueError, match=f"a tree of 5 leaves does not continue one of {older}"):
        Tree(5, STORED.read).consistency(older)


@given(leaf_and_size(70_000), st.data())
@example((69_999, 70_000), None)
@example((0, 65_536), None)
@example((65_535, 65_537), None)
def test_a_proof_from_a_large_log_reads_few_tiles(
    case: tuple[int, int], data: st.DataObject | None
) -> None:
    index, size = case
    LARGE.reads.clear()
    tree = Tree(size, LARGE.read)
    assert verify_inclusion(LARGE_LEAVES[index], index, size, tree.inclusion(index), tree.root)
    assert tree.root == root_of(LARGE.levels[0][: size * HASH_BYTES])
    # The unfinished tile of each of three levels, and the tiles of the leaf on the lower two.
    assert len(LARGE.reads) <= 5
    older = index + 1
    root = Tree(older, LARGE.read).root
    LARGE.reads.clear()
    assert verify_consistency(older, size, root, tree.root, tree.consistency(older))
    last = data.draw(st.integers(index + 1, size)) if data else size
    proof = tree.range(index, last)
    assert range_root(index, last, size, proof, [b"".join(LARGE_LEAVES[index:last])]) == tree.root
    assert len(LARGE.reads) <= 5
    assert all(last - first <= 256 for _, first, last in LARGE.reads)


def test_many_proofs_read_no_tile_twice() -> None:
    LARGE.reads.clear()
    tree = Tree(70_000, LARGE.read)
    indexes = range(3, 70_000, 101)
    proofs = tree.inclusions(indexes)
    for index, proof in zip(indexes, proofs, strict=True):
        assert verify_inclusion(LARGE_LEAVES[index], index, 70_000, proof, tree.root)
    assert len(LARGE.reads) == len(set(LARGE.reads)) == 274 + 2 + 1


def test_hashes_that_are_not_there_make_no_proof() -> None:
    with pytest.raises(MissingHashesError):
        Tree(3, nothing_stored)

    def only_the_edge(level: int, first: int, last: int) -> bytes:
        return bytes((last - first) * HASH_BYTES) if last - first < 256 else b""

    with pytest.raises(MissingHashesError, match="level 0: 256 hashes from 0 were asked for"):
        Tree(600, only_the_edge).inclusion(5)
