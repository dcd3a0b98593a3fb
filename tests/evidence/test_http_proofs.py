"""Checkpoints, proofs and keys over HTTP, each verified by what the RFC and C2SP say alone."""

from base64 import b64decode
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.log_keys import LogKey, key_spans, log_keys
from app.evidence.store import checkpoint_of
from app.log.leaves import current_log
from domain.evidence.notes import Note, Signature, parse_note
from postgres.connections import connect
from tests.evidence.auditor import (
    PATHS,
    Checkpoint,
    consistent,
    fetch,
    included,
    leaf_hash,
    read_checkpoint,
    tree_root,
)
from tests.evidence.conftest import LARGE, Audited, new_audited
from tests.evidence.reading import expected_hashes, leaf_of
from tests.http.service import Service
from tests.http.wire import EVENTS, assert_problem, body, login

pytestmark = pytest.mark.xdist_group("evidence")

DAY = 484
IMMUTABLE = "private, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def hashes(day: Audited) -> list[bytes]:
    """The leaf hashes of the day, made from its rows."""
    with connect(day.database.service_url) as connection:
        return expected_hashes(connection, day.tenant_id)


@pytest.fixture(scope="module")
def issued(day: Audited) -> list[int]:
    """The sizes of which a checkpoint was issued."""
    with connect(day.database.service_url) as connection:
        rows = connection.execute(
            "select size from checkpoints where tenant_id = %s and tree = 'log' order by size",
            [day.tenant_id],
        ).fetchall()
    return [row[0] for row in rows]


def decoded(encoded: list[str]) -> list[bytes]:
    return [b64decode(each, validate=True) for each in encoded]


def test_the_newest_checkpoint_is_the_root_of_all_that_was_recorded(
    day: Audited, client: httpx.Client, hashes: list[bytes]
) -> None:
    answer = fetch(client, "checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    origin = day.vkey.name
    assert read_checkpoint(answer.text, day.vkey) == Checkpoint(origin, DAY, tree_root(hashes))
    assert day.tenant not in answer.text


def test_each_checkpoint_that_was_issued_can_be_asked_for_and_no_other(
    day: Audited, client: httpx.Client, hashes: list[bytes], issued: list[int]
) -> None:
    assert len(issued) >= 12
    for size in issued:
        answer = fetch(client, "checkpoint", size=size)
        found = read_checkpoint(answer.text, day.vkey)
        assert (found.size, found.root) == (size, tree_root(hashes[:size]))
        assert answer.headers["cache-control"] == IMMUTABLE
    for size in set(range(1, DAY)) - {*issued}:
        answer = client.get(f"{PATHS}/checkpoint", params={"size": size})
        assert_problem(answer, "not-found")
        assert "retry-after" not in answer.headers
        break


def test_sizes_beyond_the_last_sealed_one_may_be_asked_for_again(client: httpx.Client) -> None:
    for path in ("checkpoint?size=485", "inclusion?position=485", "inclusion?position=1&size=485",
                 "inclusion?position=9223372036854775807", "consistency?from=1&to=485",
                 "consistency?from=500&to=501", "bundle?to_position=485", "bundle?from_position=485",
                 "bundle?since=485", "bundle?player_id=StQ-1&since=485"):  # fmt: skip
        answer = client.get(f"{PATHS}/{path}")
        problem = assert_problem(answer, "not-sealed")
        assert problem["evidence_size"] == DAY, path
        assert answer.headers["retry-after"] == "1"


@given(st.data())
def test_an_inclusion_is_proven_for_every_position_and_size(
    client: httpx.Client, hashes: list[bytes], issued: list[int], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, DAY) | st.sampled_from(issued))
    position = data.draw(st.integers(1, size))
    found: Any = fetch(client, "inclusion", position=position, size=size).json()
    assert list(found) == [
        *("position", "index", "size", "leaf_hash", "leaf", "proof", "checkpoint", "committed"),
    ]
    assert (found["position"], found["index"], found["size"]) == (position, position - 1, size)
    leaf = b64decode(found["leaf"], validate=True)
    assert len(leaf) == 69
    sealed = b64decode(found["leaf_hash"], validate=True)
    assert leaf_hash(leaf) == sealed == hashes[position - 1]
    root = included(sealed, position - 1, size, decoded(found["proof"]))
    assert root == tree_root(hashes[:size])
    assert (found["checkpoint"] is not None) == (size in issued)


def test_a_leaf_can_be_made_of_what_history_and_its_inclusion_show(
    day: Audited, client: httpx.Client
) -> None:
    salts = set()
    for position in (1, 5, 8, 21, DAY):
        asked = {"from_position": position, "to_position": position}
        page = client.get("/api/v1/history", params=asked)
        entry = page.json()["items"][0]
        answer = fetch(client, "inclusion", position=position, size=DAY)
        found = answer.json()
        row = {
            **entry,
            "topic": entry["type"],
            "recorded_at": datetime.fromisoformat(entry["recorded_at"]),
            "occurred_at": datetime.fromisoformat(found["committed"]["occurred_at"]),
            "key": bytes.fromhex(found["committed"]["key"]),
            "salt": bytes.fromhex(found["committed"]["salt"]),
            "state": page.content.partition(b'"data":')[2].rpartition(b"}],")[0],
            "kept": found["committed"]["commitment"],
        }
        assert row["kept"] is None
        log_id = bytes.fromhex(page.headers["log-id"])
        assert leaf_of(log_id, row) == b64decode(found["leaf"])
        # What is salted can be erased, and then nothing of it is to be left.
        is_salted = row["salt"] != bytes(16)
        assert answer.headers["cache-control"] == ("no-store" if is_salted else IMMUTABLE)
        salts.add(is_salted)
    assert salts == {True, False}


@given(st.data())
def test_that_the_log_only_grew_is_proven_for_every_two_sizes(
    client: httpx.Client, hashes: list[bytes], data: st.DataObject
) -> None:
    newer = data.draw(st.integers(1, DAY))
    older = data.draw(st.integers(1, newer))
    answer = fetch(client, "consistency", **{"from": older, "to": newer})
    assert answer.headers["cache-control"] == IMMUTABLE
    found: Any = answer.json()
    assert list(found) == ["from", "to", "proof"]
    assert (found["from"], found["to"]) == (older, newer)
    before = tree_root(hashes[:older])
    roots = consistent(older, newer, decoded(found["proof"]), before)
    assert roots == (before, tree_root(hashes[:newer]))


def test_proofs_hold_where_the_tree_has_three_levels(large: Audited) -> None:
    with large.client() as client:
        root = read_checkpoint(fetch(client, "checkpoint").text, large.vkey).root
        for position in (1, 256, 257, 65_536, 65_537, 69_888, 69_889, LARGE):
            found: Any = fetch(client, "inclusion", position=position).json()
            assert found["size"] == LARGE
            sealed = b64decode(found["leaf_hash"])
            assert leaf_hash(b64decode(found["leaf"])) == sealed
            assert included(sealed, position - 1, LARGE, decoded(found["proof"])) == root
        for older in (10_000, 20_000, 60_000):
            note = fetch(client, "checkpoint", size=older).text
            before = read_checkpoint(note, large.vkey).root
            between: Any = fetch(client, "consistency", **{"from": older, "to": LARGE}).json()
            assert consistent(older, LARGE, decoded(between["proof"]), before) == (before, root)


def test_an_inclusion_as_a_text_is_what_c2sp_says(
    day: Audited, client: httpx.Client, hashes: list[bytes], issued: list[int]
) -> None:
    for size, position in ((None, 1), (None, DAY), (issued[0], 1), (issued[3], issued[2])):
        asked = {"position": position} | ({} if size is None else {"size": size})
        answer = client.get(f"{PATHS}/inclusion", params=asked, headers={"accept": "text/plain"})
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == ("no-cache" if size is None else IMMUTABLE)
        header, extra, index, *rest = answer.text.split("\n")
        assert header == "c2sp.org/tlog-proof@v1"
        leaf = b64decode(extra.removeprefix("extra "), validate=True)
        assert index == f"index {position - 1}"
        end = rest.index("")
        checkpoint = read_checkpoint("\n".join(rest[end + 1 :]), day.vkey)
        assert checkpoint.size == (size or DAY)
        root = included(leaf_hash(leaf), position - 1, checkpoint.size, decoded(rest[:end]))
        assert root == checkpoint.root
    never_issued = next(size for size in range(1, DAY) if size not in issued)
    asked = {"position": 1, "size": never_issued}
    answer = client.get(f"{PATHS}/inclusion", params=asked, headers={"accept": "text/plain"})
    assert_problem(answer, "not-found")


def test_a_receipt_is_proven_later(day: Audited, sealing: tuple[Service, Any]) -> None:
    """Who keeps the hash that came with a receipt needs no word of the operator's."""
    own = new_audited(*sealing, "receipts")
    with own.client() as client:
        receipt = client.post(
            EVENTS,
            content=body(login("a"), login("b")),
            headers={"prefer": "return=representation"},
        ).json()
        own.send(body(login("c")))
        for each in receipt["items"]:
            found: Any = fetch(client, "inclusion", position=each["position"]).json()
            assert found["leaf_hash"] == each["leaf_hash"]
            root = included(
                b64decode(each["leaf_hash"]), found["index"], found["size"], decoded(found["proof"])
            )
            assert root == read_checkpoint(found["checkpoint"], own.vkey).root


def test_what_witnesses_signed_stands_under_the_checkpoint(sealing: tuple[Service, Any]) -> None:
    own = new_audited(*sealing, "witnessed")
    size, other = (own.send(body(login(each))) for each in "ab")
    lines = {
        "witness:https://a.example+a": Signature("a.example", b"aaaa", b"\x01" * 72),
        "witness:https://b.example+b": Signature("b.example", b"bbbb", b"\x02" * 72),
        "tsa:https://c.example": Signature("c.example", b"cccc", b"\x03" * 72),
        "witnesses": Signature("d.example", b"dddd", b"\x04" * 72),
    }
    with connect(own.database.service_url) as connection:
        log = current_log(connection, own.tenant_id)
        assert log is not None
        kept = checkpoint_of(connection, log, "log", size)
        for target, signature in lines.items():
            connection.execute(
                "insert into anchors (tenant_id, log_number, tree, target, size, receipt, anchored_at)"
                " values (%s, %s, 'log', %s, %s, %s, now())",
                [log.tenant_id, log.number, target, size, signature.line.encode()],
            )
    assert kept is not None
    signed = parse_note(kept.note.encode())
    names = ["witness:https://a.example+a", "witness:https://b.example+b"]
    cosigned = Note(signed.text, (*signed.signatures, *(lines[name] for name in names)))
    with own.client() as client:
        assert fetch(client, "checkpoint", size=size).text == str(cosigned)
        assert fetch(client, "inclusion", position=1, size=size).json()["checkpoint"] == str(
            cosigned
        )
        assert "example" not in fetch(client, "checkpoint", size=other).text


def test_the_keys_are_those_that_sign(day: Audited, client: httpx.Client) -> None:
    found: Any = fetch(client, "keys").json()
    vkey = str(day.vkey)
    key = {"vkey": vkey, "from_size": 0, "to_size": None, "revoked": False}
    assert found == {"origin": day.vkey.name, "keys": [key], "statements": []}


def test_a_key_signs_until_another_follows_it_or_it_is_revoked(day: Audited) -> None:
    with connect(day.database.service_url) as connection:
        log = current_log(connection, day.tenant_id)
        assert log is not None
        (first,) = log_keys(connection, log)

    def key(number: int, vkey: str, from_size: int, *, revoked: bool = False) -> LogKey:
        return LogKey(number, vkey, from_size, "note", revoked, first.added_at)

    spans = key_spans([first, key(2, "b", 100), key(3, "b", 150, revoked=True), key(4, "c", 150)])
    assert [(each.vkey, each.from_size, each.to_size, each.revoked) for each in spans] == [
        (first.vkey, 0, 100, False),
        ("b", 100, 150, True),
        ("c", 150, None, False),
    ]


def test_history_tells_how_much_is_sealed(sealing: tuple[Service, Any]) -> None:
    own = new_audited(*sealing, "told")
    with own.client() as client:
        for size in (0, 3):
            for accept in ("application/json", "application/x-ndjson", "text/event-stream"):
                asked = {"to_position": 3} if size else {"to_position": 0}
                answer = client.get("/api/v1/history", params=asked, headers={"accept": accept})
                assert answer.headers["evidence-size"] == str(size), accept
            if not size:
                for path in (
                    "checkpoint",
                    "inclusion?position=1",
                    "consistency?from=1&to=1",
                    "bundle",
                ):
                    problem = assert_problem(client.get(f"{PATHS}/{path}"), "not-sealed")
                    assert problem["evidence_size"] == 0
                own.send(body(*(login(each) for each in "abc")))
        ended = client.get(
            "/api/v1/history",
            params={"to_position": 3},
            headers={"accept": "text/event-stream", "last-event-id": "3"},
        )
    assert (ended.status_code, ended.headers["evidence-size"]) == (204, "3")


def test_two_workers_give_the_same(day: Audited) -> None:
    """Whoever answers, the bytes are the same: what is sealed is in the store."""
    paths = (
        "checkpoint?size=484",
        "tile/0/000",
        "tile/entries/001.p/228",
        "inclusion?position=77&size=484",
    )
    answers: dict[str, set[bytes]] = {path: set() for path in paths}
    for _ in range(12):
        with day.client() as client:  # a connection of its own, which either of them takes
            for path in paths:
                answers[path].add(client.get(f"{PATHS}/{path}").content)
    assert len(day.service.workers()) == 2
    assert all(len(each) == 1 for each in answers.values())


def test_sizes_only_grow_while_events_come_in(sealing: tuple[Service, Any]) -> None:
    own = new_audited(*sealing, "growing")
    notes = []
    with own.client() as client:
        for number in range(6):
            own.send(body(*(login(f"{number}-{each}") for each in range(50))))
            notes.append(read_checkpoint(fetch(client, "checkpoint").text, own.vkey))
        for older, newer in pairwise(notes):
            found: Any = fetch(
                client, "consistency", **{"from": older.size, "to": newer.size}
            ).json()
            roots = consistent(older.size, newer.size, decoded(found["proof"]), older.root)
            assert roots == (older.root, newer.root)
