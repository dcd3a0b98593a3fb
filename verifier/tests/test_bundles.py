"""Whole bundles, untouched and tampered with: each finding has its code and its place."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from roundbook_verify import order
from roundbook_verify.main import main
from verifier.tests.building import (
    NOON,
    OPERATOR,
    ORIGIN,
    WITNESSES,
    Log,
    Signer,
    b64,
    bet,
    compact,
    erased_log,
    note,
    player_log,
    root,
    write,
)

Found = list[tuple[str, str]]
Members = dict[str, bytes]
Run = Callable[..., tuple[int, Found, Any]]


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Verify members as a bundle: exit status, findings as (positions, code), and the whole answer."""

    def run(members: Any, *options: str) -> tuple[int, Found, Any]:
        bundle = write(tmp_path / "bundle.zip", members)
        status = main([str(bundle), "--vkey", OPERATOR.vkey, "--json", *options])
        told = json.loads(capsys.readouterr().out)
        found = told["findings"]
        places = [str(f["from"]) if f["from"] == f["to"] else f"{f['from']}-{f['to']}" for f in found]
        return status, [(place, f["code"]) for place, f in zip(places, found, strict=True)], told

    return run


@pytest.mark.parametrize("log", [player_log(), erased_log()], ids=["players", "erased"])
def test_an_untouched_range_is_proven(verify: Run, log: Log) -> None:
    size = len(log.events)
    for first, last in [(1, size), (1, 1), (size, size), (2, 11), (4, 5), (5, 8), (7, 10), (3, size)]:
        status, found, told = verify(log.range(first, last))
        assert (status, found, told["proven"]) == (0, [], True), (first, last)
        assert told["summary"]["events"] == last - first + 1


@pytest.mark.parametrize("size", [0, 1, 3, 5, 11, 12])
def test_an_untouched_stream_is_proven(verify: Run, size: int) -> None:
    log = player_log()
    for stream in ("player:Ada", "player:Bo", "player:Çelik", "a", "player:B", "z", "game:btg/bonanza"):
        status, found, _ = verify(log.stream(stream, size))
        assert (status, found) == (0, []), stream


def test_every_size_of_log_is_proven(verify: Run) -> None:
    log = player_log()
    for size in range(1, 13):
        part = Log(log.events[:size])
        assert verify(part.range())[:2] == (0, [])
        assert verify(part.range() | {"since.json": part.since((size + 1) // 2)})[:2] == (0, [])


def test_states_of_all_forms_are_proven(verify: Run) -> None:
    states = [
        b"{}",
        b'{"a":"\\r\\n",\r\n"b":[1]}',
        b" {\n} ",
        '{"unique_id":"é\\u00e9","timestamp":"2025-01-15t13:00:00.1234569+01:00"}'.encode(),
        b'{"n":' + b"9" * 5000 + b',"f":1e999,"unique_id":null,"timestamp":"yesterday"}',
        b"[" * 128 + b"]" * 128,
        b'{"x":",\\"data\\":"}',
    ]
    log = player_log()
    for at, state in enumerate(states):
        log.events[at] = replace(log.events[at], state=state)
    log.events[3] = replace(
        log.events[3],
        key=bytes.fromhex("c2ad2c0b7c8dcfd8d7ab6e5e0d6be8bd"),
        occurred=NOON - 123_456 + 123_456,
    )
    _, found, _ = verify(log.range())
    assert found == [("4", "line")]  # the key that is not that of éé
    log.events[3] = replace(log.events[3], key=bytes.fromhex(hash_of("éé")))
    log.events[2] = replace(log.events[2], stream='player:"\\\t☃')
    log.events[2] = replace(log.events[2], version=1)
    log.events[5] = replace(log.events[5], version=2)
    _, found, told = verify(log.range())
    assert [f for f in found if f[1] != "version"] == []
    assert "timestamp of another form: 1 times" in told["summary"]["unchecked"]


def hash_of(unique_id: str) -> str:
    return hashlib.blake2b(unique_id.encode(), digest_size=16).hexdigest()


def lines(members: Members) -> list[bytes]:
    return members["events.ndjson"].splitlines(keepends=True)


def change_line(position: int, old: bytes, new: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        every = lines(members)
        assert every[position - 1].count(old) == 1
        every[position - 1] = every[position - 1].replace(old, new)
        members["events.ndjson"] = b"".join(every)

    return change


def reorder(*order: int) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        every = lines(members)
        members["events.ndjson"] = b"".join(every[n - 1] for n in order)

    return change


def cut(name: str, start: int, stop: int, instead: bytes = b"") -> Callable[[Members], None]:
    def change(members: Members) -> None:
        data = members[name]
        stop_ = stop or len(data)
        members[name] = data[:start] + instead + data[stop_:]

    return change


def put(name: str, data: bytes) -> Callable[[Members], None]:
    def change(members: Members) -> None:
        members[name] = data

    return change


LEAF = player_log().leaves
OTHER = Signer(ORIGIN, b"o" * 32)
TAMPERED: dict[str, tuple[Callable[[Members], None], Found]] = {
    "amount": (change_line(5, b'"amount":0.5', b'"amount":1.5'), [("5", "leaf")]),
    "recorded_at": (change_line(5, b".123461Z", b".123460Z"), [("5", "leaf")]),
    "recorded_at back": (change_line(5, b".123461Z", b".023461Z"), [("5", "leaf"), ("5", "time")]),
    "occurred_at": (change_line(5, b":05.000000Z", b":05.000001Z"), [("5", "leaf"), ("5", "time")]),
    "key": (change_line(5, b'"key":"', b'"key":"0'), [("5", "line"), ("11", "version")]),
    "no key": (change_line(5, hash_of("bet-5").encode(), b"0" * 32), [("5", "leaf"), ("5", "line")]),
    "salt": (change_line(5, b'"salt":"0', b'"salt":"1'), [("5", "leaf")]),
    "stream": (change_line(5, 'Çelik","v'.encode(), b'Czlik","v'), [("5", "leaf"), ("11", "version")]),
    "type": (change_line(5, b"BetPlaced", b"WinPlaced"), [("5", "leaf")]),
    "not JSON": (change_line(5, b'"amount":0.5', b'"amount":NaN'), [("5", "leaf"), ("5", "line")]),
    "a member more": (change_line(5, b'"data"', b'"more":1,"data"'), [("5", "line"), ("11", "version")]),
    "no LF at the end": (cut("events.ndjson", -1, 0), [("12", "line")]),
    "an empty line": (change_line(5, b'{"position":5,', b'\n{"position":5,'), [("5", "gap"), ("5", "line")]),
    "deleted": (reorder(1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12), [("5", "gap"), ("11", "version")]),
    "deleted two": (reorder(1, 2, 3, 6, 7, 8, 9, 10, 11, 12), [("4-5", "gap"), ("10-11", "version")]),
    "cut at the end": (reorder(*range(1, 11)), [("11-12", "missing")]),
    "cut at the beginning": (
        reorder(*range(3, 13)),
        [("1-2", "missing"), ("3", "version"), ("8", "version")],
    ),
    "all gone": (put("events.ndjson", b""), [("1-12", "missing")]),
    "swapped": (
        reorder(1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11, 12),
        [("4", "time"), ("5", "gap"), ("5", "gap")],
    ),
    "doubled": (
        reorder(1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12),
        [("5", "gap"), ("5", "version")],
    ),
    "renumbered": (change_line(5, b'"position":5', b'"position":9'), [("5", "gap")]),
    "renumbered back": (change_line(5, b'"position":5', b'"position":2'), [("5", "gap")]),
    "one too many": (
        lambda members: members.update(
            {"events.ndjson": members["events.ndjson"] + bet(13, "player:new", 1).line}
        ),
        [("13", "gap")],
    ),
    "leaf": (cut("leaves", 32 * 4, 32 * 5, bytes(32)), [("1-12", "root"), ("5", "leaf")]),
    "leaves short": (cut("leaves", -32, 0), [("1-12", "leaves"), ("1-12", "root"), ("12", "gap")]),
    "leaves long": (lambda m: m.update(leaves=m["leaves"] + bytes(32)), [("1-12", "leaves")]),
    "leaves in part": (cut("leaves", -1, 0), [("1-12", "leaves"), ("1-12", "root"), ("12", "gap")]),
    "proof": (put("proof.json", compact({"range": [b64(bytes(32))]})), [("1-12", "root")]),
    "proof of another form": (put("proof.json", b"[]"), [("1-12", "root")]),
    "proof with NaN": (put("proof.json", b'{"range":NaN}'), [("1-12", "root")]),
    "deep proof": (put("proof.json", b'{"range":' + b"[" * 30000), [("1-12", "root")]),
    "root signed anew": (put("checkpoint", note(12, bytes(32))), [("1-12", "root")]),
    "signature": (put("checkpoint", note(12, root(LEAF), [OTHER])), [("1-12", "signature")]),
    "a known key's wrong signature": (
        put("checkpoint", note(12, root(LEAF)) + note(11, root(LEAF)).split(b"\n\n")[1]),
        [("1-12", "signature")],
    ),
    "unsigned": (put("checkpoint", note(12, root(LEAF), [])), [("1-12", "signature")]),
    "checkpoint of two lines": (put("checkpoint", b"a\n12\n\n"), [("1-12", "signature")]),
    "extension": (
        put("checkpoint", note(12, root(LEAF)).replace(b"\n\n", b"\nmore\n\n")),
        [("1-12", "signature")],
    ),
    "another size": (put("checkpoint", note(13, root(LEAF))), [("1-12", "bundle")]),
    "another origin": (
        put("checkpoint", note(12, root(LEAF), [OPERATOR], "casino.example/log/else")),
        [("1-12", "bundle"), ("1-12", "signature")],
    ),
    "a stranger": (put("../../etc/passwd", b""), [("1-12", "bundle")]),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_range_is_found(verify: Run, name: str) -> None:
    change, expected = TAMPERED[name]
    members = player_log().range()
    change(members)
    status, found, _ = verify(members)
    assert (status, found) == (1, expected)


@pytest.mark.parametrize("missing", ["events.ndjson", "leaves", "checkpoint", "proof.json"])
def test_a_member_that_is_missing_is_found(verify: Run, missing: str) -> None:
    members = player_log().range()
    del members[missing]
    status, found, _ = verify(members)
    assert status == 1
    assert ("1-12", "bundle") in found


def sealed_wrong(position: int, **changes: Any) -> Log:
    log = player_log()
    log.events[position - 1] = replace(log.events[position - 1], **changes)
    return log


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (sealed_wrong(7, recorded=NOON), [("7", "time")]),
        (sealed_wrong(4, occurred=NOON), [("4", "time")]),
        (sealed_wrong(4, occurred=None), [("4", "time")]),
        (sealed_wrong(4, key=bytes(16)), [("4", "line")]),
        (sealed_wrong(4, key=None), [("4", "line")]),
        (sealed_wrong(12, version=7), [("12", "version")]),
        (sealed_wrong(1, version=2), [("1", "version"), ("3", "version")]),
        (sealed_wrong(5, state=b"\xff"), [("5", "line")]),
        (sealed_wrong(5, state=b'"\\ud800"x'), [("5", "line")]),
        (sealed_wrong(5, state=b'{"unique_id":"\\ud800"}'), [("5", "line")]),
        (sealed_wrong(5, state=b"[" * 100_000), [("5", "line")]),
        (sealed_wrong(5, state=b""), [("5", "line")]),
        (sealed_wrong(5, erased=True), [("5", "erased")]),
    ],
)
def test_an_event_that_was_sealed_wrong_is_found(verify: Run, log: Log, expected: Found) -> None:
    assert verify(log.range())[:2] == (1, expected)


def test_an_erased_event_needs_its_record(verify: Run) -> None:
    log = erased_log()
    status, found, told = verify(log.range())
    assert (status, found) == (0, [])
    assert told["summary"]["erased"] == [5]
    assert any("content of 1 erased" in words for words in told["summary"]["unchecked"])
    assert verify(log.range(2, 8))[:2] == (0, [])
    assert verify(log.stream("player:Çelik"))[:2] == (0, [])
    log.events[10] = replace(log.events[10], erased=True)
    assert verify(log.range())[:2] == (1, [("11", "erased")])
    assert verify(log.stream("player:Çelik"))[:2] == (1, [("11", "erased")])
    log.events[12] = replace(log.events[12], state=b'{"positions":[[4,6],[11,9999]]}')
    assert verify(log.range())[:2] == (0, [])
    log.events.append(bet(14, "player:Çelik", 4, erased=True))  # after the record that names it
    assert verify(log.range())[:2] == (1, [("14", "erased")])


def test_a_record_that_names_more_stretches_than_are_kept_in_mind_counts_as_a_whole(
    verify: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = erased_log()
    record = compact({"positions": [[1, 1], [2, 2], [5, 5]], "reason": "asked for", "by": "owner"})
    log.events[12] = replace(log.events[12], state=record)
    monkeypatch.setattr(order, "FOLLOWED", 2)
    assert verify(log.range())[:2] == (0, [])


def test_an_altered_commitment_is_found(verify: Run) -> None:
    members = erased_log().range()
    change_line(5, b'"commitment":"', b'"commitment":"00')(members)
    members["events.ndjson"] = members["events.ndjson"].replace(
        lines(members)[4][-5:], lines(members)[4][-3:]
    )
    assert verify(members)[1][0] == ("5", "leaf")


class TestWitnesses:
    def note(self, *signers: Signer) -> Members:
        return player_log().range() | {"checkpoint": note(12, root(LEAF), [OPERATOR, *signers])}

    def test_a_quorum_is_proven_and_named_with_its_time(self, verify: Run) -> None:
        named = [word for witness in WITNESSES for word in ("--witness", witness.vkey)]
        status, found, told = verify(self.note(*WITNESSES[:2]), *named, "--quorum", "2")
        assert (status, found) == (0, [])
        cosigned = [f"{witness.name} at 2025-01-16T04:00:00Z" for witness in WITNESSES[:2]]
        assert told["summary"]["cosigned"] == cosigned
        assert verify(self.note(*WITNESSES[:2]), *named)[:2] == (1, [("1-12", "witness")])

    def test_the_same_cosignature_twice_is_one(self, verify: Run) -> None:
        named = [word for witness in WITNESSES for word in ("--witness", witness.vkey)]
        twice = self.note(WITNESSES[0], WITNESSES[0])
        assert verify(twice, *named, "--quorum", "2")[:2] == (1, [("1-12", "witness")])

    def test_a_wrong_cosignature_is_found_though_the_quorum_is_reached(self, verify: Run) -> None:
        named = [word for witness in WITNESSES for word in ("--witness", witness.vkey)]
        other = replace(WITNESSES[2], seed=b"x" * 32)
        line = other.line("else").split()[2]
        wrong = self.note(*WITNESSES[:2])
        ident = b64(WITNESSES[2].id + b"\0" * 72)
        wrong["checkpoint"] += f"— {WITNESSES[2].name} {ident}\n— {other.name} {line}\n".encode()
        assert verify(wrong, *named, "--quorum", "2")[:2] == (1, [("1-12", "witness")])

    def test_unknown_kinds_are_kept_and_not_judged(self, verify: Run) -> None:
        members = self.note(WITNESSES[0])
        members["checkpoint"] += f"— pq.example/w {b64(bytes(2432))}\n".encode()
        status, found, told = verify(members)
        assert (status, found) == (0, [])
        assert "pq.example/w 00000000" in str(told["summary"]["unchecked"])


class TestSince:
    @pytest.fixture
    def kept(self, tmp_path: Path) -> Callable[[bytes], str]:
        def keep(data: bytes) -> str:
            (tmp_path / "kept").write_bytes(data)
            return str(tmp_path / "kept")

        return keep

    @pytest.mark.parametrize("size", [1, 4, 7, 11, 12])
    def test_a_log_that_went_on_is_proven(self, verify: Run, kept: Any, size: int) -> None:
        log = player_log()
        members = log.range() | {"since.json": log.since(size)}
        status, found, told = verify(members, "--since", kept(log.note(size)))
        assert (status, found, told["summary"]["since"]) == (0, [], [size])

    def test_a_fork_is_found(self, verify: Run, kept: Any) -> None:
        before, log = sealed_wrong(3, recorded=NOON + 2), player_log()
        members = log.range() | {"since.json": log.since(7)}
        assert verify(members, "--since", kept(before.note(7)))[:2] == (1, [("1-7", "fork")])
        assert verify(log.range(), "--since", kept(before.note(12)))[:2] == (1, [("1-12", "fork")])
        assert verify(log.range(), "--since", kept(log.note(7)))[:2] == (1, [("1-7", "fork")])
        forged = before.since(7)
        assert verify(log.range() | {"since.json": forged})[:2] == (1, [("1-7", "fork")])
        assert verify(log.range() | {"since.json": b"{}"})[:2] == (1, [("1-12", "fork")])

    def test_a_rollback_is_found(self, verify: Run, kept: Any) -> None:
        log = player_log()
        shorter = Log(log.events[:9])
        assert verify(shorter.range(), "--since", kept(log.note()))[:2] == (1, [("10-12", "rollback")])

    def test_a_note_of_another_log_or_key_is_found(self, verify: Run, kept: Any) -> None:
        log = player_log()
        other = note(12, root(LEAF), [OTHER])
        assert verify(log.range(), "--since", kept(other))[:2] == (1, [("1-12", "signature")])
        other = note(12, root(LEAF), [OPERATOR], "casino.example/log/else")
        assert verify(log.range(), "--since", kept(other))[:2] == (
            1,
            [("1-12", "fork"), ("1-12", "signature")],
        )


def change_proof(change: Callable[[Any], Any]) -> Callable[[Members], None]:
    def apply(members: Members) -> None:
        told = json.loads(members["proof.json"])
        change(told)
        members["proof.json"] = compact(told)

    return apply


def change_heads(**changes: Any) -> Callable[[Members], None]:
    return change_proof(lambda told: told["heads"].update(changes))


def without_the_last(members: Members) -> None:
    members["events.ndjson"] = b"".join(lines(members)[:-1])
    members["leaves"] = members["leaves"][:-32]
    change_proof(lambda told: told["inclusion"].pop("12"))(members)


HEADS = player_log().heads("player:Ada")
LATER = player_log().heads("player:Ada", 11)
STREAM: dict[str, tuple[Callable[[Members], None], Found]] = {
    "amount": (change_line(2, b'"amount":0.5', b'"amount":1.5'), [("3", "leaf")]),
    "left out": (without_the_last, [("12", "missing")]),
    "line left out": (reorder(1, 2, 4, 5, 6), [("6", "gap"), ("7", "version")]),
    "line left out at the end": (reorder(1, 2, 3, 4, 5), [("12", "missing")]),
    "leaf": (cut("leaves", 0, 32, bytes(32)), [("1", "leaf"), ("1", "root")]),
    "leaves short": (cut("leaves", -32, 0), [("1-12", "heads"), ("1-12", "leaves"), ("12", "gap")]),
    "leaves long": (lambda m: m.update(leaves=m["leaves"] + bytes(32)), [("1-12", "leaves")]),
    "leaves and a part of one": (lambda m: m.update(leaves=m["leaves"] + b"x"), [("1-12", "leaves")]),
    "an array in an audit path": (
        lambda m: m.update({"proof.json": b'{"inclusion":{"1":' + b"[" * 50_000 + b"]}}"}),
        [("1-12", "heads"), ("1-12", "leaves")]
        + [(position, "gap") for position in ("1", "3", "6-7", "9", "12")],
    ),
    "audit path": (
        change_proof(lambda told: told["inclusion"]["6"].pop()),
        [("6", "root")],
    ),
    "another stream": (
        change_line(2, b"player:Ada", b"player:Bob"),
        [("3", "leaf"), ("3", "line"), ("3", "version"), ("6", "version")],
    ),
    "no heads": (change_proof(lambda told: told.update(heads=None)), [("1-12", "heads")]),
    "version": (change_heads(version=7), [("1-12", "heads")]),
    "position": (change_heads(position=11), [("1-12", "heads")]),
    "index": (change_heads(index=0), [("1-12", "heads")]),
    "named otherwise": (change_heads(stream="player:Bo"), [("1-12", "heads")]),
    "statement index": (change_heads(statement_index=1), [("1-12", "heads")]),
    "statement": (change_heads(statement=LATER["statement"]), [("1-12", "heads")]),
    "consistency": (change_heads(consistency=LATER["consistency"]), [("1-12", "heads")]),
    "entry": (change_heads(entry=b64(b"\2" + bytes(20))), [("1-12", "heads")]),
    "neighbours": (change_heads(neighbours=[]), [("1-12", "heads")]),
    "absent": (
        change_heads(**dict.fromkeys(("entry", "index", "version", "position", "proof")), neighbours=[]),
        [("1-12", "heads"), ("12", "heads")],
    ),
    "another key": (
        change_heads(
            checkpoint=player_log().heads("player:Ada", signer=replace(OTHER, name=f"{ORIGIN}/heads"))[
                "checkpoint"
            ]
        ),
        [("1-12", "heads")],
    ),
    "not a note": (change_heads(checkpoint=7), [("1-12", "heads")]),
    "a member more": (change_heads(more=1), [("1-12", "heads")]),
}


@pytest.mark.parametrize("name", STREAM)
def test_a_tampered_stream_is_found(verify: Run, name: str) -> None:
    change, expected = STREAM[name]
    members = player_log().stream("player:Ada")
    change(members)
    status, found, _ = verify(members)
    assert (status, sorted(set(found))) == (1, sorted(expected))


def test_audit_paths_out_of_order_are_found(verify: Run) -> None:
    members = player_log().stream("player:Ada")
    change_proof(lambda told: told.update(inclusion=dict(reversed(told["inclusion"].items()))))(members)
    status, found, _ = verify(members)
    assert status == 1
    assert {("1", "root"), ("3", "root"), ("9", "root")} < set(found)


def test_statements_may_be_signed_under_the_name_of_the_log(verify: Run) -> None:
    members = player_log().stream("player:Ada")
    change_heads(**player_log().heads("player:Ada", signer=OPERATOR))(members)
    assert verify(members)[:2] == (0, [])


def test_a_stream_that_is_said_to_be_absent_and_is_not_is_found(verify: Run) -> None:
    log = player_log()
    members = log.stream("player:Bo")
    told = json.loads(members["proof.json"])
    wrong = log.heads("player:Bo", hidden="player:Bo")
    members["proof.json"] = compact({"inclusion": told["inclusion"], "heads": wrong})
    status, found, _ = verify(members)
    assert (status, found) == (1, [("8", "heads")])


def test_neighbours_that_are_not_next_to_each_other_are_found(verify: Run) -> None:
    log = player_log()
    members = log.stream("player:B")
    far = [log.heads(stream)["entry"] and log.heads(stream) for stream in ("game:btg/bonanza", "player:Bo")]
    neighbours = [{name: item[name] for name in ("entry", "index", "proof")} for item in far]
    change_heads(neighbours=neighbours)(members)
    assert verify(members)[:2] == (1, [("1-12", "heads")])
    change_heads(neighbours=[])(members)
    assert verify(members)[:2] == (1, [("1-12", "heads")])


def test_the_answer_for_people_says_what_was_checked_and_what_was_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = write(tmp_path / "bundle.zip", erased_log().range() | {"keys": b""})
    assert main([str(bundle), "--vkey", OPERATOR.vkey]) == 0
    said = capsys.readouterr().out.splitlines()
    ends = "1 (2025-01-15T12:00:00.123457Z) to 13 (2025-01-15T12:00:00.123469Z)"
    assert said[0] == f"13 events, positions {ends}, of a log of 13"
    assert said[1] == f"signed by: {ORIGIN} {OPERATOR.id.hex()}"
    assert said[2:4] == ["cosigned by: none", "time stamps: none"]
    assert said[4:6] == ["goes on from the size that you kept: none", "erased: 5"]
    assert said[-1] == "proven"
    assert sum(line.startswith("not checked: ") for line in said) == 5
    members = player_log().range()
    change_line(5, b'"amount":0.5', b'"amount":1.5')(members)
    write(bundle, members)
    assert main([str(bundle), "--vkey", OPERATOR.vkey]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "5 leaf: it is not the event that was sealed"
    assert said[-1] == "NOT PROVEN: 1 findings"
