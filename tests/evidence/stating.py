"""What tests of statements of heads share: a naive one of rows, and the checks of who is given a proof."""

import json
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from roundbook_verify import notes
from roundbook_verify.heads import judge

from app.evidence.attesting import attest
from app.evidence.head_proofs import StreamProof, prove
from app.evidence.head_store import Stated, statements_from
from app.evidence.log_keys import log_keys
from app.evidence.sealer import Sealer
from app.evidence.store import checkpoint_of, newest_checkpoint
from app.evidence.verifying import verify
from app.log.leaves import Log, current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.heads import (
    Absence,
    ProvenHead,
    Statement,
    parse_heads,
    verify_absence,
    verify_head,
)
from domain.evidence.merkle import leaf_hash
from domain.evidence.notes import parse_note, parse_verifier_key
from domain.evidence.proofs import verify_consistency, verify_inclusion
from postgres.connections import Connection, Pool
from tests.evidence.reading import expected_hashes, rows_of
from tests.evidence.trees import naive_root
from tests.logs import with_key
from tests.recording.sending import login, send

Ends = dict[str, tuple[int, int]]
"""The last version of each stream, and its position."""


def naive_ends(connection: Connection, log: Log, size: int) -> Ends:
    """Go through the rows of a log up to a size."""
    rows = rows_of(connection, log.tenant_id)[:size]
    assert len(rows) == size
    return {row["stream"]: (row["version"], row["position"]) for row in rows}


def naive_statement(connection: Connection, log: Log, size: int) -> bytes:
    """State the heads of a log of that size, as the documentation describes the bytes."""
    ends = naive_ends(connection, log, size)
    entries = []
    for stream in sorted(ends, key=str.encode):
        version, position = ends[stream]
        name = stream.encode()
        entry = b"\x01" + len(name).to_bytes(2, "big") + name
        entries.append(entry + version.to_bytes(4, "big") + position.to_bytes(8, "big"))
    heads = naive_root([sha256(b"\x00" + entry).digest() for entry in entries])
    root = naive_root(expected_hashes(connection, log.tenant_id)[:size])
    sizes = size.to_bytes(8, "big"), len(entries).to_bytes(8, "big")
    return b"\x01" + log.log_id + sizes[0] + root + sizes[1] + heads


def read_note(connection: Connection, log: Log, note: str) -> Checkpoint:
    """Read a checkpoint, whose signature of the log's key must hold."""
    vkeys = [parse_verifier_key(key.vkey) for key in log_keys(connection, log)]
    parsed = parse_note(note.encode())
    assert len(verify(parsed, vkeys)) == len(vkeys) == 1
    return parse_checkpoint(parsed.text)


def signed_statements(connection: Connection, log: Log) -> list[bytes]:
    """Return all statements of a log; their tree is signed with the log's key."""
    rows = connection.execute(
        "select n, statement from head_statements"
        " where tenant_id = %s and log_number = %s order by n",
        [log.tenant_id, log.number],
    ).fetchall()
    assert [n for n, _ in rows] == list(range(len(rows)))
    statements = [bytes(statement) for _, statement in rows]
    newest = newest_checkpoint(connection, log, "heads")
    assert newest is not None
    signed = read_note(connection, log, newest.note)
    assert signed.origin == f"roundbook.invalid/log/{log.log_id.hex()}/heads"
    assert signed.size == len(statements)
    assert signed.root == naive_root([leaf_hash(each) for each in statements])
    return statements


def judged(
    connection: Connection, log: Log, proof: StreamProof, size: int
) -> tuple[int, int, int, list[str]]:
    """Have a proof judged by the verifier that imports nothing of ours."""
    vkeys = [key.vkey for key in log_keys(connection, log)]
    sealed = checkpoint_of(connection, log, "log", size)
    assert sealed is not None
    note = notes.parse_checkpoint(sealed.note.encode())
    keys = [notes.parse_key(vkey, notes.ED25519) for vkey in vkeys]
    return judge(json.loads(msgspec.json.encode(proof)), proof.stream.encode(), note, keys)


def check_proof(connection: Connection, log: Log, proof: StreamProof, size: int) -> Statement:
    """Check a proof as who is given it with a checkpoint of the log of that size; gives its statement."""
    given = msgspec.json.decode(msgspec.json.encode(proof), type=StreamProof)
    assert given == proof
    statement = Statement.parse(proof.statement)
    assert statement.log_id == log.log_id
    assert statement.size <= size
    signed = read_note(connection, log, proof.checkpoint)
    leaf = leaf_hash(proof.statement)
    assert verify_inclusion(
        leaf, proof.statement_index, signed.size, proof.statement_proof, signed.root
    )
    sealed = checkpoint_of(connection, log, "log", size)
    assert sealed is not None
    of_log = read_note(connection, log, sealed.note)
    assert verify_consistency(statement.size, size, statement.root, of_log.root, proof.consistency)
    verified = judged(connection, log, proof, size)
    assert verified == (statement.size, proof.version or 0, proof.position or 0, [])
    if proof.neighbours is None:
        assert proof.entry is not None
        [head] = parse_heads(proof.entry)
        assert proof.proof is not None
        assert proof.index is not None
        assert (head.stream, head.version, head.position) == (
            proof.stream,
            proof.version,
            proof.position,
        )
        assert verify_head(ProvenHead(head, proof.index, proof.proof), statement)
    else:
        members = (proof.entry, proof.index, proof.version, proof.position, proof.proof)
        assert members == (None,) * 5
        around = [
            ProvenHead(parse_heads(each.entry)[0], each.index, each.proof)
            for each in proof.neighbours
        ]
        before = next((each for each in around if each.head.stream < proof.stream), None)
        after = next((each for each in around if each.head.stream > proof.stream), None)
        assert len(around) == len([each for each in (before, after) if each])
        assert verify_absence(proof.stream, Absence(before, after), statement)
    return statement


class KilledError(Exception):
    """Stands for the end of the process."""


class Attested:
    """A log, and what seals and states it."""

    def __init__(self, pool: Pool, tenant: Tenant, keys: Path) -> None:
        self.pool = pool
        self.tenant = tenant
        self.settings = Settings(signing_keys=str(keys))
        self.sealer = Sealer(pool, self.settings)
        self.add_key()

    def add_key(self) -> None:
        """Give the log its key, unless it has one."""
        with self.pool.connection() as connection:
            with_key(connection, self.tenant.tenant_id, self.settings)

    @property
    def log(self) -> Log:
        with self.pool.connection() as connection:
            found = current_log(connection, self.tenant.tenant_id)
        assert found is not None
        return found

    def fill(self, players: Sequence[str]) -> None:
        batch = [login(os.urandom(8).hex(), escaped(player)) for player in players]
        send(self.pool, self.tenant, batch)

    def seal(self) -> int:
        self.sealer.seal(self.log)
        with self.pool.connection() as connection:
            sealed = newest_checkpoint(connection, self.log, "log")
        assert sealed is not None
        return sealed.size

    def attest(self, pause: Callable[[], None] | None = None) -> Stated:
        with self.pool.connection() as connection:
            stated = attest(connection, self.log, self.settings, pause=pause)
        assert stated is not None
        return stated

    def prove(self, stream: str, size: int | None = None) -> StreamProof:
        with self.pool.connection() as connection:
            proof = prove(connection, self.log, stream, size)
        assert proof is not None
        return proof

    def statements(self) -> list[bytes]:
        with self.pool.connection() as connection:
            return signed_statements(connection, self.log)

    def stated(self) -> list[Stated]:
        """Return the statements there are, signed or not."""
        with self.pool.connection() as connection:
            return statements_from(connection, self.log, 0)

    def is_signed(self) -> bool:
        with self.pool.connection() as connection:
            return newest_checkpoint(connection, self.log, "heads") is not None

    def pages(self) -> list[tuple[int, int]]:
        """Return how many pages are kept of each statement."""
        with self.pool.connection() as connection:
            rows = connection.execute(
                "select n, count(*) from head_pages where tenant_id = %s group by n order by n",
                [self.tenant.tenant_id],
            )
            return [(n, pages) for n, pages in rows]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline_s, "it never came to be"
            time.sleep(0.01)

    def naive(self, size: int) -> bytes:
        with self.pool.connection() as connection:
            return naive_statement(connection, self.log, size)


def escaped(player: str) -> str:
    """Write a player's id between the quotes of JSON."""
    return "".join(
        character
        if character.isalnum() and character.isascii()
        else "".join(
            f"\\u{int.from_bytes(pair, 'big'):04x}"
            for pair in [
                character.encode("utf-16-be")[at : at + 2]
                for at in range(0, len(character.encode("utf-16-be")), 2)
            ]
        )
        for character in player
    )
