"""Who changes a sealed log is found out, with the position; an untouched one is proven."""

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import LiteralString

import pytest

from api.tenancy import create_tenant
from app.accesses import NewAccess, record_accesses
from app.evidence.anchors.files import NO_LINE
from app.evidence.attesting import attest
from app.evidence.changing_keys import restart, rotate_key
from app.evidence.guard import last_path
from app.evidence.log_keys import begin_signing
from app.evidence.sealer import Sealer
from app.evidence.verification.findings import UnreadableError
from app.log.erasure import Why, erase
from app.log.histories import notice_history
from app.log.leaves import current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.merkle import EMPTY_ROOT
from domain.evidence.notes import encode_base64
from postgres.connections import Connection, Pool, connect, open_pool
from tests.databases import Database, new_database
from tests.evidence.filling import fill, items
from tests.evidence.tampering import (
    ALTER_AMOUNT,
    Case,
    build,
    grow,
    made_hash,
    remake_tiles,
    seal,
)

SIZES = (600, 700, 1300, 1310, 2100)
REMAKE_RUN = (
    "update leaf_runs set hashes = overlay(hashes placing %(hash)s "
    "from ((%(at)s - first_position) * 32 + 1)::int)"
    " where tenant_id = %(tenant_id)s and first_position <= %(at)s"
    " and first_position + length(hashes) / 32 > %(at)s"
)
FORGET = (
    "delete from leaf_runs where tenant_id = %(tenant_id)s",
    "delete from tiles where tenant_id = %(tenant_id)s",
    "delete from checkpoints where tenant_id = %(tenant_id)s",
)
FORGET_NEWEST: tuple[LiteralString, ...] = tuple(f"{each} and log_number = 2" for each in FORGET)
REMAKE_NEWEST: LiteralString = f"{REMAKE_RUN} and log_number = 2"
LONG_AGO: LiteralString = (
    "update checkpoints set sealed_at = sealed_at - interval '61 minutes'"
    " where tenant_id = %(tenant_id)s"
)
EMPTY = encode_base64(EMPTY_ROOT)
FAKE = b"\x17" * 32


@pytest.fixture
def case(pool: Pool, database: Database, new_tenant: Callable[..., Tenant], tmp_path: Path) -> Case:
    return build(pool, database, new_tenant(), tmp_path, SIZES)


def test_an_untouched_log_is_proven(case: Case, pool: Pool) -> None:
    outcome = case.verify(anchored=True)
    assert not list(outcome.findings)
    assert outcome.proven
    assert (outcome.first, outcome.last, outcome.sealed) == (1, 2100, 2100)
    # Each of its own, as many anchored, and what the signer remembers.
    assert outcome.roots == 2 * len(SIZES) + 1
    for begin in (1, 256, 257, 600, 601, 1311, 2100):
        assert case.verify(anchored=True, from_position=begin).proven
    grow(pool, case, [2200], begin=2100)
    fill(pool, case.tenant.tenant_id, items(first=9_000), 900)
    for begin in (1, 2200, 2201, 2900, 3100):
        outcome = case.verify(anchored=True, from_position=begin)
        assert outcome.proven
        assert (
            "positions 2201 to 3100 against a checkpoint: none is over them yet"
            in outcome.not_checked
        )
    with pytest.raises(UnreadableError, match="the log ends at position 3100"):
        case.verify(from_position=3101)
    assert case.judged() == []


def test_a_log_that_grows_meanwhile_is_proven(case: Case, pool: Pool) -> None:
    stop, verified = threading.Event(), 0

    def go_on() -> None:
        size = SIZES[-1]
        while not stop.is_set():
            grow(pool, case, [size + 37, size + 80], begin=size)
            size += 80
            with connect(case.database.service_url) as connection:
                attest(connection, case.log, case.settings)

    with ThreadPoolExecutor(1) as executor:
        growing = executor.submit(go_on)
        try:
            while verified < 12 and not growing.done():
                outcome = case.verify(anchored=True)
                assert not list(outcome.findings)
                verified += 1
        finally:
            stop.set()
        growing.result()
    assert verified == 12
    assert case.verify(anchored=True).last > SIZES[-1]


def test_an_altered_amount_is_found(case: Case) -> None:
    case.tamper(ALTER_AMOUNT, at=1234)
    assert case.found() == ["1234 leaf"]
    assert case.found(from_position=1234) == ["1234 leaf"]
    assert case.found(from_position=1235) == []
    assert case.judged() == ["1234 leaf"]


def test_an_altered_time_of_recording_is_found(case: Case) -> None:
    case.tamper(
        "update events set recorded_at = recorded_at + interval '1 microsecond'"
        " where tenant_id = %(tenant_id)s and position = 2100"
    )
    assert case.found() == ["2100 leaf"]
    case.tamper(
        "update events set recorded_at = recorded_at - interval '1 year'"
        " where tenant_id = %(tenant_id)s and position = 900"
    )
    assert case.found() == ["900 leaf", "900 time", "2100 leaf"]
    assert {"900 leaf", "900 time", "2100 leaf"} <= set(case.judged())


def test_two_that_were_swapped_are_found(case: Case) -> None:
    case.tamper(
        "update events set position = 900000 + position"
        " where tenant_id = %(tenant_id)s and position in (100, 1500)",
        "update events set position = 901600 - position"
        " where tenant_id = %(tenant_id)s and position > 900000",
    )
    assert {"100 leaf", "1500 leaf"} <= set(case.found())
    assert {each.split()[1] for each in case.found()} <= {"leaf", "version", "time"}
    assert {"100 leaf", "1500 leaf"} <= set(case.judged())


def test_one_that_was_deleted_in_the_middle_is_found(case: Case) -> None:
    case.tamper("delete from events where tenant_id = %(tenant_id)s and position = 777")
    found = case.found()
    assert found[0] == "777 gap"
    assert all(each.endswith(" version") for each in found[1:])
    assert case.judged()[0] == "777 gap"


def test_one_that_was_inserted_is_found_from_there_on(case: Case) -> None:
    case.tamper(
        "update events set position = 900001 + position where tenant_id = %(tenant_id)s and position >= 1400",
        "update events set position = position - 900000"
        " where tenant_id = %(tenant_id)s and position > 900000",
        "insert into events select (e).* from (select jsonb_populate_record(e, jsonb_build_object("
        " 'position', 1400, 'key', null, 'version', 1399)) as e"
        " from events e where tenant_id = %(tenant_id)s and position = 1399) as made",
    )
    assert {"1400 version", "1400-2100 leaf"} <= set(case.found(anchored=True))
    assert "1400-2100 leaf" in case.judged()


def test_one_that_was_inserted_before_the_first_is_found(case: Case) -> None:
    case.tamper(
        "insert into events (position, tenant_id, version, recorded_at, stream, topic, state)"
        " select 0, tenant_id, 0, recorded_at, stream, topic, state from events"
        " where tenant_id = %(tenant_id)s and position = 1"
    )
    assert case.found() == ["1 gap"]


def test_an_end_that_was_cut_is_found(case: Case) -> None:
    case.tamper("delete from events where tenant_id = %(tenant_id)s and position > 2000")
    assert case.found() == ["2001-2100 missing"]
    assert case.judged() == ["2001-2100 missing"]
    case.tamper(
        "delete from leaf_runs where tenant_id = %(tenant_id)s and first_position > 1310",
        "delete from events where tenant_id = %(tenant_id)s and position > 1310",
        "delete from tiles where tenant_id = %(tenant_id)s and (n + length(hashes) / 32) * 256 > 1310",
        "delete from checkpoints where tenant_id = %(tenant_id)s and size > 1310",
    )
    assert case.found() == ["1311-2100 rollback"]
    assert case.found(anchored=True) == ["1311-2100 rollback"]
    assert case.judged("--since", kept_note(case)) == ["1311-2100 rollback"]


def test_a_tile_that_was_replaced_is_found(case: Case) -> None:
    case.tamper(
        "update tiles set hashes = overlay(hashes placing %(hash)s from 1)"
        " where tenant_id = %(tenant_id)s and level = 1 and n = 2",
        hash=FAKE,
    )
    assert case.found() == ["513-768 leaves"]
    case.tamper("delete from tiles where tenant_id = %(tenant_id)s and level = 1 and n = 2")
    assert case.found() == ["513-1280 leaves"]


def test_a_leaf_hash_that_was_replaced_is_told_from_an_event_that_was(case: Case) -> None:
    case.tamper(REMAKE_RUN, at=650, hash=FAKE)
    assert case.found() == ["650 leaves"]
    case.tamper(ALTER_AMOUNT, at=655)
    assert case.found() == ["650 leaves", "655 leaf"]
    case.tamper("delete from leaf_runs where tenant_id = %(tenant_id)s and first_position = 601")
    # Nothing is left that tells 655 from its neighbours.
    assert case.found() == ["601-700 leaf", "601-700 leaves", "601-700 root"]


def test_a_row_and_a_tile_that_were_replaced_are_both_found(case: Case) -> None:
    case.tamper(ALTER_AMOUNT, at=300)
    case.tamper(
        "update tiles set hashes = overlay(hashes placing %(hash)s from 33)"
        " where tenant_id = %(tenant_id)s and level = 1 and n <= 1 and n + length(hashes) / 32 > 1",
        hash=FAKE,
    )
    assert case.found() == ["257-512 leaves", "300 leaf"]


def test_a_row_whose_hash_was_remade_is_found_by_its_tile(case: Case) -> None:
    case.tamper(ALTER_AMOUNT, at=1234)
    made = made_hash(case, 1234)
    case.tamper(REMAKE_RUN, at=1234, hash=made)
    # The first checkpoint over it is that of 1300, the tile that of 1025 to 1280.
    assert case.found() == ["1025-1280 leaf"]
    assert case.judged() == ["1-2100 root"]


def test_a_row_whose_hashes_were_all_remade_is_found_between_two_checkpoints(case: Case) -> None:
    for at in (1234, 1305):
        case.tamper(ALTER_AMOUNT, at=at)
        case.tamper(REMAKE_RUN, at=at, hash=made_hash(case, at))
    remake_tiles(case)
    found = case.found(anchored=True)
    assert "701-1300 root" in found
    assert "701-1300 fork" in found
    assert {each.split()[1] for each in found} == {"root", "fork"}
    assert case.judged() == ["1-2100 root"]


def test_another_past_signed_with_the_real_key_is_found_outside(case: Case, pool: Pool) -> None:
    case.tamper(ALTER_AMOUNT, at=1000)
    case.tamper(*FORGET)
    folder = case.settings.signing_path
    last = last_path(folder, case.log.log_id, "log")
    remembered = last.read_bytes()
    last.write_text(f"{remembered.decode().splitlines()[0]}\n0\n{EMPTY}\n")
    assert Sealer(pool, case.settings).seal(case.log) == 2100
    assert case.found() == []
    assert case.found(anchored=True) == ["701-1300 fork", "1301-2100 fork"]
    assert case.judged() == []
    assert case.judged("--since", kept_note(case)) == ["1-2100 fork"]
    last.write_bytes(remembered)
    assert case.found() == ["1-2100 fork"]


def test_a_log_signed_with_another_key_is_found(case: Case, pool: Pool) -> None:
    vkey = case.verify().keys
    assert vkey is not None
    case.tamper(ALTER_AMOUNT, at=1000)
    case.tamper(*FORGET, "delete from log_keys where tenant_id = %(tenant_id)s")
    forged = case._replace(settings=Settings(signing_keys=str(case.anchors.parent / "forged")))
    with pool.connection() as connection:
        begin_signing(connection, case.log, forged.settings)
    assert Sealer(pool, forged.settings).seal(case.log) == 2100
    assert forged.found() == []
    trusted = [vkey.keys[0].vkey]
    assert forged.found(trusted=trusted) == ["1-2100 signature"]
    assert {each.split()[1] for each in forged.found(anchored=True)} == {"signature", "fork"}
    # With the signer's own folder: what it signed last, and its key.
    assert {"1-2100 fork", "1-2100 signature"} <= set(case.found())


def test_a_backup_that_was_restored_is_found(
    admin_url: str, fresh_database: Database, tmp_path: Path
) -> None:
    with open_pool(fresh_database.service_url, max_size=2) as pool, pool.connection() as connection:
        tenant = create_tenant(connection, "restored")
    with open_pool(fresh_database.service_url, max_size=2) as pool:
        case = build(pool, fresh_database, tenant, tmp_path, [300, 900])
    older = tmp_path / "older"
    shutil.copytree(case.settings.signing_path, older)
    with new_database(admin_url, template=fresh_database) as backup:
        with open_pool(fresh_database.service_url, max_size=2) as pool:
            grow(pool, case, [1000, 1500], begin=900)
        restored = case._replace(database=backup)
        assert case.found(anchored=True) == []
        assert restored.found() == ["901-1500 rollback"]
        both = restored._replace(settings=Settings(signing_keys=str(older)))
        assert both.found() == []
        assert both.found(anchored=True) == ["901-1500 rollback"]
        # It went on as if nothing had been.
        with open_pool(backup.service_url, max_size=2) as pool:
            with pool.connection() as connection:
                notice_history(connection)
            fill(pool, tenant.tenant_id, items(first=5_000), 700)
            Sealer(pool, both.settings).seal(case.log)
        assert both.found() == []
        assert both.found(anchored=True) == ["901-1000 fork", "1001-1500 fork"]
        assert restored.found() == ["1-1500 fork"]


def test_lines_of_a_file_of_anchors_may_be_in_any_order(case: Case) -> None:
    """As of two that seal, the slower of which writes last. Each line must still be one of this log."""
    lines = case.anchors.read_bytes().splitlines()
    written, prev = b"", NO_LINE
    for n, of in enumerate((1, 3, 4, 0, 2, 1), start=1):
        line = json.dumps({**json.loads(lines[of]), "n": n, "prev": prev}).encode()
        written, prev = written + line + b"\n", sha256(line).hexdigest()
    case.anchors.write_bytes(written)
    outcome = case.verify(anchored=True)
    assert not list(outcome.findings)
    assert outcome.roots == len(SIZES) + 6 + 1
    # A line that goes back in the file, and is not of this past.
    case.tamper(ALTER_AMOUNT, at=650)
    case.tamper(REMAKE_RUN, at=650, hash=made_hash(case, 650))
    remake_tiles(case)
    case.tamper("delete from checkpoints where tenant_id = %(tenant_id)s and size < 2100")
    found = case.found(anchored=True)
    assert {"601-700 fork", "701-2100 fork"} <= set(found)
    assert not any("rollback" in each for each in found)
    # What was signed and is not there is still found, whichever line says so.
    case.tamper(
        "delete from events where tenant_id = %(tenant_id)s and position > 1000",
        "delete from leaf_runs where tenant_id = %(tenant_id)s",
        "delete from tiles where tenant_id = %(tenant_id)s",
        "delete from checkpoints where tenant_id = %(tenant_id)s",
    )
    assert "1001-2100 rollback" in case.found(anchored=True)


def test_a_new_log_is_not_yet_in_a_file_of_anchors(
    case: Case, pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = build(pool, case.database, new_tenant(), tmp_path / "other", [])
    other = other._replace(anchors=case.anchors)

    def not_yet() -> bool:
        outcome = other.verify(anchored=True)
        assert not list(outcome.findings)
        return any("the log outside" in what for what in outcome.not_checked)

    assert not_yet()
    with pool.connection() as connection:
        record_accesses(connection, other.tenant.tenant_id, [NewAccess(7, "GET", "/", "", "")])
    assert Sealer(pool, other.settings).seal(other.log) is not None
    assert not_yet()
    fill(pool, other.tenant.tenant_id, items(), 10)
    Sealer(pool, other.settings).seal(other.log)
    assert not_yet()
    # Who has been sealing for long should be there.
    other.tamper(LONG_AGO)
    assert other.found(anchored=True) == ["1-10 fork"]
    assert seal(pool, other) == 10
    assert other.found(anchored=True) == []


def test_what_was_erased_is_proven_and_no_more_is(
    case: Case, database: Database, pool: Pool
) -> None:
    with connect(database.owner_url) as connection:
        done = erase(
            connection, case.tenant.tenant_id, "p-33", Why("asked by the player", "support")
        )
        assert done.record_position == 2101
    assert seal(pool, case) == 2101
    with connect(database.service_url) as connection:
        positions = fetch_positions(connection, case)
    assert len(positions) > 1
    assert case.found(anchored=True) == []
    assert case.judged() == []
    one = positions[0]
    changed: dict[LiteralString, str] = {
        # Made up anew, with the record of the erasure or without.
        "update events set state = '{}' where tenant_id = %(tenant_id)s and position = %(at)s": "erased",
        "update events set salt = '\\x17' where tenant_id = %(tenant_id)s and position = %(at)s": "erased",
        "update erased set commitment = sha256(commitment) where tenant_id = %(tenant_id)s"
        " and position = %(at)s": "leaf",
        "update erased set record_position = 1 where tenant_id = %(tenant_id)s"
        " and position = %(at)s": "erased",
        "delete from erased where tenant_id = %(tenant_id)s and position = %(at)s": "erased",
    }
    for statement, code in changed.items():
        case.tamper("create table kept_events as table events", "create table kept as table erased")
        case.tamper(statement, at=one)
        assert f"{one} {code}" in case.found(), statement
        if code == "leaf" or "state" in statement:
            assert f"{one} leaf" in case.judged(), statement
        case.tamper(
            "delete from events where tenant_id = %(tenant_id)s",
            "insert into events select * from kept_events where tenant_id = %(tenant_id)s",
            "delete from erased where tenant_id = %(tenant_id)s",
            "insert into erased select * from kept where tenant_id = %(tenant_id)s",
            "drop table kept, kept_events",
        )
    assert case.found() == []
    # Another event is put away as if it had been erased.
    gone = next(at for at in range(1, 2100) if at not in positions)
    case.tamper(
        "insert into erased select tenant_id, position, sha256('\\x02'::bytea || case when salt = '' then"
        " decode(repeat('00', 16), 'hex') else salt end || state), 2101"
        " from events where tenant_id = %(tenant_id)s and position = %(at)s",
        "update events set state = null, salt = '' where tenant_id = %(tenant_id)s and position = %(at)s",
        at=gone,
    )
    assert case.found() == [f"{gone} erased", "2101 erased"]


def test_a_statement_of_heads_that_is_not_true_is_found(case: Case, pool: Pool) -> None:
    with connect(case.database.service_url) as connection:
        stated = attest(connection, case.log, case.settings)
    assert stated is not None
    assert case.found() == []
    grow(pool, case, [2200], begin=2100)
    with connect(case.database.service_url) as connection:
        attest(connection, case.log, case.settings)
    assert case.found(anchored=True) == []
    # A last version that is none, in a statement that is signed: only who holds the log can tell.
    case.tamper(
        "update events set version = version + 1, stream = stream || '-' where tenant_id = %(tenant_id)s"
        " and position = 2150"
    )
    found = case.found()
    assert "2150 leaf" in found
    assert "2200 heads" in found
    case.tamper("delete from head_statements where tenant_id = %(tenant_id)s and n = 0")
    assert "2100 leaves" not in case.found()
    assert any("heads" in each for each in case.found())


def test_keys_that_follow_and_logs_that_follow_are_proven_too(case: Case, pool: Pool) -> None:
    now = datetime.now(UTC)
    with pool.connection() as connection:
        rotate_key(connection, case.log, case.settings, now)
    grow(pool, case, [2200], begin=2100)
    assert case.found(anchored=True) == []
    with pool.connection() as connection:
        restart(connection, case.tenant.tenant_id, case.settings, now, reason="stolen", revoke=True)
        after = current_log(connection, case.tenant.tenant_id)
    assert after is not None
    case = case._replace(log=after, anchors=case.anchors.with_name("after.ndjson"))
    grow(pool, case, [2500], begin=2200)
    outcome = case.verify(anchored=True)
    assert not list(outcome.findings)
    # Its own, the anchored and the remembered one, and all of the log before: its own, what the signer
    # remembers of that, and the one with which the other log goes on.
    assert outcome.roots == 3 + len(SIZES) + 1 + 2
    # What was changed before the new log was sealed is found by the one before.
    case.tamper(ALTER_AMOUNT, at=1234)
    case.tamper(REMAKE_NEWEST, at=1234, hash=made_hash(case, 1234))
    case.tamper(*FORGET_NEWEST)
    last = last_path(case.settings.signing_path, after.log_id, "log")
    last.write_text(f"{last.read_text().splitlines()[0]}\n0\n{EMPTY}\n")
    assert Sealer(pool, case.settings).seal(after) == 2500
    assert case.found() == ["1234 leaf"]
    case.tamper(
        "update logs set note = replace(note, 'stolen', 'lost') where tenant_id = %(tenant_id)s"
    )
    assert case.found() == ["1-2500 signature", "1234 leaf"]


def test_a_key_that_signs_alone_by_now_is_proven_in_each_tree(case: Case, pool: Pool) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with pool.connection() as connection:
        rotate_key(connection, case.log, case.settings, long_ago)
    grow(pool, case, [2200], begin=2100)
    with pool.connection() as connection:
        attest(connection, case.log, case.settings)
    assert case.found(anchored=True) == []


def test_a_key_that_followed_and_is_gone_is_found_by_its_file(case: Case, pool: Pool) -> None:
    with pool.connection() as connection:
        rotate_key(connection, case.log, case.settings, datetime.now(UTC))
    # As a rotation leaves it that was broken off.
    case.tamper("create table kept as table log_keys")
    case.tamper("delete from log_keys where tenant_id = %(tenant_id)s and number = 2")
    assert case.found() == []
    case.tamper(
        "delete from log_keys where tenant_id = %(tenant_id)s",
        "insert into log_keys select * from kept where tenant_id = %(tenant_id)s",
        "drop table kept",
    )
    grow(pool, case, [2200], begin=2100)
    assert case.found() == []
    case.tamper("delete from log_keys where tenant_id = %(tenant_id)s and number = 2")
    assert case.found() == ["1-2200 signature"]


def test_hashes_that_belong_to_nothing_are_found(case: Case) -> None:
    tile: LiteralString = "insert into tiles values (%(tenant_id)s, "
    run: LiteralString = "insert into leaf_runs values (%(tenant_id)s, "
    strays: tuple[LiteralString, ...] = (
        f"{run}1, 0, %(hash)s)",
        f"{run}1, -7, %(hash)s)",
        f"{run}2, 1, %(hash)s)",
        f"{tile}1, 'branches', 1, 0, %(hash)s)",
        f"{tile}1, 'log', 0, 0, %(hash)s)",
        f"{tile}1, 'log', -1, 0, %(hash)s)",
        f"{tile}1, 'heads', 8, 0, %(hash)s)",
        f"{tile}1, 'log', 1, -1, %(hash)s)",
        f"{tile}2, 'log', 1, 0, %(hash)s)",
    )
    for stray in strays:
        case.tamper(
            "create table kept as table leaf_runs", "create table kept_tiles as table tiles"
        )
        case.tamper(stray, hash=FAKE)
        assert "1 leaves" in case.found(), stray
        case.tamper(
            "delete from leaf_runs where tenant_id = %(tenant_id)s",
            "insert into leaf_runs select * from kept where tenant_id = %(tenant_id)s",
            "delete from tiles where tenant_id = %(tenant_id)s",
            "insert into tiles select * from kept_tiles where tenant_id = %(tenant_id)s",
            "drop table kept, kept_tiles",
        )
    assert case.found() == []


def test_a_statement_of_heads_that_is_gone_makes_no_others_false(case: Case, pool: Pool) -> None:
    with connect(case.database.service_url) as connection:
        for size in range(2110, 2150, 10):
            grow(pool, case, [size], begin=size - 10)
            attest(connection, case.log, case.settings)
    assert case.found() == []
    case.tamper("delete from head_statements where tenant_id = %(tenant_id)s and n = 1")
    heads = [each.words for each in case.verify().findings if each.code == "heads"]
    assert heads == ["statement 2 comes where there should be statement 1"]


def kept_note(case: Case) -> str:
    """Write the newest note that was anchored into a file, as an auditor keeps it; returns its path."""
    lines = case.anchors.read_bytes().splitlines()
    path = case.anchors.with_name("kept.note")
    path.write_text(json.loads(lines[-1])["checkpoint"])
    return str(path)


def fetch_positions(connection: Connection, case: Case) -> list[int]:
    rows = connection.execute(
        "select position from erased where tenant_id = %s order by 1", [case.tenant.tenant_id]
    )
    return [position for (position,) in rows]


def test_in_a_long_log_each_of_many_changes_is_found(
    admin_url: str, template: Database, tmp_path: Path
) -> None:
    with new_database(admin_url, template=template) as database:
        with connect(database.service_url) as connection:
            tenant = create_tenant(connection, "long")
        sizes = [30_000, 70_001, 100_000, 150_000, 170_000, 200_000]
        with open_pool(database.service_url, max_size=2) as pool:
            case = build(pool, database, tenant, tmp_path, sizes, players=5_000)
        outcome = case.verify(anchored=True)
        assert outcome.proven
        assert outcome.roots == 2 * len(sizes) + 1
        case.tamper(ALTER_AMOUNT, at=12_346)
        case.tamper(
            "update events set recorded_at = recorded_at + interval '1 microsecond'"
            " where tenant_id = %(tenant_id)s and position = 25000",
            "update events set position = 900000 + position where tenant_id = %(tenant_id)s"
            " and position in (40000, 60000)",
            "update events set position = 1000000 - position"
            " where tenant_id = %(tenant_id)s and position > 900000",
            "delete from events where tenant_id = %(tenant_id)s and position = 88888",
        )
        # A tile alone; a row and its tile; a row and its leaf hash.
        replace_tile(case, 110_000 // 256)
        case.tamper(ALTER_AMOUNT, at=120_004)
        replace_tile(case, 120_004 // 256)
        case.tamper(ALTER_AMOUNT, at=160_002)
        case.tamper(REMAKE_RUN, at=160_002, hash=made_hash(case, 160_002))
        case.tamper(REMAKE_RUN, at=165_000, hash=FAKE)
        case.tamper("delete from events where tenant_id = %(tenant_id)s and position > 199990")
        found = set(case.found(anchored=True))
    sealed_at = {
        "12346 leaf",
        "25000 leaf",
        "40000 leaf",
        "60000 leaf",
        "88888 gap",
        f"{110_000 // 256 * 256 + 1}-{110_000 // 256 * 256 + 256} leaves",
        "120004 leaf",
        f"{120_004 // 256 * 256 + 1}-{120_004 // 256 * 256 + 256} leaves",
        f"{160_002 // 256 * 256 + 1}-{160_002 // 256 * 256 + 256} leaf",
        "165000 leaves",
        "199991-200000 missing",
    }
    assert sealed_at <= found
    # What else is said follows from these: versions and times that no longer go on.
    assert {each.split()[1] for each in found - sealed_at} <= {"version", "time"}
    assert len(found) <= len(sealed_at) + 10


def replace_tile(case: Case, n: int) -> None:
    """Replace the hash of level 1 with that index."""
    case.tamper(
        "update tiles set hashes = overlay(hashes placing %(hash)s from ((%(n)s - n) * 32 + 1)::int)"
        " where tenant_id = %(tenant_id)s and tree = 'log' and level = 1 and n <= %(n)s"
        " and n + length(hashes) / 32 > %(n)s",
        n=n,
        hash=FAKE,
    )
