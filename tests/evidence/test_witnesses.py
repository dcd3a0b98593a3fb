"""Witnesses cosign what continues what they saw, over real HTTP, and say what doesn't."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256

import pytest

from app.evidence.anchors.anchor import (
    AnchorError,
    ContradictionError,
    UnfitAnchorError,
)
from app.evidence.anchors.opening import open_anchor
from app.evidence.anchors.witnesses import WitnessAnchor
from app.evidence.keys import SigningKey
from app.evidence.verifying import verify
from domain.evidence.anchoring import AnchorSpec, parse_anchors
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import EMPTY_ROOT
from domain.evidence.notes import Note, parse_note, parse_verifier_key
from tests.evidence.histories import ORIGIN, History, a_key, check_against
from tests.evidence.loopback import Reply, Request, forget_proxies, served
from tests.evidence.witness import NAME, Witness

TRUE, FALSE = History(0), History(1)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_proxies(monkeypatch)


@pytest.fixture
def witness() -> Witness:
    return Witness(str(a_key().vkey))


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    with served(witness) as url:
        yield url


Opened = Callable[[str, str], WitnessAnchor]


@pytest.fixture
def opened(cleanup: ExitStack) -> Opened:
    """A function that opens the witness of a URL and a vkey, as a process does that was just started."""

    def open_it(url: str, vkey: str) -> WitnessAnchor:
        (spec,) = parse_anchors(f"witness:{url}/+{vkey}")
        anchor = open_anchor(spec)
        cleanup.callback(anchor.close)
        assert isinstance(anchor, WitnessAnchor)
        return anchor

    return open_it


@pytest.fixture
def start(opened: Opened, witness: Witness, url: str) -> Callable[[], WitnessAnchor]:
    """A function that opens the witness anew."""
    return lambda: opened(url, witness.vkey)


@pytest.fixture
def anchor(start: Callable[[], WitnessAnchor]) -> WitnessAnchor:
    return start()


def signed(size: int, history: History = TRUE) -> Note:
    text = history.at(size).text
    return Note(text).signed([a_key().sign(text)])


def test_a_growing_log_is_cosigned_and_its_note_verifies_with_both_keys(
    anchor: WitnessAnchor, witness: Witness
) -> None:
    for size in (1, 2, 2, 7, 8, 300):
        note = signed(size)
        receipt = anchor.anchor(note, TRUE.prove(size))
        whole = parse_note(str(note.signed(receipt.cosignatures)).encode())
        ours, theirs = verify(whole, [parse_verifier_key(witness.vkey), a_key().vkey])
        assert ours.vkey == a_key().vkey
        assert theirs.signed_at is not None
        assert theirs.signed_at.isoformat() == "2025-06-15T15:06:40+00:00"
        assert receipt.data.decode() == witness.cosign(note.text)
    # It knew what the witness saw: one request for each, with the proof from the one before.
    assert len(witness.requests) == 6
    assert witness.requests[3].body.startswith(b"old 2\n")


def test_the_request_is_as_the_protocol_says(anchor: WitnessAnchor, witness: Witness) -> None:
    anchor.anchor(signed(3), TRUE.prove(3))
    anchor.anchor(signed(5), TRUE.prove(5))
    request = witness.requests[-1]
    assert (request.method, request.path) == ("POST", "/add-checkpoint")
    head, _, note = request.body.decode().partition("\n\n")
    assert head.splitlines()[0] == "old 3"
    assert len(head.splitlines()[1:]) == len(TRUE.prove(5)(3))
    assert note == str(signed(5))


def test_a_process_that_does_not_know_what_the_witness_saw_learns_it(
    start: Callable[[], WitnessAnchor], witness: Witness
) -> None:
    start().anchor(signed(5), TRUE.prove(5))
    assert start().anchor(signed(9), TRUE.prove(9)).cosignatures
    assert [each.body.partition(b"\n")[0] for each in witness.requests] == [
        b"old 0",
        b"old 0",
        b"old 5",
    ]


def test_a_log_that_another_process_submitted_meanwhile_is_proven_from_there(
    anchor: WitnessAnchor, start: Callable[[], WitnessAnchor]
) -> None:
    anchor.anchor(signed(5), TRUE.prove(5))
    start().anchor(signed(7), TRUE.prove(7))
    assert anchor.anchor(signed(9), TRUE.prove(9)).cosignatures


def test_a_rollback_is_found(anchor: WitnessAnchor, start: Callable[[], WitnessAnchor]) -> None:
    anchor.anchor(signed(9), TRUE.prove(9))
    for each in (anchor, start()):
        with pytest.raises(
            ContradictionError, match=r"cosigned size 9 of .*, and the log has 5"
        ) as it:
            each.anchor(signed(5), TRUE.prove(5))
        assert it.value.finding == "rollback"


@pytest.mark.parametrize("size", [9, 10])
def test_a_fork_is_found(
    anchor: WitnessAnchor, start: Callable[[], WitnessAnchor], witness: Witness, size: int
) -> None:
    anchor.anchor(signed(9), TRUE.prove(9))
    seen = dict(witness.seen)
    for each in (anchor, start()):
        with pytest.raises(
            ContradictionError, match=r"is not convinced that size .*: 422, 'the"
        ) as it:
            each.anchor(signed(size, FALSE), FALSE.prove(size))
        assert it.value.finding == "fork"
    assert witness.seen == seen


def test_what_the_witness_publishes_is_held_against_the_log(anchor: WitnessAnchor) -> None:
    vkeys = [a_key().vkey]
    own = TRUE.at(9)
    assert check_against(anchor, own, vkeys, TRUE.prove(9)) is None
    anchor.anchor(signed(5), TRUE.prove(5))
    newest = anchor.newest(ORIGIN)
    assert newest is not None
    assert newest.text == TRUE.at(5).text
    for size in (5, 9):
        assert check_against(anchor, TRUE.at(size), vkeys, TRUE.prove(size)) == TRUE.at(5)
    unsealed = type(own)(ORIGIN, 0, EMPTY_ROOT)
    for log, found in ((TRUE.at(4), "rollback"), (unsealed, "rollback"), (FALSE.at(5), "fork")):
        with pytest.raises(ContradictionError, match="has size 5 of") as it:
            check_against(anchor, log, vkeys, FALSE.prove(log.size))
        assert it.value.finding == found
    with pytest.raises(ContradictionError, match="does not begin with that") as it:
        check_against(anchor, FALSE.at(9), vkeys, FALSE.prove(9))
    assert it.value.finding == "fork"
    with pytest.raises(
        AnchorError, match="shows no checkpoint of the log: the note is not signed by"
    ):
        check_against(anchor, own, [SigningKey(ORIGIN, bytes(32)).vkey], TRUE.prove(9))


def test_each_tree_is_witnessed_by_its_own_origin(anchor: WitnessAnchor, witness: Witness) -> None:
    trees: tuple[Tree, ...] = ("log", "heads", "accesses")
    for number, tree in enumerate(trees):
        history = History(number, tree)
        anchor.anchor(signed(3 + number, history), history.prove(3 + number))
    assert {origin: seen[0] for origin, seen in witness.seen.items()} == {
        ORIGIN: 3,
        f"{ORIGIN}/heads": 4,
        f"{ORIGIN}/accesses": 5,
    }


def test_lines_of_its_other_keys_are_kept_and_those_of_other_names_dropped(
    anchor: WitnessAnchor, witness: Witness
) -> None:
    post_quantum = "— " + NAME + " " + "AAAA" * 900 + "\n"
    false = a_key().sign("something else\n").line
    witness.more_lines = post_quantum + false + "— witness.example/w2 AAAAAAAAAAAA\n"
    note = signed(3)
    receipt = anchor.anchor(note, TRUE.prove(3))
    assert receipt.data.decode() == witness.cosign(note.text) + post_quantum
    whole = note.signed(receipt.cosignatures)
    assert verify(parse_note(str(whole).encode()), [a_key().vkey, parse_verifier_key(witness.vkey)])


@pytest.mark.parametrize(
    ("logs", "words"),
    [
        ([], "does not know the log: .*404, 'unknown log'"),
        ([str(SigningKey(ORIGIN, bytes(32)).vkey)], "does not trust the key .*403"),
    ],
)
def test_a_witness_that_was_not_told_of_the_log_is_a_matter_of_settings(
    opened: Opened, logs: list[str], words: str
) -> None:
    witness = Witness(*logs)
    with served(witness) as url, pytest.raises(UnfitAnchorError, match=words) as refused:
        opened(url, witness.vkey).anchor(signed(3), TRUE.prove(3))
    assert ORIGIN in str(refused.value)


def cosigned_by_another(request: Request) -> Reply:
    text = request.body.decode().partition("\n\n")[2].partition("\n\n")[0] + "\n"
    return Reply(200, Witness(seed=b"\x22" * 32).cosign(text).encode())


def cosigned_something_else(_: Request) -> Reply:
    return Reply(200, Witness().cosign(TRUE.at(4).text).encode())


def without_a_time(_: Request) -> Reply:
    return Reply(200, Witness(time=0).cosign(TRUE.at(3).text).encode())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (cosigned_by_another, "not signed by witness.example/w1"),
        (cosigned_something_else, "does not hold"),
        (without_a_time, "can't have the time 0"),
        (lambda _: Reply(200), "does not end with a signature line"),
        (lambda _: Reply(200, b"\xff\n"), "can't decode"),
        (lambda _: Reply(200, b"fine\n"), "em dash"),
        (lambda _: Reply(409, b"7\n"), "answers 409, '7'"),
        (lambda _: Reply(409, b"7", "text/x.tlog.size"), "answers 409, '7'"),
        (lambda _: Reply(409, b"-7\n", "text/x.tlog.size"), "answers 409, '-7'"),
        (lambda _: Reply(409, b"1\n", "text/x.tlog.size"), "is being asked by others; it is at 1"),
        (lambda _: Reply(500, b"out of order"), "answers 500, 'out of order'"),
        (lambda _: Reply(429), "answers 429"),
        (lambda _: Reply(301), "answers 301"),
        (lambda _: Reply(200, bytes(10**6)), "more than 262144 bytes"),
    ],
)
def test_answers_that_are_none_are_no_receipts_and_no_findings(
    opened: Opened, answer: object, words: str
) -> None:
    assert callable(answer)
    with served(answer) as url:
        anchor = opened(url, Witness().vkey)
        with pytest.raises(AnchorError, match=words) as refused:
            anchor.anchor(signed(3), TRUE.prove(3))
        assert type(refused.value) is AnchorError
        assert f"witness:{url}" in str(refused.value)


def test_a_witness_that_takes_the_request_for_malformed_is_unfit(opened: Opened) -> None:
    with served(lambda _: Reply(400, b"what?")) as url:
        anchor = opened(url, Witness().vkey)
        with pytest.raises(UnfitAnchorError, match=r"malformed .*400, 'what"):
            anchor.anchor(signed(3), TRUE.prove(3))


def test_what_is_published_must_be_cosigned_and_of_the_origin(
    opened: Opened, witness: Witness
) -> None:
    text = TRUE.at(5).text
    other = History(0, "heads").at(5).text
    published = {
        f"{text}\n{a_key().sign(text).line}": "not signed by witness",
        f"{other}\n{witness.cosign(other)}": f"publishes {ORIGIN}/heads as {ORIGIN}",
        "nothing yet": "no blank line",
    }
    for body, words in published.items():
        with served(lambda _, body=body: Reply(200, body.encode())) as url:  # type: ignore[misc]
            anchor = opened(url, witness.vkey)
            with pytest.raises(AnchorError, match=words):
                anchor.newest(ORIGIN)
    with served(lambda _: Reply(503)) as url:
        anchor = opened(url, witness.vkey)
        with pytest.raises(AnchorError, match="answers 503"):
            anchor.newest(ORIGIN)


def test_a_witness_out_of_reach_is_to_be_tried_again(opened: Opened, witness: Witness) -> None:
    with served(witness) as url:
        pass
    anchor = opened(url, witness.vkey)
    with pytest.raises(AnchorError, match=f"witness:{url} can't be asked: ") as refused:
        anchor.anchor(signed(3), TRUE.prove(3))
    assert type(refused.value) is AnchorError


def test_the_origin_is_published_by_its_hash(anchor: WitnessAnchor, witness: Witness) -> None:
    anchor.newest(ORIGIN)
    assert witness.requests[-1].path == f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"


def test_a_witness_without_a_key_is_none() -> None:
    with pytest.raises(ValueError, match="has a key"):
        WitnessAnchor(AnchorSpec("witness", "http://127.0.0.1", 60))
