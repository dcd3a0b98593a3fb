"""`GET /api/v1/evidence/heads`: a proof that a stream is whole, and nothing before there can be one."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.documentation.evidence import VKEY
from api.routes.evidence_heads import EXAMPLE, StreamEnd
from app.evidence.head_proofs import StreamProof
from app.evidence.store import newest_checkpoint
from app.evidence.verifying import verify
from app.tenants import Scope, create_key
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.heads import ProvenHead, Statement, parse_heads, verify_head
from domain.evidence.merkle import leaf_hash
from domain.evidence.notes import parse_note, parse_verifier_key
from tests.evidence.stating import Attested, check_proof
from tests.queries.asgi import Answer
from tests.queries.casino import Casino, deposit, item

PATH = "evidence/heads"


@pytest.fixture
def log(casino: Casino, tmp_path: Path) -> Attested:
    return Attested(casino.pool, casino.tenant, tmp_path / "keys")


def proven(log: Attested, answer: Answer) -> StreamEnd:
    """Read an answer; its proof holds, up to the log's newest checkpoint, which it has."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    assert set(answer.json) == {*StreamProof.__struct_fields__, "log_checkpoint"}
    end = msgspec.json.decode(answer.body, type=StreamEnd)
    given = parse_checkpoint(parse_note(end.log_checkpoint.encode()).text)
    with log.pool.connection() as connection:
        newest = newest_checkpoint(connection, log.log, "log")
        assert newest is not None
        assert given.size == newest.size
        proof = msgspec.convert(msgspec.structs.asdict(end), StreamProof)
        check_proof(connection, log.log, proof, given.size)
    return end


def test_a_stream_is_asked_for_by_its_name_or_by_whose_it_is(casino: Casino, log: Attested) -> None:
    casino.send([deposit(player_id="a"), deposit(player_id="b"), deposit(player_id="a")])
    casino.send([item("game", game_id="g/1"), deposit(player_id="\U0001f3b0 é")])
    log.seal()
    log.attest()
    casino.send([deposit(player_id="a"), deposit(player_id="new")])
    log.seal()
    by_player = proven(log, casino.get(PATH, player_id="a"))
    assert (by_player.stream, by_player.version, by_player.position) == ("player:a", 2, 3)
    assert proven(log, casino.get(PATH, stream="player:a")) == by_player
    assert proven(log, casino.get(PATH, game_id="g/1")).position == 4
    assert proven(log, casino.get(PATH, player_id="\U0001f3b0 é")).position == 5
    for asked in ({"player_id": "new"}, {"game_id": "g"}, {"stream": "z"}):
        absent = proven(log, casino.get(PATH, **asked))
        assert absent.version is None
        assert absent.neighbours


def test_before_there_is_a_statement_it_is_to_be_asked_for_again(
    casino: Casino, log: Attested
) -> None:
    def not_yet() -> tuple[Any, ...]:
        answer = casino.get(PATH, player_id="p")
        assert answer.status == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "1"
        assert answer.json["type"] == "urn:roundbook:problem:not-sealed"
        return answer.json["evidence_size"], answer.json["detail"]

    assert not_yet() == (0, "Nothing of the log is sealed yet.")
    casino.send([deposit(player_id="p")])
    assert not_yet() == (0, "Nothing of the log is sealed yet.")
    log.seal()
    assert not_yet() == (1, "No statement of the log's heads was made yet.")
    log.attest()
    assert proven(log, casino.get(PATH, player_id="p")).position == 1


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({}, ("stream", "missing")),
        ({"stream": ""}, ("stream", "missing")),
        ({"stream": "a\0"}, ("stream", "nul")),
        ({"player_id": ""}, ("player_id", "empty")),
        ({"player_id": "a", "game_id": "b"}, ("game_id", "contradictory")),
        ({"stream": "player:a", "player_id": "a"}, ("player_id", "contradictory")),
        ({"player_id": "a", "size": 1}, ("size", "unknown")),
    ],
)
def test_what_can_not_be_asked_is_refused(
    casino: Casino, asked: dict[str, object], fault: tuple[str, str]
) -> None:
    answer = casino.get(PATH, **asked)
    assert answer.status == 422
    assert [(each["parameter"], each["code"]) for each in answer.json["errors"]] == [fault]


def test_only_an_auditors_key_may_ask(casino: Casino) -> None:
    others: list[Scope] = ["ingest", "read"]
    with casino.pool.connection() as connection:
        key = create_key(connection, casino.tenant, others).key
    assert casino.api.get("/api/v1/" + PATH, key, query="player_id=a").status == 403


def test_the_documented_example_holds() -> None:
    def read(note: str) -> Checkpoint:
        parsed = parse_note(note.encode())
        assert verify(parsed, [parse_verifier_key(VKEY)])
        return parse_checkpoint(parsed.text)

    statement = Statement.parse(EXAMPLE.statement)
    log, statements = read(EXAMPLE.log_checkpoint), read(EXAMPLE.checkpoint)
    assert (statement.size, statement.root) == (log.size, log.root)
    assert (statements.size, statements.root) == (1, leaf_hash(EXAMPLE.statement))
    assert statements.origin == f"{log.origin}/heads"
    assert EXAMPLE.entry is not None
    assert EXAMPLE.index is not None
    assert EXAMPLE.proof is not None
    [head] = parse_heads(EXAMPLE.entry)
    assert head == (EXAMPLE.stream, EXAMPLE.version, EXAMPLE.position)
    assert verify_head(ProvenHead(head, EXAMPLE.index, EXAMPLE.proof), statement)
