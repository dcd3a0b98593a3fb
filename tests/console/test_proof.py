"""What the browser verifies: logs that are right, and every way in which one of their parts may be forged."""

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selenium.webdriver.chrome.webdriver import WebDriver

from api.console.static_files import STATIC
from api.documentation.evidence import HASHES, NOTE, ORIGIN, VKEY
from app.evidence.keys import generate_key
from domain.evidence.notes import Signature
from tests.console.proving import Case, Log, altered, bet, encoded, flipped, logs

pytestmark = pytest.mark.xdist_group("browser")

Steps = dict[str, str]

STEPS = ("checkpoint", "signature", "log", "event", "path")
LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")

_VERIFY = """
const [module, cases, done] = arguments;
import(module)
  .then(({ verify }) => Promise.all(cases.map(verify)))
  .then(done, (error) => done(String(error)));
"""


@pytest.fixture(scope="module")
def verify(visitor: WebDriver) -> Callable[[Sequence[Case]], list[Steps]]:
    """Verify cases in the browser; gives the outcome of each step."""

    def run(cases: Sequence[Case]) -> list[Steps]:
        found = visitor.execute_async_script(_VERIFY, f"{STATIC}/proof.js", cases)
        assert isinstance(found, list), found
        assert all([step["name"] for step in steps] == [*STEPS] for steps in found)
        assert all(step["words"] for steps in found for step in steps)
        return [{step["name"]: step["outcome"] for step in steps} for steps in found]

    return run


Verify = Callable[[Sequence[Case]], list[Steps]]
PROVEN: Steps = dict.fromkeys(STEPS, "holds")


@settings(max_examples=30)
@given(log=logs(), data=st.data())
def test_each_event_is_proven_against_each_checkpoint_that_reaches_it(
    verify: Verify, log: Log, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(log.events)))
    cases = [log.case(position, size) for position in range(1, size + 1)]
    assert verify(cases) == [PROVEN] * size


def test_the_example_of_the_documentation_is_proven(verify: Verify) -> None:
    state = (
        '{"unique_id":"bet-1","timestamp":"2025-01-15T12:00:00Z","player_id":"StQ-1",'
        '"game_id":"btg/bonanza","round_id":"r1","amount":0.50,"currency":"EUR","is_win":false,'
        '"is_bonus":false}'
    )
    case = {
        "event": {
            "position": 1,
            "stream": "player:StQ-1",
            "version": 1,
            "topic": "BetPlaced",
            "recordedAt": "2025-01-15T12:00:00.123456Z",
            "data": state,
        },
        "inclusion": {
            "leaf_hash": HASHES[0],
            "leaf": encoded(b"\1" + LOG_ID + bytes(52)),
            "proof": [*HASHES[1:]],
            "committed": {
                "key": "c8cc2e9f9e93211bfa00f8cf8c66cc45",
                "occurred_at": "2025-01-15T12:00:00Z",
                "salt": "00" * 16,
                "commitment": None,
            },
        },
        "checkpoint": NOTE,
        "keys": [VKEY],
    }
    assert verify([case]) == [PROVEN]


def test_an_altered_byte_of_what_is_shown_is_found(verify: Verify) -> None:
    case = Log([bet(each) for each in range(1, 12)]).case(5, 11)
    shown = case["event"]["data"]
    forged = [*altered(shown), shown + " ", shown[:-1], shown.replace("0.50", "0.5"), ""]
    cases = [{**case, "event": {**case["event"], "data": each}} for each in forged]
    others = {
        "position": 6,
        "stream": "player:StQ-2",
        "version": 6,
        "topic": "WinPaid",
        "recordedAt": "2025-01-15T12:00:00.000006Z",
    }
    cases += [{**case, "event": {**case["event"], name: each}} for name, each in others.items()]
    for found in verify(cases):
        assert found["event"] == "fails"
        assert found["log"] == found["signature"] == "holds"


Forge = Callable[[Case], object]


def in_committed(**changed: Any) -> Forge:
    return lambda case: case["inclusion"]["committed"].update(changed)


def in_inclusion(**changed: Any) -> Forge:
    return lambda case: case["inclusion"].update(changed)


def in_path(change: Callable[[list[str]], object]) -> Forge:
    return lambda case: change(case["inclusion"]["proof"])


def in_checkpoint(old: str, new: str) -> Forge:
    return lambda case: case.update(checkpoint=case["checkpoint"].replace(old, new))


def in_keys(change: Callable[[str], str]) -> Forge:
    return lambda case: case.update(keys=[*map(change, case["keys"])])


def _run_together(path: list[str]) -> None:
    path[:] = [encoded(b"".join(map(b64decode, path)))]


FORGED: dict[str, dict[str, Forge]] = {
    "event": {
        "another key of the event": in_committed(key="ff" * 16),
        "no key of the event": in_committed(key=None),
        "another salt": in_committed(salt="01" * 16),
        "half a salt": in_committed(salt="01"),
        "no time": in_committed(occurred_at=None),
        "a time that is none": in_committed(occurred_at="now"),
        "nothing of what it is made": in_inclusion(committed=None),
        "another sealed hash": in_inclusion(leaf_hash=HASHES[0]),
        "a sealed hash cut short": in_inclusion(leaf_hash="AAAA"),
    },
    "log": {
        "a leaf of another log": in_inclusion(leaf=encoded(b"\1" + bytes(68))),
        "no leaf": in_inclusion(leaf=None),
    },
    "path": {
        "another hash": in_path(lambda path: path.__setitem__(1, HASHES[0])),
        "another bit": in_path(lambda path: path.__setitem__(0, flipped(path[0], 255))),
        "too short": in_path(lambda path: path.pop()),
        "too long": in_path(lambda path: path.append(HASHES[0])),
        "no path": in_path(lambda path: path.clear()),
        "another order": in_path(lambda path: path.reverse()),
        "hashes run together": in_path(_run_together),
    },
    "signature": {
        "another key by this name": in_keys(lambda _: str(generate_key(ORIGIN).vkey)),
        "a key of another log": in_keys(lambda _: str(generate_key(ORIGIN[:-1] + "0").vkey)),
        "another size": in_checkpoint("\n11\n", "\n12\n"),
        "another origin": in_checkpoint("roundbook.", "roundb00k."),
    },
}
"""By the step that finds it."""

UNUSABLE: dict[str, dict[str, Forge]] = {
    "signature": {
        "what is no key": in_keys(lambda _: "nonsense"),
        "a key with another id": in_keys(lambda key: key.replace("+", "+00000000", 1)[:-8]),
        "a letter of the key": in_keys(lambda key: key[:-1] + ("A" if key[-1] != "A" else "B")),
    },
    "checkpoint": {
        "a hyphen for the dash": in_checkpoint("\u2014", "-"),
        "a zero before the size": in_checkpoint("\n11\n", "\n011\n"),
        "a line too many": in_checkpoint("\n\n", "\nmore\n\n"),
        "no empty line": in_checkpoint("\n\n", "\n"),
        "something beneath it": lambda case: case.update(checkpoint=case["checkpoint"] + "\nmore"),
        "two checkpoints": lambda case: case.update(
            checkpoint=case["checkpoint"] + case["checkpoint"].replace("\n11\n", "\n12\n")
        ),
        "no checkpoint": lambda case: case.update(checkpoint=""),
    },
}
"""What can't be read, by the step that tells."""


@pytest.mark.parametrize(
    ("step", "name"), [(step, name) for step, forged in FORGED.items() for name in forged]
)
def test_what_is_forged_is_found(verify: Verify, step: str, name: str) -> None:
    case = Log([bet(each) for each in range(1, 12)]).case(5, 11)
    forged = deepcopy(case)
    FORGED[step][name](forged)
    assert json.dumps(forged) != json.dumps(case)
    right, found = verify([case, forged])
    assert (right, found[step]) == (PROVEN, "fails")


@pytest.mark.parametrize(
    ("step", "name"), [(step, name) for step, given in UNUSABLE.items() for name in given]
)
def test_what_can_not_be_read_is_neither_proven_nor_a_forgery(
    verify: Verify, step: str, name: str
) -> None:
    case = Log([bet(each) for each in range(1, 12)]).case(5, 11)
    UNUSABLE[step][name](case)
    (found,) = verify([case])
    assert found[step] == "unusable"
    assert "fails" not in found.values()


def test_an_altered_letter_of_the_checkpoint_or_the_key_is_found(verify: Verify) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    note, key = case["checkpoint"].rstrip(), case["keys"][0]
    cases = [{**case, "checkpoint": each} for each in altered(note)]
    cases += [{**case, "keys": [each]} for each in altered(key)]
    for found in verify(cases):
        assert {"fails", "unusable"} & {*found.values()}


def test_a_signature_that_lacks_a_bit_is_none(verify: Verify) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    head, _, signed = case["checkpoint"].rstrip().rpartition(" ")
    bits = range(32, 8 * len(b64decode(signed)), 37)
    cases = [{**case, "checkpoint": f"{head} {flipped(signed, bit)}\n"} for bit in bits]
    assert all(found["signature"] == "fails" for found in verify(cases))


def test_a_log_that_was_written_anew_is_held_against_the_kept_checkpoint(verify: Verify) -> None:
    """Who has the key can make all but what somebody else kept."""
    kept = Log([bet(each) for each in range(1, 12)])
    anew = Log([*kept.events[:4], bet(5, state=b'{"amount": 5}'), *kept.events[5:]], kept.key)
    case = {**anew.case(5, 11), "checkpoint": kept.checkpoint(11)}
    (found,) = verify([case])
    assert found == {**PROVEN, "path": "fails"}
    untouched = {**anew.case(4, 11), "checkpoint": kept.checkpoint(11)}
    assert verify([untouched]) == [{**PROVEN, "path": "fails"}]


def test_a_checkpoint_of_another_log_says_nothing(verify: Verify) -> None:
    events = [bet(each) for each in range(1, 12)]
    other = Log(events, generate_key(ORIGIN[:-32] + "f" * 32))
    case = {
        **Log(events).case(5, 11),
        "checkpoint": other.checkpoint(11),
        "keys": [str(other.key.vkey)],
    }
    (found,) = verify([case])
    assert found == {**PROVEN, "log": "fails", "event": "unchecked", "path": "unchecked"}


def test_an_older_checkpoint_says_nothing_of_a_later_event(verify: Verify) -> None:
    log = Log([bet(each) for each in range(1, 12)])
    case = {**log.case(5, 11), "checkpoint": log.checkpoint(4)}
    (found,) = verify([case])
    assert found == {**PROVEN, "log": "unusable", "event": "unchecked", "path": "unchecked"}


def test_a_checkpoint_that_was_indented_or_pasted_twice_is_the_same(verify: Verify) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    note = case["checkpoint"]
    pasted = (
        note * 2,
        note.strip() * 2,
        f"{note}\n\n{note}",
        f"{note}\r\n{note}",
        "    " + note.replace("\n", "\n    "),
        note.replace("\n", "\t\n"),
    )
    assert verify([{**case, "checkpoint": each} for each in pasted]) == [PROVEN] * len(pasted)


def test_lines_of_witnesses_and_line_breaks_of_another_system_do_no_harm(verify: Verify) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    witness = Signature("witness.example", b"abcd", bytes(72)).line
    around = "\n  " + (case["checkpoint"] + witness).replace("\n", "\r\n") + "\r\n\r\n"
    assert verify([{**case, "checkpoint": around}]) == [PROVEN]


def test_no_key_and_no_ed25519_leave_the_signature_unchecked(
    verify: Verify, visitor: WebDriver
) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    assert verify([{**case, "keys": []}]) == [{**PROVEN, "signature": "unchecked"}]
    visitor.execute_script(
        "window.kept = crypto.subtle.importKey; crypto.subtle.importKey = async () => {"
        " throw new DOMException('no such algorithm', 'NotSupportedError') }"
    )
    try:
        assert verify([case]) == [{**PROVEN, "signature": "unchecked"}]
    finally:
        visitor.execute_script("crypto.subtle.importKey = window.kept")


@settings(max_examples=30)
@given(st.lists(st.text(max_size=200) | st.just(ORIGIN + "\n2\n"), min_size=1, max_size=20))
def test_no_text_is_taken_for_a_checkpoint(verify: Verify, texts: list[str]) -> None:
    case = Log([bet(1), bet(2)]).case(2, 2)
    for found in verify([{**case, "checkpoint": each} for each in texts]):
        assert found["checkpoint"] == "unusable"
        assert "holds" not in found.values()
