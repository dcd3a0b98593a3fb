"""Statements of heads: what is signed is what a naive reading of the rows gives, whatever happens beside."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from hypothesis import example, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from psycopg.errors import InsufficientPrivilege

from app.evidence import attesting, head_making
from app.evidence.attesting import attest
from app.evidence.guard import BusyError, GuardedSigner, RefusedError, last_path
from app.evidence.head_proofs import prove
from app.evidence.keys import generate_key, key_path, write_key
from app.evidence.log_keys import NoKeyError
from app.evidence.sealer import Sealer
from app.evidence.sealing import UnsoundError
from app.evidence.store import newest_checkpoint
from app.tenants import Tenant
from domain.evidence.checkpoints import Checkpoint, parse_checkpoint
from domain.evidence.heads import Statement
from domain.evidence.notes import Note
from domain.streams import player_stream
from postgres.connections import Connection, Pool, connect
from tests.databases import Database
from tests.evidence.stating import (
    Attested,
    KilledError,
    check_proof,
    naive_ends,
    signed_statements,
)
from tests.evidence.tampering import change_past_triggers
from tests.logs import begin_another_log

ROOT = Path(__file__).parents[2]

# The first and the last of each width in UTF-8, what sorts otherwise by UTF-16, by case or by locale.
UNUSUAL = [
    *("a", "A", "é", "z", "Z", "ß", " ", "/", "'", "%", "\\", "\x01", "\x7f", "\x80"),
    *("\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0001f3b0", "\U0010ffff"),
    *("x" * 255, "\U0001f3b0" * 255, "é" * 254 + "f", "é" * 255),
]

players = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=255
) | st.sampled_from("abcdefgh")


@pytest.fixture
def log(pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path) -> Attested:
    return Attested(pool, new_tenant(), tmp_path / "keys")


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


@profile(max_examples=30)
@given(batches=st.lists(st.lists(players, min_size=1, max_size=40), min_size=1, max_size=4))
@example(batches=[UNUSUAL, UNUSUAL[::2]])
@example(batches=[[f"{number:03}" for number in range(513)]])
def test_a_statement_is_what_the_rows_give(
    pool: Pool,
    new_tenant: Callable[..., Tenant],
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[str]],
) -> None:
    log = Attested(pool, new_tenant(), tmp_path_factory.mktemp("keys"))
    expected, size = [], 0
    for batch in batches:
        log.fill(batch)
        size = log.seal()
        stated = log.attest()
        expected.append(log.naive(size))
        assert (stated.n, stated.statement) == (len(expected) - 1, expected[-1])
    assert log.statements() == expected

    with pool.connection() as connection:
        ends = naive_ends(connection, log.log, size)
        asked = {player_stream(player) for batch in batches for player in batch[:5]}
        for stream in asked:
            proof = prove(connection, log.log, stream)
            assert proof is not None
            assert (proof.version, proof.position) == ends[stream]
            assert check_proof(connection, log.log, proof, size).size == size


def test_streams_that_are_not_there_are_proven_by_their_neighbours(log: Attested) -> None:
    log.fill([f"{number:04}" for number in range(1, 1201, 2)])
    size = log.seal()
    log.attest()
    around = {
        "game:x": [0],
        "player:": [0],
        "player:0000": [0],
        "player:0002": [0, 1],
        "player:0512": [255, 256],
        "player:1024": [511, 512],
        "player:1198": [598, 599],
        "player:1200": [599],
        "player:\U0001f3b0": [599],
        "z": [599],
    }
    with log.pool.connection() as connection:
        for stream, indexes in around.items():
            proof = log.prove(stream)
            check_proof(connection, log.log, proof, size)
            assert [each.index for each in proof.neighbours or []] == indexes


def test_what_comes_beside_is_left_out_and_the_proof_leads_to_any_later_checkpoint(
    log: Attested,
) -> None:
    """Ingest and sealing go on between the steps of a statement."""
    known = [f"{number:04}" for number in range(3000)]
    log.fill(known)
    size = log.seal()
    sizes = [size]

    def meanwhile() -> None:
        log.fill([*known[::7], "0", "0000!", "2999!", "zzz"])
        sizes.append(log.seal())

    stated = log.attest(pause=meanwhile)
    assert len(sizes) > 2
    assert stated.statement == log.naive(size)
    assert log.statements() == [stated.statement]
    with log.pool.connection() as connection:
        for stream in ("player:0000", "player:0000!", "player:2999", "player:zzz", "game:x"):
            for later in sizes:
                proof = log.prove(stream, later)
                assert check_proof(connection, log.log, proof, later).size == size
            check_proof(connection, log.log, log.prove(stream), sizes[-1])


def test_a_statement_is_not_of_a_greater_size_than_asked_and_only_two_keep_pages(
    log: Attested,
) -> None:
    sizes = []
    for players in ("ab", "bc", "cd"):
        log.fill(players)
        sizes.append(log.seal())
        log.attest()
    with log.pool.connection() as connection:
        for size, stated in zip([*sizes[1:], sizes[2]], [*sizes[1:], sizes[2]], strict=True):
            proof = log.prove("player:b", size)
            assert check_proof(connection, log.log, proof, size).size == stated
        assert prove(connection, log.log, "player:b", sizes[0]) is None
        assert prove(connection, log.log, "player:b", 0) is None
    assert log.pages() == [(1, 1), (2, 1)]
    assert len(log.statements()) == 3


def test_a_log_that_did_not_grow_gets_no_second_statement_and_an_empty_one_none(
    log: Attested,
) -> None:
    with log.pool.connection() as connection:
        assert attest(connection, log.log, log.settings) is None
        assert prove(connection, log.log, "player:a") is None
    log.fill("ab")
    log.seal()
    first = log.attest()
    assert log.attest().statement == first.statement
    log.fill("c")  # recorded, not sealed
    assert log.attest().statement == first.statement
    assert len(log.statements()) == 1


STEPS = ["add_pages", "add_tiles", "add_statement", "append_leaves", "sign", "sweep"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_one_that_was_killed_at_any_step_is_followed_by_a_sound_one(
    log: Attested, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    log.fill([f"{number:04}" for number in range(1500)])
    log.seal()
    log.attest()
    log.fill([f"{number:04}" for number in range(0, 2500, 2)])
    log.seal()
    with monkeypatch.context() as patched:
        module = head_making if step == "add_pages" else attesting
        original = getattr(module, step)

        def killed(*arguments: object) -> object:
            if after:
                original(*arguments)
            raise KilledError

        patched.setattr(module, step, killed)
        with pytest.raises(KilledError):
            log.attest()
    _goes_on(log)


def test_a_signature_that_was_lost_with_the_process_is_made_again(
    log: Attested, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed, and remembered by the signer, but not kept."""
    log.fill("abc")
    log.seal()
    with monkeypatch.context() as patched:
        original = GuardedSigner.sign

        def killed(*arguments: object) -> object:
            original(*arguments)  # type: ignore[arg-type]
            raise KilledError

        patched.setattr(GuardedSigner, "sign", killed)
        with pytest.raises(KilledError):
            log.attest()
    last = last_path(log.settings.signing_path, log.log.log_id, "heads")
    assert parse_checkpoint(last.read_text()).size == 1
    log.fill("cde")
    log.seal()
    _goes_on(log)


def _goes_on(log: Attested) -> None:
    log.attest()
    log.fill(["b", "0002", "\U0001f3b0"])
    size = log.seal()
    log.attest()
    statements = log.statements()
    assert statements == [log.naive(Statement.parse(each).size) for each in statements]
    assert Statement.parse(statements[-1]).size == size
    with log.pool.connection() as connection:
        for stream in ("player:b", "player:0002", "player:\U0001f3b0", "player:9999", "x"):
            check_proof(connection, log.log, log.prove(stream), size)
    streams = [Statement.parse(each).streams for each in statements]
    kept = range(max(0, len(statements) - 2), len(statements))
    assert log.pages() == [(n, -(-streams[n] // 256)) for n in kept]


def test_after_a_process_that_was_killed_another_one_goes_on(
    log: Attested, database: Database
) -> None:
    log.fill([f"{number:04}" for number in range(3000)])
    log.seal()
    keys = str(log.settings.signing_path)
    arguments = [database.service_url, str(log.tenant.tenant_id), keys]
    with Popen(
        [sys.executable, "-m", "tests.evidence.attesting_process", *arguments],
        cwd=ROOT,
        stdout=PIPE,
        stdin=PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1024 streams\n"
        with pytest.raises(BusyError):
            log.attest()
        process.kill()
    assert log.pages() == [(0, 4)]

    def free() -> bool:
        try:
            log.attest()
        except BusyError:  # PostgreSQL finds out in its time
            return False
        return True

    log.until(free)
    _goes_on(log)


def test_two_at_once_do_not_get_in_each_others_way(log: Attested) -> None:
    log.fill([f"{number:04}" for number in range(2000)])
    log.seal()
    with ThreadPoolExecutor(3) as threads:

        def once(_: int) -> bool:
            try:
                log.attest()
            except BusyError:
                return False
            return True

        for _ in range(4):
            log.fill([f"{number:04}" for number in range(0, 2100, 3)])
            log.seal()
            assert any(list(threads.map(once, range(3))))
    log.seal()
    log.attest()
    _goes_on(log)


def test_while_one_is_made_another_is_refused_and_other_logs_are_not(
    log: Attested, pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    other = Attested(pool, new_tenant(), tmp_path / "others")
    for each in (log, other):
        each.fill("abc")
        each.seal()

    def meanwhile() -> None:
        with pytest.raises(BusyError, match="another process is stating the heads"):
            log.attest()
        other.attest()

    log.attest(pause=meanwhile)
    assert len(log.statements()) == len(other.statements()) == 1


@pytest.mark.parametrize(
    "change",
    [
        "delete from events where tenant_id = {0} and stream = 'player:b'",
        "delete from events where tenant_id = {0} and position = 7",
        "update events set stream = 'player:c', version = 7 where tenant_id = {0} and position = 7",
        "update events set version = version + 1 where tenant_id = {0} and position = 7",
    ],
)
def test_nothing_is_stated_of_a_log_whose_streams_are_not_what_was_sealed(
    log: Attested, owner: Connection, change: str
) -> None:
    log.fill("abcabca")
    log.seal()
    change_past_triggers(owner, "events", change.format(log.tenant.tenant_id))
    with pytest.raises(UnsoundError, match="sealed with 7 events, but its streams have"):
        log.attest()
    with log.pool.connection() as connection:
        assert newest_checkpoint(connection, log.log, "heads") is None


def test_nothing_is_stated_of_a_log_for_which_nothing_is_signed(
    log: Attested, owner: Connection
) -> None:
    log.fill("abc")
    log.seal()
    update = "update leaf_runs set hashes = sha256(hashes) where tenant_id = {0}"
    change_past_triggers(owner, "leaf_runs", update.format(log.tenant.tenant_id))
    log.fill("d")
    Sealer(log.pool, log.settings).seal_all(now_s=0)
    with pytest.raises(
        UnsoundError, match="nothing is signed for this log: UnsoundError: hashes under"
    ):
        log.attest()


def test_a_checkpoint_that_nobody_signed_is_not_stated(log: Attested, owner: Connection) -> None:
    log.fill("abc")
    log.seal()
    update = "update checkpoints set {1} where tenant_id = {0} and tree = 'log'"
    for change, back in (
        ("root = sha256(root)", "root = decode(split_part(note, e'\\n', 3), 'base64')"),
        (
            "note = replace(note, e'\\n3\\n', e'\\n4\\n')",
            "note = replace(note, e'\\n4\\n', e'\\n3\\n')",
        ),
    ):
        forge, mend = (update.format(log.tenant.tenant_id, each) for each in (change, back))
        change_past_triggers(owner, "checkpoints", forge)
        with pytest.raises(UnsoundError, match="the checkpoint of size 3 is not"):
            log.attest()
        change_past_triggers(owner, "checkpoints", mend)
    log.attest()
    with log.pool.connection() as connection:
        assert len(signed_statements(connection, log.log)) == 1


def test_a_checkpoint_that_only_the_database_vouches_for_is_not_stated(
    log: Attested, owner: Connection, tmp_path: Path
) -> None:
    """A superuser adds a key, and a checkpoint that it signed, so that the log's own key states its root."""
    log.fill("abc")
    log.seal()
    tenant_id = log.tenant.tenant_id
    forger = generate_key(f"roundbook.invalid/log/{log.log.log_id.hex()}")
    checkpoint = Checkpoint(forger.name, 3, sha256(b"another log").digest())
    note = Note(checkpoint.text).signed([forger.sign(checkpoint.text)])
    forge = "update checkpoints set root = %s, note = %s where tenant_id = %s and tree = 'log'"
    add_key = "insert into log_keys values (%s, 1, 2, %s, 0, null, false, now())"
    with log.pool.connection() as connection:
        connection.execute(add_key, [tenant_id, str(forger.vkey)])
    write_key(key_path(tmp_path / "forged", bytes(16)), forger)
    with owner.transaction():
        owner.execute("alter table checkpoints disable trigger user")
        owner.execute(forge, [checkpoint.root, str(note), tenant_id])
        owner.execute("alter table checkpoints enable trigger user")
    with pytest.raises(NoKeyError):
        log.attest()
    # Even where the signer holds that key.
    write_key(key_path(log.settings.signing_path, log.log.log_id, forger.vkey), forger)
    with pytest.raises(UnsoundError, match="size 3 is not the one that was last signed, of size 3"):
        log.attest()
    assert log.stated() == []


def test_a_checkpoint_beyond_what_was_signed_and_an_older_one_are_not_stated(log: Attested) -> None:
    log.fill("abc")
    log.seal()
    last = last_path(log.settings.signing_path, log.log.log_id, "log")
    older = last.read_text()
    log.fill("d")
    log.seal()
    newer = last.read_text()
    last.write_text(older)
    with pytest.raises(UnsoundError, match="size 4 is not the one that was last signed, of size 3"):
        log.attest()
    last.write_text(newer.replace("\n4\n", "\n9\n"))
    with pytest.raises(UnsoundError, match="size 4 is not the one that was last signed, of size 9"):
        log.attest()
    last.write_text(newer)
    log.attest()


def test_statements_that_were_rolled_back_are_not_replaced(
    log: Attested, owner: Connection
) -> None:
    for players in ("ab", "bc"):
        log.fill(players)
        log.seal()
        log.attest()
    tenant_id = log.tenant.tenant_id
    for table, where in (
        ("head_statements", "n = 1"),
        ("checkpoints", "tree = 'heads' and size = 2"),
        ("tiles", "tree = 'heads' and n = 1"),
    ):
        delete = f"delete from {table} where tenant_id = {tenant_id} and {where}"
        change_past_triggers(owner, table, delete)
    log.fill("d")
    log.seal()
    with pytest.raises(RefusedError, match="another than that of what was last signed"):
        log.attest()


@pytest.mark.parametrize(
    "change", ["update head_statements set size = 1", "delete from head_statements"]
)
def test_a_statement_stays_whoever_would_change_it(
    log: Attested, owner: Connection, change: str
) -> None:
    log.fill("ab")
    log.seal()
    stated = log.attest()
    refused = pytest.raises(InsufficientPrivilege)
    with log.pool.connection() as service:
        for connection in (service, owner):
            with refused, connection.transaction():
                connection.execute(change.encode())
    assert [each.statement for each in log.stated()] == [stated.statement]


def test_the_next_log_of_a_tenant_has_statements_of_its_own(log: Attested) -> None:
    log.fill("ab")
    log.seal()
    log.attest()
    first = log.log
    with log.pool.connection() as connection:
        begin_another_log(connection, log.tenant.tenant_id)
    log.add_key()
    log.fill("bc")
    size = log.seal()
    assert size == 4
    assert log.attest().n == 0
    assert log.statements() == [log.naive(4)]
    with log.pool.connection() as connection:
        proof = prove(connection, first, "player:b")
        assert proof is not None
        assert proof.version == 1
        check_proof(connection, first, proof, 2)
