"""The parts against the contract's examples, public vectors and an oracle."""

import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # type: ignore[import-untyped]
from roundbook_verify import tree
from roundbook_verify.events import check
from roundbook_verify.notes import Checkpoint, parse_checkpoint, parse_key
from roundbook_verify.tree import consistent, leads_to, range_root
from verifier.tests import building
from verifier.tests.building import (
    LOG_ID,
    Event,
    Log,
    consistency,
    key_of,
    path,
    root,
    sha,
)

STATE = (
    b'{"unique_id":"bet-1","timestamp":"2025-01-15T12:00:00Z","player_id":"StQ-1","game_id":"btg/bonanza",'
    b'"round_id":"r1","amount":0.50,"currency":"EUR","is_win":false,"is_bonus":false}'
)
UPDATE = b'{"unique_id":"p-1","timestamp":"2025-01-15T12:00:01Z","player_id":"StQ-1","country":"SE"}'
EXAMPLES = [
    Event(
        1,
        "player:StQ-1",
        1,
        "BetPlaced",
        1736942400123456,
        1736942400000000,
        key_of("bet-1"),
        bytes(16),
        STATE,
    ),
    Event(
        2,
        "player:StQ-1",
        2,
        "PlayerUpdated",
        1736942400123456,
        1736942401000000,
        key_of("p-1"),
        bytes(range(16)),
        UPDATE,
    ),
    Event(3, "game:btg/bonanza", 1, "GameUpdated", 1736942400223456, None, None, bytes(16), b"{}"),
]
LEAVES = [
    "fdeab125f98c5c4adcde79f5446f33ad752712087245296dab7ec2ebe7ec9d93",
    "b799610259de71933773e915c429a235923b4363cfea42a672bb6a5350e9f7eb",
    "a3db8424e2091abdfaceaf5dd91c555a1178a0b296177e012b02fd5a39000b68",
]
ROOTS = [
    "fdeab125f98c5c4adcde79f5446f33ad752712087245296dab7ec2ebe7ec9d93",
    "8d45e78e718276135f09a9ba35d1092244ea848d501bee84d9cbc50d6edd8a30",
    "800a209a976b4dd5492cba0d9758227a5638abd66026eb537efe8668f58efb76",
]


def test_leaves_and_roots_are_those_of_the_contract() -> None:
    checked = check(LOG_ID, None, b"".join(event.line for event in EXAMPLES))
    leaves = [leaf for _, leaf, *_ in checked]
    assert [leaf.hex() for leaf in leaves] == LEAVES
    assert [findings for *_, findings in checked] == [[]] * 3
    for size in (1, 2, 3):
        assert range_root(size, 0, size, iter(leaves), iter([])).hex() == ROOTS[size - 1]


def test_an_erased_event_has_the_leaf_that_it_had() -> None:
    erased = replace(EXAMPLES[1], erased=True).line
    assert STATE not in erased
    assert UPDATE not in erased
    assert [leaf.hex() for _, leaf, *_ in check(LOG_ID, None, erased)] == LEAVES[1:2]


def test_the_format_documents_own_example_is_right() -> None:
    assert Log(EXAMPLES).range(2, 3)["proof.json"].decode() in (
        Path(__file__).parents[1] / "FORMAT.md"
    ).read_text("utf-8")


def test_a_note_of_the_specification_is_verified() -> None:
    """The example of c2sp.org/signed-note."""
    key = parse_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", 1)
    line = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    value = b64decode(line)
    text = b"This is an example message.\n"
    signed = Checkpoint(text, "", 0, b"", [("example.com/foo", value[:4], value[4:])])
    assert signed.signed_by([key]) == [(key, 0)]
    assert signed._replace(text=text + b"x").signed_by([key]) == [(key, None)]


def test_a_checkpoint_of_the_specification_is_read() -> None:
    """The example of c2sp.org/tlog-cosignature: a log's line and a witness's with its time."""
    note = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    checkpoint = parse_checkpoint(note.encode())
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert int.from_bytes(checkpoint.lines[1][2][:8], "big") == 1679315147


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff",
        b"a\n1\n" + b"A" * 43 + b"=\n",
        b"a\n01\n" + b"A" * 43 + b"=\n\n" + "— a AAAAAAAA\n".encode(),
        b"a\n1\n" + b"A" * 42 + b"B=\n\n" + "— a AAAAAAAA\n".encode(),
        b"a\n1\n" + b"A" * 43 + b"=\n\n" + "— a AAAAAAAA".encode(),
        b"a\n1\n" + b"A" * 43 + b"=\n\n" + b"- a AAAAAAAA\n",
        b"a\n1\n" + b"A" * 43 + b"=\n\n" + "— a+b AAAAAAAA\n".encode(),
        b"a\n1\n" + b"A" * 43 + b"=\n\n" + "— a AAAAAAB=\n".encode(),
        b"a\n1\n" + b"A" * 43 + b"=\n\n" + "— a AAAAAAAA\r\n".encode(),
        b"a\n1\n" + b"A" * 43 + b"=\nmore\n\n" + "— a AAAAAAAA\n".encode(),
        b"\n1\n" + b"A" * 43 + b"=\n\n" + "— a AAAAAAAA\n".encode(),
    ],
)
def test_what_is_no_checkpoint_is_refused(note: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_checkpoint(note)


LEAF = [sha(b"\0%d" % n) for n in range(70)]


def test_the_builder_agrees_with_another_library() -> None:
    oracle = InmemoryTree(algorithm="sha256")
    for n in range(70):
        oracle.append_entry(b"%d" % n)
        assert oracle.get_root() == root(tuple(LEAF[: n + 1]))


@given(st.data())
def test_proofs_hold_for_what_they_prove_and_for_nothing_else(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    at, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaves = tuple(LEAF[:size])
    top, proof = root(leaves), path(at, leaves)
    assert leads_to(top, LEAF[at], at, size, proof)
    assert not leads_to(top, LEAF[at], at + 1, size, proof)
    assert not leads_to(top, LEAF[at], -1, size, proof)
    assert not leads_to(top, LEAF[at], at, size, [*proof, bytes(32)])
    assert not leads_to(top, LEAF[at], at, size, proof[:-1]) or size == 1
    before, steps = root(leaves[:old]), consistency(old, leaves)
    assert consistent(old, before, size, top, steps)
    assert consistent(0, sha(b""), size, top, [])
    assert not consistent(0, before, size, top, [])
    assert not consistent(size + 1, before, size, top, steps)
    assert not consistent(old, bytes(32), size, top, steps)
    assert not consistent(old, before, size, bytes(32), steps)
    assert not consistent(old, before, size, top, [*steps, bytes(32)])
    assert old == size or not consistent(old, before, size, top, steps[:-1])


@given(st.data())
def test_a_range_has_the_root_whatever_is_folded_at_once(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    first = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(first + 1, size))
    inside = iter(LEAF[first:stop])
    outside = iter(building.outside(first, stop, tuple(LEAF[:size])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_FOLDED", data.draw(st.sampled_from([1, 2, 5, 8, 4096])))
        assert range_root(size, first, stop, inside, outside) == root(tuple(LEAF[:size]))
    assert [*inside, *outside] == []


def test_it_is_short_enough_to_be_read_and_builds_on_nothing_of_roundbook() -> None:
    """Who adds a check finds what it can replace: the bound is what all checks take, and is not to grow.

    A hundred of them are for a hundred thousand events a second: blocks, and lines where they are odd.
    """
    folder = Path(__file__).parents[1] / "src/roundbook_verify"
    lines = [line for file in folder.glob("*.py") for line in file.read_text("utf-8").splitlines()]
    assert len(lines) <= 1090
    assert max(map(len, lines)) <= 110
    imports = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports - sys.stdlib_module_names == {"", "cryptography"}
