"""Leaves of accesses: the bytes that are documented, and nothing that two accesses share."""

import struct
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import leaves
from domain.evidence.accesses import Access, description, leaf, leaf_hashes

LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
ACCESS = Access(
    number=7,
    accessed_at=790257600123456,
    key_id=3,
    method="GET",
    path="/api/v1/history",
    query="player_id=StQ-1&from_position=1",
    last_event_id="12",
)

# What HTTP lets through is ASCII; bytes are counted, not characters, should that change.
texts = st.text(max_size=40)
accesses = st.builds(
    Access,
    number=st.integers(1, 2**63 - 1),
    accessed_at=st.integers(-(2**63), 2**63 - 1),
    key_id=st.integers(1, 2**31 - 1),
    method=st.sampled_from(["GET", "HEAD"]),
    path=texts,
    query=texts,
    last_event_id=texts,
)


def test_the_bytes_of_one() -> None:
    described = (
        b"\x04\x00\x03GET\x00\x0f/api/v1/history\x00\x1fplayer_id=StQ-1&from_position=1\x00\x0212"
    )
    assert description(ACCESS) == described
    assert leaf(LOG_ID, ACCESS).hex() == (
        "01"
        "00112233445566778899aabbccddeeff"
        "0000000000000007"
        "0002cebc2f895240"
        "00000003" + sha256(described).hexdigest()
    )


@given(access=accesses)
def test_the_bytes_of_any(access: Access) -> None:
    described = b"\x04"
    for text in access[3:]:
        described += struct.pack(">H", len(str(text).encode())) + str(text).encode()
    expected = b"\x01" + LOG_ID + struct.pack(">QqI", *access[:3]) + sha256(described).digest()
    assert leaf(LOG_ID, access) == expected
    assert len(expected) == leaves.LEAF_BYTES


@given(some=st.lists(accesses, max_size=5))
def test_hashes_are_those_of_leaves_in_a_tree(some: list[Access]) -> None:
    hashes = leaf_hashes(LOG_ID, some)
    assert hashes == b"".join(sha256(b"\x00" + leaf(LOG_ID, each)).digest() for each in some)
    assert len(hashes) == leaves.HASH_BYTES * len(some)


@given(one=accesses, other=accesses)
def test_what_differs_has_another_leaf(one: Access, other: Access) -> None:
    assert (leaf(LOG_ID, one) == leaf(LOG_ID, other)) == (one == other)


@given(text=texts, at=st.integers(0, 40))
def test_no_text_can_pass_for_a_part_of_the_next(text: str, at: int) -> None:
    parted = ACCESS._replace(path=text[:at], query=text[at:])
    whole = ACCESS._replace(path=text, query="")
    assert (description(parted) == description(whole)) == (parted == whole)


def test_the_longest_texts_that_the_store_keeps_have_a_leaf() -> None:
    assert len(leaf(LOG_ID, ACCESS._replace(query="x" * 65_535))) == leaves.LEAF_BYTES
