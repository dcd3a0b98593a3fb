"""Trees: their roots at every size, however they grew, and what is stored of them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # type: ignore[import-untyped] # it ships no types

from domain.evidence.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Edge,
    MissingHashesError,
    Stretch,
    leaf_hash,
    node_hash,
    root_of,
)
from tests.evidence import vectors
from tests.evidence.trees import Stored, made_up, naive_root, nothing_stored

LEAVES = made_up(2000)
LARGE = Stored(made_up(70_000))


def test_hashes_are_those_of_the_rfc() -> None:
    assert EMPTY_ROOT.hex() == vectors.ROOTS[0]
    assert leaf_hash(b"").hex() == vectors.ROOTS[1]
    assert leaf_hash(b"L123456").hex() == vectors.LEAF_OF_L123456
    assert node_hash(b"N123", b"N456").hex() == vectors.NODE_OF_N123_N456


def test_roots_are_those_that_certificate_transparency_knows() -> None:
    edge = Edge()
    for size, root in enumerate(vectors.ROOTS):
        assert edge.size == size
        assert edge.root().hex() == root
        assert root_of(b"".join(map(leaf_hash, vectors.ENTRIES[:size]))).hex() == root
        edge.append(b"".join(map(leaf_hash, vectors.ENTRIES[size : size + 1])))


def test_roots_are_those_of_the_contract() -> None:
    leaves = bytes.fromhex("".join(vectors.THREE_LEAVES))
    for size, root in enumerate(vectors.THREE_ROOTS, start=1):
        assert root_of(leaves[: size * HASH_BYTES]).hex() == root


@given(st.integers(0, len(LEAVES)))
@example(255)
@example(256)
@example(257)
@example(512)
def test_a_root_is_that_of_the_recursive_definition(size: int) -> None:
    row = b"".join(LEAVES[:size])
    edge = Edge()
    edge.append(row)
    assert edge.root() == root_of(row) == naive_root(LEAVES[:size])


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=40))
def test_a_root_is_that_of_another_library(entries: list[bytes]) -> None:
    other = InmemoryTree(algorithm="sha256")
    for entry in entries:
        other.append_entry(entry)
    assert root_of(b"".join(map(leaf_hash, entries))) == other.get_root()


@given(st.lists(st.integers(0, 700), max_size=8))
@example([1] * 300)
@example([255, 1, 1, 255, 256, 0, 512])
def test_a_tree_that_grows_in_steps_is_the_one_that_grew_at_once(steps: list[int]) -> None:
    leaves = made_up(sum(steps), seed=1)
    edge = Edge()
    stored = {0: b"".join(leaves), 1: b""}
    for step in steps:
        added = stored[0][edge.size * HASH_BYTES : (edge.size + step) * HASH_BYTES]
        for level, first, hashes in edge.append(added):
            assert first == len(stored[level]) // HASH_BYTES
            stored[level] += hashes
        assert edge.root() == root_of(stored[0][: edge.size * HASH_BYTES])
        assert len(stored[1]) == edge.size // 256 * HASH_BYTES
    tiles = range(0, len(leaves) // 256 * 256, 256)
    assert stored[1] == b"".join(naive_root(leaves[at : at + 256]) for at in tiles)


def test_higher_levels_are_of_full_tiles_below() -> None:
    assert {level: len(row) // HASH_BYTES for level, row in LARGE.levels.items()} == {
        0: 70_000,
        1: 273,
        2: 1,
    }
    assert LARGE.levels[2] == root_of(LARGE.levels[1][: 256 * HASH_BYTES])
    assert LARGE.levels[2] == root_of(LARGE.levels[0][: 65_536 * HASH_BYTES])


def test_what_an_append_completes_starts_where_the_last_one_ended() -> None:
    edge = Edge()
    edge.append(LARGE.levels[0][: 65_535 * HASH_BYTES])
    assert edge.append(LARGE.levels[0][65_535 * HASH_BYTES : 65_536 * HASH_BYTES]) == [
        Stretch(1, 255, LARGE.levels[1][255 * HASH_BYTES : 256 * HASH_BYTES]),
        Stretch(2, 0, LARGE.levels[2]),
    ]


@given(st.integers(0, 70_000), st.integers(0, 400))
@example(65_535, 1)
@example(65_536, 256)
@example(65_537, 0)
def test_an_edge_is_loaded_at_any_size_and_goes_on(size: int, more: int) -> None:
    LARGE.reads.clear()
    edge = Edge.load(size, LARGE.read)
    assert len(LARGE.reads) <= 3
    assert all(last - first < 256 for _, first, last in LARGE.reads)
    assert edge.size == size
    assert edge.root() == root_of(LARGE.levels[0][: size * HASH_BYTES])
    completed = edge.append(LARGE.levels[0][size * HASH_BYTES : (size + more) * HASH_BYTES])
    assert edge.root() == root_of(LARGE.levels[0][: (size + more) * HASH_BYTES])
    for level, first, hashes in completed:
        assert LARGE.levels[level][first * HASH_BYTES :].startswith(hashes)


def test_hashes_that_are_not_there_make_no_edge() -> None:
    with pytest.raises(MissingHashesError, match="level 0: 3 hashes from 256 were asked for"):
        Edge.load(259, nothing_stored)


def test_a_part_of_a_hash_is_refused_and_changes_nothing() -> None:
    edge = Edge()
    edge.append(b"".join(LEAVES[:3]))
    with pytest.raises(ValueError, match="33 bytes are no whole number of hashes"):
        edge.append(bytes(33))
    with pytest.raises(ValueError, match="no subtree of height 1 starts after 3 leaves"):
        edge.append(bytes(32), height=1)
    assert (edge.size, edge.root()) == (3, naive_root(LEAVES[:3]))


def test_complete_subtrees_are_appended_by_their_roots() -> None:
    edge = Edge()
    edge.append(b"".join(LEAVES[:4]))
    edge.append(naive_root(LEAVES[4:8]), height=2)
    edge.append(b"".join(LEAVES[8:9]))
    assert edge.size == 9
    assert edge.root() == naive_root(LEAVES[:9])


@pytest.mark.parametrize(("size", "peaks"), [(3, 1), (4, 0), (0, 1), (-1, 0), (-2, 1)])
def test_an_edge_of_another_number_of_subtrees_is_refused(size: int, peaks: int) -> None:
    with pytest.raises(ValueError, match="largest complete subtrees"):
        Edge(size, [bytes(32)] * peaks)
