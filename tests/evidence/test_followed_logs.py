"""A log that another one followed is held against what was signed of it, and what was lost is told."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

import pytest

from app.evidence.attesting import attest
from app.evidence.changing_keys import restart
from app.evidence.guard import Signer, last_path, sign_statement
from app.evidence.keys import generate_key, read_keys
from app.evidence.log_keys import LogKey, add_log_key, begin_signing
from app.evidence.sealer import Sealer
from app.log.leaves import current_log
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.checkpoints import KeyStatement, parse_restart_statement
from domain.evidence.notes import encode_base64, parse_note
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.tampering import ALTER_AMOUNT, Case, build, grow, made_hash, remake_tiles, seal
from tests.evidence.test_tampering import FAKE, FORGET, LONG_AGO, REMAKE_RUN

SIZES = (300, 700, 900)
NOW = datetime.now(UTC)
CUT: tuple[LiteralString, ...] = (
    "delete from events where tenant_id = %(tenant_id)s and position > 700",
    "delete from leaf_runs where tenant_id = %(tenant_id)s and first_position > 700",
    "delete from tiles where tenant_id = %(tenant_id)s and (n + length(hashes) / 32) * 256 > 700",
    "delete from checkpoints where tenant_id = %(tenant_id)s and size > 700",
)
CRASH = CUT[2:]


@pytest.fixture
def case(pool: Pool, database: Database, new_tenant: Callable[..., Tenant], tmp_path: Path) -> Case:
    return build(pool, database, new_tenant(), tmp_path, SIZES)


def follow(pool: Pool, case: Case, settings: Settings | None = None) -> Case:
    """Let another log follow that of a case."""
    with pool.connection() as connection:
        tenant_id = case.tenant.tenant_id
        restart(connection, tenant_id, settings or case.settings, NOW, reason="the disk failed")
        after = current_log(connection, tenant_id)
    assert after is not None
    return case._replace(log=after)


def test_what_is_whole_is_proven_however_often_it_was_followed(case: Case, pool: Pool) -> None:
    with connect(case.database.service_url) as connection:
        attest(connection, case.log, case.settings)
    size = SIZES[-1]
    for _ in range(3):
        case = follow(pool, case)
        outcome = case.verify(anchored=True)
        assert not list(outcome.findings)
        assert any("only of those before it" in what for what in outcome.not_checked)
        assert case.found() == []
        grow(pool, case, [size + 40, size + 100], begin=size)
        size += 100
        with connect(case.database.service_url) as connection:
            attest(connection, case.log, case.settings)
        assert case.found(anchored=True) == []
        assert case.found(anchored=True, from_position=size - 150) == []
    assert not any("follows" in what for what in case.verify(anchored=True).not_checked)


def test_a_past_that_was_changed_as_another_log_began_is_found(case: Case, pool: Pool) -> None:
    before = case
    case.tamper(ALTER_AMOUNT, at=600)
    case.tamper(REMAKE_RUN, at=600, hash=made_hash(case, 600))
    remake_tiles(case)
    case = follow(pool, case)
    assert seal(pool, case) == 900
    assert "301-700 root" in case.found()
    case.tamper("delete from checkpoints where tenant_id = %(tenant_id)s and log_number = 1")
    # What the signer remembers, the note of the other log, and a file of anchors.
    assert set(case.found()) == {"1-900 fork", "1-900 leaves", "900 missing"}
    assert {"301-700 fork", "701-900 fork"} <= set(case.found(anchored=True))
    last_path(case.settings.signing_path, before.log.log_id, "log").unlink()
    assert set(case.found()) == {"1-900 fork", "1-900 leaves", "900 missing"}
    case.tamper("delete from logs where tenant_id = %(tenant_id)s and number = 1")
    assert "1-900 fork" in case.found()


def test_keys_of_a_log_that_was_followed_do_not_get_lost(case: Case, pool: Pool) -> None:
    case = follow(pool, case)
    assert seal(pool, case) == 900
    case.tamper("delete from log_keys where tenant_id = %(tenant_id)s and log_number = 1")
    assert "1-900 signature" in case.found()


def test_what_was_lost_is_told_as_the_note_says(case: Case, pool: Pool) -> None:
    case.tamper(*CUT)
    assert case.found() == ["701-900 rollback"]
    case = follow(pool, case)
    found = list(case.verify().findings)
    assert {str(each).partition(":")[0] for each in found} == {"701-900 rollback"}
    assert any("this was lost (the disk failed)" in each.words for each in found)
    # Others stand there in the meantime.
    grow(pool, case, [800, 1000], begin=700)
    assert set(case.found(anchored=True)) == {"701-900 rollback"}
    assert case.found(anchored=True, from_position=901) == []
    # Of what is lost only the key that signed it can say so.
    case.tamper(
        "update logs set note = regexp_replace(note, '\\n[^\\n]+\\n$', E'\\n')"
        " where tenant_id = %(tenant_id)s and number = 2"
    )
    case.tamper(LONG_AGO)
    outcome = case.verify(anchored=True)
    assert {f"{each.first}-{each.last} {each.code}" for each in outcome.findings} == {
        "701-900 rollback",
        "701-900 fork",
        "1-900 fork",
    }
    assert "that log 2 follows log 1: no key of that one signed it" in outcome.not_checked


def test_that_all_was_lost_is_told_too(case: Case, pool: Pool) -> None:
    case.tamper("delete from events where tenant_id = %(tenant_id)s", *FORGET)
    case = follow(pool, case)
    assert case.found() == ["1-900 rollback"]


def test_what_came_after_is_proven_by_checkpoints_of_the_log_that_goes_on(
    case: Case, pool: Pool
) -> None:
    case = follow(pool, case)
    grow(pool, case, [1000], begin=900)
    last_path(case.settings.signing_path, case.log.log_id, "log").unlink()
    case.tamper("delete from checkpoints where tenant_id = %(tenant_id)s and log_number = 2")
    assert "901-1000 signature" in case.found()


def test_what_was_signed_and_not_kept_is_not_lost(case: Case, pool: Pool) -> None:
    case.tamper(*CRASH)
    case = follow(pool, case)
    grow(pool, case, [1000], begin=900)
    assert case.found(anchored=True) == []


def test_a_note_that_says_something_else_is_found(case: Case, pool: Pool) -> None:
    older = case
    case = follow(pool, case)
    assert seal(pool, case) == 900
    [(note,)] = pool_rows(pool, "select note from logs where note is not null", case)
    lines = note.splitlines()
    own, old = (
        read_keys(case.settings.signing_path, case.log.log_id),
        read_keys(case.settings.signing_path, older.log.log_id),
    )
    changes = {
        "known size": [*lines[:3], "899", *lines[4:8]],
        "known root": [*lines[:4], encode_base64(FAKE), *lines[5:8]],
        "other log": [*lines[:2], lines[2].replace("/log/", "/log/0"), *lines[3:8]],
        "less signed than known": [*lines[:5], "1", *lines[6:8]],
        "more lines": [*lines[:8], "and more"],
    }
    for what, changed in changes.items():
        text = "".join(f"{line}\n" for line in changed)
        for signers in ([], own, old):
            other = str(sign_statement(text, signers)) if signers else f"{text}\n{lines[-1]}\n"
            set_note(case, other)
            assert case.found(), (what, signers)
    # Rightly signed: the events say that it is not true.
    text = "".join(f"{line}\n" for line in changes["known root"])
    set_note(case, str(sign_statement(text, [*own, *old])))
    assert case.found() == ["1-900 fork"]
    set_note(case, None)
    assert case.found() == ["1-900 signature"]
    set_note(case, note)
    assert case.found() == []
    assert (
        parse_restart_statement(parse_note(note.encode()).text).text
        == note.partition("\n\n")[0] + "\n"
    )


def test_another_key_counts_only_if_one_that_counts_said_so(case: Case, pool: Pool) -> None:
    [first] = read_keys(case.settings.signing_path, case.log.log_id)
    second = generate_key(first.name)
    added = KeyStatement(first.name, 900, second.vkey)
    for signers in ([second], [first], [generate_key(first.name), second]):
        add_key(case, LogKey(2, str(second.vkey), 900, note(added, signers), False, NOW))
        assert case.found() == ["1-900 signature"]
    add_key(case, LogKey(2, str(second.vkey), 900, note(added, [first, second]), False, NOW))
    assert case.found() == []
    # One that was revoked adds none.
    revoked = KeyStatement(first.name, 900, first.vkey, revoked=True)
    add_key(case, LogKey(2, str(first.vkey), 900, note(revoked, [first]), True, NOW))
    assert case.found() == []
    row = LogKey(3, str(second.vkey), 900, note(added, [first, second]), False, NOW)
    with connect(case.database.service_url) as connection:
        add_log_key(connection, case.log, row)
    assert case.found() == ["1-900 signature"]


def test_a_log_that_is_gone_with_all_that_was_there_of_it_is_found(
    case: Case, pool: Pool, new_tenant: Callable[..., Tenant], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = build(pool, case.database, new_tenant(), tmp_path / "other", [5])
    shared = other._replace(anchors=case.anchors)
    assert seal(pool, shared) == 5
    with case.anchors.open("ab") as anchors:
        anchors.write(line_of("casino.example/log/" + "0" * 32, 7))
    assert [each for each in shared.found(anchored=True) if "line" not in each] == []
    assert case.found() == []
    case.tamper(
        *FORGET,
        "delete from log_keys where tenant_id = %(tenant_id)s",
        "update logs set log_id = sha256(log_id)::bytea where tenant_id = %(tenant_id)s",
        "update logs set log_id = substr(log_id, 1, 16) where tenant_id = %(tenant_id)s",
    )
    with pool.connection() as connection:
        log = current_log(connection, case.tenant.tenant_id)
    assert log is not None
    forged = case._replace(log=log)
    with connect(case.database.service_url) as connection:
        begin_signing(connection, log, case.settings)
    assert Sealer(pool, case.settings).seal(log) == 900
    # It is sealed anew, and looks whole: by the folder of the keys, and by the anchors of any tenant.
    assert forged.found() == ["1 rollback"]
    outcome = shared.verify(anchored=True)
    [found] = [each for each in outcome.findings if each.code == "rollback"]
    assert (found.first, found.last) == (1, 1)
    assert f"size 900 of the log {case.log.log_id.hex()}" in found.words
    assert "logs of other services: casino.example" in outcome.not_checked


def test_what_the_sealer_found_is_a_finding(case: Case) -> None:
    tell: LiteralString = (
        "insert into sealing (tenant_id, failure, finding, found_by) values (%(tenant_id)s, %(failure)s,"
        " %(finding)s, 'file:/anchors') on conflict (tenant_id) do update"
        " set failure = excluded.failure, finding = excluded.finding, found_by = excluded.found_by"
    )
    case.tamper(tell, failure=None, finding="rollback: the log is shorter")
    [found] = case.verify().findings
    assert str(found) == "1-900 rollback: file:/anchors found: the log is shorter"
    case.tamper(tell, failure=None, finding="whatever")
    assert case.found() == ["1-900 fork"]
    case.tamper(tell, failure="size 3 is smaller", finding=None)
    [found] = case.verify().findings
    assert str(found) == "1-900 signature: nothing is signed any more: size 3 is smaller"
    case.tamper(tell, failure=None, finding=None)
    assert case.found() == []


def pool_rows(pool: Pool, statement: LiteralString, case: Case) -> list[tuple[str]]:
    with pool.connection() as connection:
        found = connection.execute(
            f"{statement} and tenant_id = %(tenant_id)s", {"tenant_id": case.tenant.tenant_id}
        )
        return [(note,) for (note,) in found]


def set_note(case: Case, note: str | None) -> None:
    case.tamper(
        "update logs set note = %(note)s where tenant_id = %(tenant_id)s and number = 2", note=note
    )


def note(statement: KeyStatement, signers: Sequence[Signer]) -> str:
    return str(sign_statement(statement.text, signers))


def add_key(case: Case, row: LogKey) -> None:
    """Let this be the second key of a log, and no other."""
    case.tamper("delete from log_keys where tenant_id = %(tenant_id)s and number > 1")
    with connect(case.database.service_url) as connection:
        add_log_key(connection, case.log, row)


def line_of(origin: str, size: int) -> bytes:
    text = f"{origin}\n{size}\n{'A' * 43}=\n\n— nobody AAAAAAAA\n"
    return json.dumps({"n": 1, "prev": "", "at": "", "checkpoint": text}).encode() + b"\n"
