"""Heads of streams: their bytes, their tree, and proofs that a stream ends there, or that there is none."""

import string
from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.evidence.heads import (
    Absence,
    Head,
    HeadsError,
    Page,
    ProvenHead,
    Statement,
    pages_of,
    parse_heads,
    prove_head,
    verify_absence,
    verify_head,
)
from domain.evidence.merkle import EMPTY_ROOT, HASH_BYTES, Edge, leaf_hash
from domain.evidence.proofs import Tree
from tests.evidence.trees import naive_root

LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")

streams = st.text(min_size=1, max_size=20)
heads = st.builds(Head, streams, st.integers(1, 2**32 - 1), st.integers(1, 2**63 - 1))


class StoredHeads:
    """A tree of heads as it is stored, and its statement."""

    def __init__(self, heads: list[Head]) -> None:
        self.pages: list[Page] = []
        self.levels: dict[int, bytes] = {0: b""}
        edge = Edge()
        for page in pages_of(sorted(heads)):
            self.pages.append(page)
            self.levels[0] += page.hashes
            for stretch in edge.append(page.hashes):
                self.levels[stretch.level] = self.levels.get(stretch.level, b"") + stretch.hashes
        self.statement = Statement(LOG_ID, 7, bytes(32), edge.size, edge.root())
        self.tree = Tree(edge.size, self.read)
        self.pages_read = 0

    def read(self, level: int, first: int, last: int) -> bytes:
        return self.levels[level][first * HASH_BYTES : last * HASH_BYTES]

    def find(self, stream: str) -> Page | None:
        self.pages_read += 1
        name = stream.encode()
        return max(
            (page for page in self.pages if page.first_stream.encode() <= name),
            key=lambda page: page.n,
            default=None,
        )

    def at(self, n: int) -> Page:
        self.pages_read += 1
        return self.pages[n]

    def prove(self, stream: str) -> ProvenHead | Absence:
        return prove_head(stream, self.tree, self)

    def present(self, stream: str) -> ProvenHead:
        proven = self.prove(stream)
        assert isinstance(proven, ProvenHead)
        return proven

    def absent(self, stream: str) -> Absence:
        proven = self.prove(stream)
        assert isinstance(proven, Absence)
        return proven


# Every second number is a stream.
EVEN = [Head(f"player:{number:04}", number + 1, 3 * number + 1) for number in range(0, 2400, 2)]
STORED = StoredHeads(EVEN)


def test_an_entry_and_a_statement_have_the_bytes_of_the_contract() -> None:
    assert Head("player:é", 2, 3).entry.hex() == (
        "010009706c617965723ac3a9000000020000000000000003"
    )
    statement = Statement(LOG_ID, 258, b"\x11" * 32, 1, b"\x22" * 32)
    assert statement.entry.hex() == (
        "01" + LOG_ID.hex() + "0000000000000102" + "11" * 32 + "0000000000000001" + "22" * 32
    )
    assert len(statement.entry) == 97
    assert Statement.parse(statement.entry) == statement


@given(st.lists(heads, max_size=5))
def test_entries_are_read_as_they_were_written(some: list[Head]) -> None:
    assert parse_heads(b"".join(head.entry for head in some)) == some


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (b"\x02" + EVEN[0].entry[1:], "an entry of form 2 at byte 0 is unknown"),
        (EVEN[0].entry[:-1], "no entry of a head is at byte 0"),
        (EVEN[0].entry + b"\x01", "no entry of a head is at byte 26"),
        (EVEN[0].entry[:8], "no entry of a head is at byte 0"),
        (Head("é", 1, 1).entry.replace(b"\xc3", b"\xff"), "no entry of a head is at byte 0"),
    ],
)
def test_bytes_that_are_no_entries_are_refused(entries: bytes, words: str) -> None:
    with pytest.raises(HeadsError, match=words):
        parse_heads(entries)


@pytest.mark.parametrize("entry", [b"", bytes(97), b"\x01" + bytes(95), b"\x01" + bytes(97)])
def test_bytes_that_are_no_statement_are_refused(entry: bytes) -> None:
    with pytest.raises(HeadsError, match="a statement of heads is 97 bytes and starts with 0x01"):
        Statement.parse(entry)


@pytest.mark.parametrize(
    "head",
    [
        Head("x" * 65_536, 1, 1),
        Head("x", 2**32, 1),
        Head("x", -1, 1),
        Head("x", 1, 2**64),
        Head("\ud800", 1, 1),
    ],
)
def test_what_does_not_fit_is_no_entry(head: Head) -> None:
    with pytest.raises(HeadsError, match="does not fit into an entry"):
        _ = head.entry
    assert not verify_head(ProvenHead(head, 0, []), STORED.statement)


@given(st.sets(streams, max_size=30))
@example({"a", "A", "é", "z", "\ud7ff", "\U0001f3b0", "\uffee", "player:1", "player:10"})
def test_heads_are_sorted_by_the_bytes_of_their_streams(names: set[str]) -> None:
    entries = [Head(name, 1, 1).entry for name in sorted(names, key=str.encode)]
    stored = StoredHeads([Head(name, 1, 1) for name in names])
    assert b"".join(page.entries for page in stored.pages) == b"".join(entries)
    assert stored.statement.heads_root == naive_root(
        [sha256(b"\x00" + entry).digest() for entry in entries]
    )
    assert stored.statement.streams == len(names)


def test_pages_have_256_heads_and_are_made_one_at_a_time() -> None:
    taken = 0

    def one_by_one() -> Iterator[Head]:
        nonlocal taken
        for head in EVEN:
            taken += 1
            yield head

    for page in pages_of(one_by_one()):
        assert taken == min((page.n + 1) * 256, len(EVEN))
        some = EVEN[page.n * 256 : taken]
        assert page.first_stream == some[0].stream
        assert parse_heads(page.entries) == some
        assert page.hashes == b"".join(leaf_hash(head.entry) for head in some)
    assert taken == len(EVEN)


@pytest.mark.parametrize("at", [1, 255, 256, 257, 1199])
def test_heads_that_are_not_sorted_are_refused(at: int) -> None:
    twice = [*EVEN[:at], EVEN[at - 1], *EVEN[at:]]
    swapped = [*EVEN[: at - 1], EVEN[at], EVEN[at - 1], *EVEN[at + 1 :]]
    for wrong in (twice, swapped):
        with pytest.raises(HeadsError, match="does not come after"):
            list(pages_of(wrong))


@given(st.integers(0, len(EVEN) - 1))
@example(0)
@example(255)
@example(256)
@example(1199)
def test_a_stream_is_proven_to_end_with_its_last_version(number: int) -> None:
    STORED.pages_read = 0
    proven = STORED.present(EVEN[number].stream)
    assert STORED.pages_read == 1
    assert (proven.head, proven.index) == (EVEN[number], number)
    assert verify_head(proven, STORED.statement)

    head, statement = proven.head, STORED.statement
    for wrong in (
        replace(proven, head=head._replace(version=head.version - 1)),
        replace(proven, head=head._replace(version=head.version + 1)),
        replace(proven, head=head._replace(position=head.position + 1)),
        replace(proven, head=head._replace(stream=head.stream + "x")),
        replace(proven, index=number ^ 1),
        replace(proven, index=-1),
        replace(proven, proof=proven.proof[1:]),
        replace(proven, proof=[*proven.proof, EMPTY_ROOT]),
    ):
        assert not verify_head(wrong, statement)
    assert not verify_head(proven, statement._replace(heads_root=EMPTY_ROOT))
    assert not verify_head(proven, statement._replace(streams=number))


@given(st.integers(0, len(EVEN) - 1))
@example(255)
@example(511)
@example(1199)
def test_a_stream_that_is_not_there_is_proven_by_its_neighbours(number: int) -> None:
    STORED.pages_read = 0
    stream = f"player:{2 * number + 1:04}"
    absence, statement = STORED.absent(stream), STORED.statement
    assert STORED.pages_read <= 2
    before, after = absence.before, absence.after
    assert before is not None
    assert before.head == EVEN[number]
    assert (after.head if after else None) == (EVEN[number + 1] if number < 1199 else None)
    assert verify_absence(stream, absence, statement)

    assert not verify_absence(EVEN[number].stream, absence, statement)
    assert not verify_absence(stream, Absence(None, after), statement)
    assert not verify_absence(stream, Absence(None, None), statement)
    assert not verify_absence(stream, absence, statement._replace(heads_root=EMPTY_ROOT))
    if after is not None:
        assert not verify_absence(stream, Absence(before, None), statement)
        assert not verify_absence(stream, absence, statement._replace(streams=number + 1))
        assert not verify_absence(after.head.stream, absence, statement)
        assert not verify_absence(stream, Absence(after, before), statement)
        forged = replace(before, index=before.index - 1)
        assert not verify_absence(stream, Absence(forged, after), statement)
        forged = replace(after, head=after.head._replace(version=9999))
        assert not verify_absence(stream, Absence(before, forged), statement)


def test_the_neighbours_of_a_stream_that_is_there_do_not_prove_it_absent() -> None:
    for number in (1, 256, 700):
        before, after = (STORED.present(EVEN[at].stream) for at in (number - 1, number + 1))
        assert not verify_absence(EVEN[number].stream, Absence(before, after), STORED.statement)
        moved = replace(after, index=number)
        assert not verify_absence(EVEN[number].stream, Absence(before, moved), STORED.statement)


def test_a_stream_before_all_others_is_proven_by_the_first() -> None:
    absence = STORED.absent("game:x")
    assert absence.before is None
    assert absence.after is not None
    assert absence.after.index == 0
    assert verify_absence("game:x", absence, STORED.statement)
    assert not verify_absence("player:9", absence, STORED.statement)
    second = Absence(None, STORED.present(EVEN[1].stream))
    assert not verify_absence("game:x", second, STORED.statement)


def test_in_a_log_without_streams_none_is_there() -> None:
    empty = StoredHeads([])
    assert empty.statement.heads_root == EMPTY_ROOT
    absence = empty.absent("player:1")
    assert absence == Absence(None, None)
    assert verify_absence("player:1", absence, empty.statement)
    assert not verify_absence("player:1", absence, empty.statement._replace(streams=1))
    assert not verify_absence("player:1", absence, empty.statement._replace(heads_root=bytes(32)))


@given(st.sets(st.text(string.ascii_lowercase, min_size=1, max_size=3), max_size=20), streams)
@example({"a", "c"}, "b")
def test_every_stream_is_proven_present_or_absent(names: set[str], asked: str) -> None:
    stored = StoredHeads([Head(name, 1, number + 1) for number, name in enumerate(sorted(names))])
    for stream in {asked, *names}:
        proven = stored.prove(stream)
        if stream in names:
            assert isinstance(proven, ProvenHead)
            assert verify_head(proven, stored.statement)
        else:
            assert isinstance(proven, Absence)
            assert verify_absence(stream, proven, stored.statement)
