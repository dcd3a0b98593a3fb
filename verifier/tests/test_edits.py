"""Whatever is edited in a good bundle is found, unless it says the same; nothing ends in a traceback."""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from roundbook_verify import bundle as reading
from roundbook_verify import order
from roundbook_verify.main import main
from roundbook_verify.notes import ED25519, parse_key
from roundbook_verify.verify import Verifier
from verifier.tests.authority import Authority
from verifier.tests.building import (
    OPERATOR,
    ORIGIN,
    WITNESSES,
    b64,
    compact,
    consistency,
    erased_log,
    note,
    root,
    write,
)

LOG, TSA = erased_log(), Authority()
SIZE = len(LOG.events)
OLDER = {
    "size": 9,
    "root": b64(root(LOG.leaves[:9])),
    "proof": [b64(item) for item in consistency(9, LOG.leaves)],
}
COMMON = {
    "checkpoint": note(SIZE, root(LOG.leaves), [OPERATOR, WITNESSES[0]]),
    "since.json": LOG.since(7),
    "anchors/a.json": compact(OLDER),
    "anchors/a.tsr": TSA.stamp(f"{ORIGIN}\n9\n{OLDER['root']}\n".encode()),
}
BUNDLES = {
    "all": LOG.range() | COMMON,
    "a part": LOG.range(3, 11) | COMMON,
    "a player": LOG.stream("player:Çelik", 11) | COMMON,
    "nobody": LOG.stream("player:X") | COMMON,
}
Chance = random.Random
Edit = Callable[[bytes, Chance], bytes]


def edit_lines(edit: Callable[[list[bytes], int, int], Any]) -> Edit:
    def apply(data: bytes, chance: Chance) -> bytes:
        lines = data.splitlines(keepends=True) or [b""]
        edit(lines, chance.randrange(len(lines)), chance.randrange(len(lines)))
        return b"".join(lines)

    return apply


def swap(lines: list[bytes], one: int, other: int) -> None:
    lines[one], lines[other] = lines[other], lines[one]


def edit_json(edit: Callable[[Any, Any, Chance], Any]) -> Edit:
    """Edit one member of an object or an array, anywhere inside."""

    def inside(value: Any) -> list[tuple[Any, Any]]:
        names = list(value) if isinstance(value, dict) else list(range(len(value)))
        found = [(value, name) for name in names]
        return found + [
            deep for name in names if isinstance(value[name], dict | list) for deep in inside(value[name])
        ]

    def apply(data: bytes, chance: Chance) -> bytes:
        value = json.loads(data)
        edit(*chance.choice(inside(value)), chance)
        return compact(value)

    return apply


OTHERS: list[Any] = [
    None,
    True,
    0,
    -1,
    7,
    1 << 63,
    1 << 64,
    1.5,
    1e300,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    "A" * 43 + "=",
]


def exchange(value: Any, name: Any, chance: Chance) -> None:
    value[name] = chance.choice(OTHERS)


def delete(value: Any, name: Any, _: Chance) -> None:
    del value[name]


def lengthen(value: Any, name: Any, chance: Chance) -> None:
    proof = value if isinstance(value, list) else value[name]
    if isinstance(proof, list):
        proof.append(b64(chance.randbytes(32)))


def reordered(data: bytes, chance: Chance) -> bytes:
    members = list(json.loads(data).items())
    chance.shuffle(members)
    return compact(dict(members))


def doubled(data: bytes, _: Chance) -> bytes:
    name, value = next(iter(json.loads(data).items()))
    return b"{" + compact({name: value})[1:-1] + b"," + data.lstrip()[1:]


def flipped(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) or 1)
    return data[:at] + bytes([(data or b"\0")[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]


def cut(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randrange(1, 50) :]


def with_more(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    what = [b"\n", b" ", b"\0", b"0", b'"', b"{", b"\xff", bytes(32), b"[" * 50_000]
    return data[:at] + chance.choice(what) + data[at:]


BYTES: dict[str, Edit] = {
    "flipped": flipped,
    "cut": cut,
    "more": with_more,
    "without the last byte": lambda data, _: data[:-1],
    "empty": lambda data, _: b"",
    "a line removed": edit_lines(lambda lines, one, _: lines.pop(one)),
    "a line doubled": edit_lines(lambda lines, one, other: lines.insert(other, lines[one])),
    "lines swapped": edit_lines(swap),
}
JSON_EDITS: dict[str, Edit] = {
    "reordered": reordered,
    "a member doubled": doubled,
    "a member removed": edit_json(delete),
    "another value": edit_json(exchange),
    "longer": edit_json(lengthen),
}
PLACES = [
    (bundle, member, edit)
    for bundle, members in BUNDLES.items()
    for member in members
    for edit in [*BYTES, *(JSON_EDITS if member.endswith(".json") else ())]
]


def says_the_same(member: str, before: bytes, after: bytes) -> bool:
    """Tell whether an edit is none: JSON of the same value, or a line of a signature twice."""
    if member == "checkpoint":
        (text, _, lines), (other, _, others) = before.partition(b"\n\n"), after.partition(b"\n\n")
        return text == other and set(lines.splitlines(keepends=True)) == set(others.splitlines(keepends=True))
    if not member.endswith(".json") or b"[[" in after:
        return before == after
    # Audit paths, where there are any, come before what is said of heads.
    sort = member != "proof.json" or b'"inclusion":{}' in before
    try:
        one, other = (json.loads(data, object_pairs_hook=unique) for data in (before, after))
    except ValueError:
        return False
    return json.dumps(one, sort_keys=sort) == json.dumps(other, sort_keys=sort)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("edits")
    (made / "root.pem").write_bytes(TSA.pem)
    (made / "kept").write_bytes(LOG.note(7))
    return made


def verify(folder: Path, members: Any) -> int:
    trusted = ["--vkey", OPERATOR.vkey, "--witness", WITNESSES[0].vkey, "--since", str(folder / "kept")]
    bundle = write(folder / "bundle.zip", members)
    return main([str(bundle), *trusted, "--tsa-root", str(folder / "root.pem")])


@pytest.mark.parametrize("bundle", BUNDLES)
def test_an_unedited_bundle_is_proven(folder: Path, bundle: str) -> None:
    assert verify(folder, BUNDLES[bundle]) == 0


@settings(max_examples=500)
@given(place=st.sampled_from(PLACES), seed=st.integers(0, 1 << 32))
def test_an_edit_is_found(folder: Path, place: tuple[str, str, str], seed: int) -> None:
    bundle, member, name = place
    before = BUNDLES[bundle][member]
    after = (BYTES | JSON_EDITS)[name](before, random.Random(seed))
    status = verify(folder, BUNDLES[bundle] | {member: after})
    if member.endswith(".tsr") and name == "flipped":
        assert status in {0, 1}  # some bytes of a token are signed by nobody
    elif says_the_same(member, before, after):
        assert status == 0
    else:
        assert status in {1, 2}


@settings(max_examples=200)
@given(
    bundle=st.sampled_from(list(BUNDLES)),
    edits=st.lists(st.tuples(st.sampled_from([*BYTES]), st.integers(0, 1 << 32)), max_size=3),
    at_once=st.integers(1, 8),
)
def test_blocks_say_the_same_as_their_lines(
    folder: Path, bundle: str, edits: list[tuple[str, int]], at_once: int
) -> None:
    events = BUNDLES[bundle]["events.ndjson"]
    for name, seed in edits:
        events = BYTES[name](events, random.Random(seed))
    members = BUNDLES[bundle] | {"events.ndjson": events}
    with pytest.MonkeyPatch.context() as patch:
        by_lines = told(folder, members)
        whole = reading.Bundle.blocks
        patch.setattr(reading.Bundle, "blocks", lambda *of: in_blocks(whole(*of), at_once))
        by_blocks = told(folder, members)
        patch.setattr(order, "run_of", lambda *_: None)
        assert told(folder, members) == by_blocks
    assert by_lines[0] == by_blocks[0]


def in_blocks(blocks: Iterator[bytes], at_once: int) -> Iterator[bytes]:
    for block in blocks:
        lines = re.findall(rb"[^\n]*\n|[^\n]+", block)
        yield from (b"".join(lines[at : at + at_once]) for at in range(0, len(lines), at_once))


def told(folder: Path, members: Any) -> tuple[Any, ...]:
    """What is found in a bundle, and all that is said of it."""
    with reading.File(write(folder / "bundle.zip", members)) as file:
        verifier = Verifier(reading.Bundle(file), [parse_key(OPERATOR.vkey, ED25519)], 0, None, [])
        verifier.run()
    return verifier.findings.all(), verifier.summary, verifier.findings.unchecked


@pytest.mark.parametrize("bundle", BUNDLES)
def test_a_member_that_is_missing_or_there_twice_is_found(folder: Path, bundle: str) -> None:
    members = BUNDLES[bundle]
    for name, data in members.items():
        without = {other: rest for other, rest in members.items() if other != name}
        expected = {"manifest.json": 2, "anchors/a.tsr": 0}.get(name, 1)
        assert verify(folder, without) == expected, name
        with pytest.warns(UserWarning, match="Duplicate name"):
            assert verify(folder, [*members.items(), (name, data)]) == 1, name
