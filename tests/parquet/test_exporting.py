"""Exports: what is in them, what a second run adds, and what is left by one that is killed."""

import os
import shutil
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from msgspec import json
from msgspec.structs import replace

from api.parquet import exporting
from api.parquet.exporting import Added, export
from api.parquet.folder import MANIFEST, ExportError, Folder, Manifest
from app import whole_files
from app.log.erasure import Why, erase
from domain.gaming_day import DayRule
from postgres.connections import Pool, connect
from projections.days import set_rule
from tests.databases import Database
from tests.queries.casino import (
    CASINO_DAY,
    Casino,
    bet,
    deposit,
    item,
    play_casino_day,
)

ALL = ("events", "transactions", "rounds", "activity", "players", "games")


def run(casino: Casino, url: str, path: Path, *names: Any, after: int | None = None) -> list[Added]:
    with connect(url) as connection:
        return list(export(connection, casino.tenant, Folder(path), names or None, after=after))


def manifest(path: Path) -> Manifest:
    return json.decode((path / MANIFEST).read_bytes(), type=Manifest)


def check_whole(path: Path) -> None:
    """Fail unless the files are those of the manifest, byte by byte."""
    files = {each.path: each for each in manifest(path).files}
    assert {each.relative_to(path).as_posix() for each in path.glob("*/*/*")} == set(files)
    for each in files.values():
        content = (path / each.path).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (each.bytes, each.sha256)
        assert f"/gaming_day={each.day}/" in each.path


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as opened:
        return opened.execute(sql.replace("DIR", str(path))).fetchall()


NEWEST = {
    "rounds": "player_id, game_id, round_id",
    "activity": "day, game_id, currency",
    "players": "player_id",
    "games": "game_id",
}


def table(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Read a table as it is by now, in some order."""
    newest = (
        f"qualify rank() over (partition by {NEWEST[name]} order by log_position desc) = 1"
        if name in NEWEST
        else ""
    )
    leave_out = "exclude (log_position)" if name in NEWEST else ""
    rows = ask(path, f"select * {leave_out} from 'DIR/{name}/*/*.parquet' {newest}")
    return sorted(rows, key=repr)


def test_an_export_holds_all_there_is(casino: Casino, database_url: str, tmp_path: Path) -> None:
    play_casino_day(casino)
    added = run(casino, database_url, tmp_path)
    assert [each.table for each in added] == list(ALL)
    assert {each.position for each in added} == {484}
    check_whole(tmp_path)
    assert manifest(tmp_path).positions == dict.fromkeys(ALL, 484)
    assert len(table(tmp_path, "events")) == 484


def test_what_runs_add_comes_to_what_one_run_gives(
    casino: Casino, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_ROWS_AT_ONCE", 50)
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    for batch in sorted(CASINO_DAY.glob("batch-*.json")):
        casino.send_body(batch.read_bytes())
        casino.project()
        run(casino, database_url, grown)
        check_whole(grown)
    # What is late, and changes what is old: a round, a profile, an earlier day.
    old = {"player_id": "StQ-1", "timestamp": "2025-01-14T23:59:59.999999Z"}
    position = casino.fill(
        [
            bet(**old, game_id="GD8", round_id="r1", amount=7),
            bet(**old, game_id="GD8", round_id="r1", amount=1, is_win=True, currency="SEK"),
            deposit(**old, amount=0.000000000000000001),
            item("player", player_id="StQ-1", country="FI"),
            item("game", game_id="new", categories=["a|b", "c"], timestamp="2024-12-31T00:00:00Z"),
        ]
    )
    added = run(casino, database_url, grown)
    assert {each.position for each in added} == {position}
    run(casino, database_url, whole)
    for path in (grown, whole):
        check_whole(path)
        assert manifest(path).positions == dict.fromkeys(ALL, position)
    for name in ALL:
        assert table(grown, name) == table(whole, name), name
    assert len(manifest(grown).files) > len(manifest(whole).files)
    for name in ("events", "transactions"):
        assert sum(each.rows for each in manifest(grown).files if each.table == name) == len(
            table(whole, name)
        )


def test_days_are_those_of_the_tenant_also_where_clocks_are_put_back(
    casino: Casino, pool: Pool, database_url: str, tmp_path: Path
) -> None:
    with pool.connection() as connection:
        set_rule(connection, casino.tenant.tenant_id, DayRule.of("Europe/Copenhagen", "02:30"))
    # At 01:00 UTC clocks go from 03:00 back to 02:00: they show 02:15 twice, the second time on the new day.
    times = {"00:15:00": 25, "00:29:59": 25, "00:30:00": 26, "01:15:00": 26, "01:45:00": 26}
    days = [date(2025, 10, day) for day in times.values()]
    for time in times:
        casino.fill([bet(timestamp=f"2025-10-26T{time}Z", round_id=time, amount=1)])
        run(casino, database_url, tmp_path)
    manifested = manifest(tmp_path)
    assert (manifested.time_zone, manifested.day_starts) == ("Europe/Copenhagen", "02:30")
    filed = "select gaming_day from 'DIR/{}/*/*.parquet' order by {}"
    assert [row[0] for row in ask(tmp_path, filed.format("events", "position"))] == days
    assert [row[0] for row in ask(tmp_path, filed.format("rounds", "round_id"))] == days
    run(casino, database_url, tmp_path / "whole")
    shown = [row[:5] for row in table(tmp_path, "activity")]
    assert shown == [row[:5] for row in table(tmp_path / "whole", "activity")]
    assert [(row[0], row[4]) for row in shown] == [(days[0], 2), (days[2], 3)]


def test_what_is_taken_back_and_what_only_ended_is_in_it(
    casino: Casino, database_url: str, tmp_path: Path
) -> None:
    of = {"player_id": "p", "game_id": "g", "round_id": "r"}
    casino.fill([bet(amount=5), bet(amount=2, is_bonus=True, is_win=True), deposit()])
    run(casino, database_url, tmp_path)
    back = {"amount": 5, "currency": "EUR", "is_win": False, "is_bonus": False, "reason": "broken"}
    casino.fill(
        [
            item("rollback", **of, **back),
            item("roundend", player_id="p", game_id="g", round_id="ended"),
            item("game", game_id="g", theoretical_rtp=0.965, volatility=12),
        ]
    )
    run(casino, database_url, tmp_path)
    run(casino, database_url, tmp_path / "whole")
    for name in ALL:
        assert table(tmp_path, name) == table(tmp_path / "whole", name), name
    names = "round_id, currency, bet_real, win_bonus, rolled_back_bet_real, rolled_back_bets"
    newest = f"qualify rank() over (partition by {NEWEST['rounds']} order by log_position desc) = 1"
    rounds = f"select {names}, ended_at is null from 'DIR/rounds/*/*.parquet' {newest} order by 1"
    assert ask(tmp_path, rounds) == [
        ("ended", None, None, None, 0, 0, False),
        ("r", "EUR", 0, 2, 5, 1, True),
    ]
    events = "select type, amount, bonus_amount from 'DIR/events/*/*.parquet' order by position"
    assert ask(tmp_path, events) == [
        ("BetPlaced", 5, 0),
        ("WinPaid", 2, 2),
        ("Deposited", 1, None),
        ("BetRolledBack", 5, 0),
        ("RoundEnded", None, None),
        ("GameUpdated", None, None),
    ]


def test_nothing_new_adds_nothing(casino: Casino, database_url: str, tmp_path: Path) -> None:
    assert [each.rows for each in run(casino, database_url, tmp_path)] == [0] * 6
    casino.fill([deposit()])
    run(casino, database_url, tmp_path)
    before = manifest(tmp_path).files
    assert [each[2:] for each in run(casino, database_url, tmp_path)] == [(0, 0)] * 6
    assert manifest(tmp_path).files == before


def test_tables_and_a_position_can_be_chosen(
    casino: Casino, database_url: str, tmp_path: Path
) -> None:
    first = casino.fill([deposit(), bet(round_id="old"), bet(round_id="both")])
    casino.fill([deposit(), bet(round_id="both"), bet(round_id="new")])
    some = tmp_path / "some"
    run(casino, database_url, some, "rounds", "transactions", after=first)
    assert manifest(some).positions == {"rounds": 6, "transactions": 6}
    assert manifest(some).after == first
    assert [row[0] for row in ask(some, "select position from 'DIR/transactions/*/*.parquet'")] == [
        4
    ]
    rounds = ask(some, "select round_id, bet_count from 'DIR/rounds/*/*.parquet' order by 1")
    assert rounds == [("both", 2), ("new", 1)]
    # One that comes later begins where the folder did.
    casino.fill([deposit()])
    run(casino, database_url, some, "events")
    assert manifest(some).positions == {"rounds": 6, "transactions": 6, "events": 7}
    assert [
        row[0] for row in ask(some, "select position from 'DIR/events/*/*.parquet' order by 1")
    ] == [*range(first + 1, 8)]
    with pytest.raises(ExportError, match="leave out --after"):
        run(casino, database_url, some, after=1)
    with pytest.raises(ExportError, match="end at position 7"):
        run(casino, database_url, tmp_path / "other", after=8)


def test_amounts_are_exact_and_one_that_does_not_fit_is_refused(
    casino: Casino, database_url: str, tmp_path: Path
) -> None:
    greatest = "99999999999999999999.999999999999999999"
    sent = json.encode({"items": [deposit(amount="GREATEST")]}).replace(
        b'"GREATEST"', greatest.encode()
    )
    casino.send_body(sent)
    casino.send_body(b'{"items": [%b]}' % json.encode(bet(amount="X")).replace(b'"X"', b"1.50e1"))
    casino.project()
    run(casino, database_url, tmp_path)
    amounts = ask(tmp_path, "select amount from 'DIR/events/*/*.parquet' order by position")
    assert amounts == [(Decimal(greatest),), (Decimal(15),)]
    casino.fill([bet(amount=9e19, round_id="r2"), bet(amount=9e19, round_id="r2")])
    with pytest.raises(ExportError, match="a row of rounds does not fit"):
        run(casino, database_url, tmp_path)
    # What does fit is in.
    assert manifest(tmp_path).positions["events"] == 4
    assert manifest(tmp_path).positions["rounds"] == 2


def test_text_comes_as_it_is(casino: Casino, database_url: str, tmp_path: Path) -> None:
    names = ["", '"', 'a,"b"', "a\nb", "\r\n", "\\N", "\\.", "NULL", "é\U0001f600", None]
    casino.fill([item("player", player_id=f"{n}", username=u) for n, u in enumerate(names)])
    run(casino, database_url, tmp_path)
    found = ask(tmp_path, "select username from 'DIR/players/*/*.parquet' order by player_id::int")
    assert [row[0] for row in found] == names


class Killed(BaseException):
    """Stands for a kill: nothing of what would be done after it is done."""


def test_what_is_killed_at_any_moment_goes_on(
    casino: Casino, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_ROWS_AT_ONCE", 2)
    names = ("events", "rounds")
    casino.fill([deposit(), bet(round_id="r1"), bet(round_id="r2")])
    before, whole = tmp_path / "before", tmp_path / "whole"
    run(casino, database_url, before, *names)
    late = {"timestamp": "2025-01-14T00:00:00Z"}
    casino.fill([bet(round_id="r1"), bet(round_id="r2", **late), deposit()])
    run(casino, database_url, whole, *names)
    expected = [table(whole, name) for name in names]
    kept = [0]
    for survived in range(100):
        path = tmp_path / f"killed-{survived}"
        shutil.copytree(before, path)
        with monkeypatch.context() as patched:
            kill_after(survived, patched)
            try:
                run(casino, database_url, path)
            except Killed:
                kept.append(len(list(path.rglob("*.part"))))
            else:
                break
        for each in manifest(path).files:
            assert sha256((path / each.path).read_bytes()).hexdigest() == each.sha256
        run(casino, database_url, path)
        check_whole(path)
        assert [table(path, name) for name in names] == expected, survived
    assert survived > 10
    assert sum(kept) > 5


def kill_after(survived: int, patched: pytest.MonkeyPatch) -> None:
    """Kill who brings something to the disk when that was done so often."""
    fsync, left = os.fsync, [survived]

    def kill(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        fsync(descriptor)

    patched.setattr(os, "fsync", kill)
    # What is half written stays, as it would.
    patched.setattr(whole_files, "_is", lambda *_: left[0] >= 0)


def test_a_first_run_that_is_killed_goes_on_too(
    casino: Casino, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_ROWS_AT_ONCE", 2)
    casino.fill([deposit() for _ in range(6)])
    write, written = Folder.write, list[Any]()

    def kill(self: Folder, name: str, *of: Any) -> Any:
        if len(written) == 2:
            raise Killed
        written.append(write(self, name, *of))
        return written[-1]

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", kill)
        with pytest.raises(Killed):
            run(casino, database_url, tmp_path)
    # The pieces that were written are not written again.
    assert manifest(tmp_path).positions["events"] == 4
    rows = {each.table: each.rows for each in run(casino, database_url, tmp_path)}
    assert rows["events"] == 2
    check_whole(tmp_path)
    assert len(table(tmp_path, "events")) == 6


def test_what_would_stay_wrong_is_not_added_to(
    casino: Casino, new_casino: Any, database: Database, tmp_path: Path
) -> None:
    url = database.service_url
    position = casino.fill([deposit(), item("player", player_id="p", username="secret")])
    run(casino, url, tmp_path)
    with pytest.raises(ExportError, match=f"it is of {casino.tenant.name}"):
        run(new_casino(), url, tmp_path)
    made = manifest(tmp_path)

    def saved(**changes: Any) -> None:
        Folder(tmp_path).save(replace(made, **changes))

    saved(versions={"rounds": 0})
    with pytest.raises(ExportError, match="another version"):
        run(casino, url, tmp_path)
    saved(time_zone="Europe/Copenhagen")
    with pytest.raises(ExportError, match="days began otherwise"):
        run(casino, url, tmp_path)
    saved()
    taken = tmp_path / made.files[0].path
    content = taken.read_bytes()
    taken.unlink()
    with pytest.raises(ExportError, match="not there any more"):
        run(casino, url, tmp_path)
    for changed in (content[:-1], content + b"x", b""):
        taken.write_bytes(changed)
        with pytest.raises(ExportError, match=f"has {len(changed)} bytes, and had {len(content)}"):
            run(casino, url, tmp_path)
    taken.write_bytes(content)
    casino.fill([deposit()])
    with connect(database.owner_url) as owner:
        erase(owner, casino.tenant.tenant_id, "p", Why("asked", "tester"))
    casino.project()
    with pytest.raises(ExportError, match="what was erased since is still in it"):
        run(casino, url, tmp_path)
    assert manifest(tmp_path) == made
    assert made.positions["events"] == position
    again = tmp_path / "again"
    run(casino, url, again)
    assert [row[0] for row in ask(again, "select username from 'DIR/players/*/*.parquet'")] == [
        None
    ]
    casino.restart()
    with pytest.raises(ExportError, match="another log"):
        run(casino, url, again)


def test_a_folder_of_somebody_else_is_left_alone(
    casino: Casino, database_url: str, tmp_path: Path
) -> None:
    casino.fill([deposit()])
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match="is not empty"):
        run(casino, database_url, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]
    other = tmp_path / "other"
    run(casino, database_url, other)
    notes = other / "events" / "notes.txt"
    notes.write_text("mine")
    run(casino, database_url, other)
    assert notes.exists()
    with Folder(other).locked(), pytest.raises(ExportError, match="another process"):
        run(casino, database_url, other)
    (other / MANIFEST).write_text("{}")
    with pytest.raises(ExportError, match="no export that this version knows"):
        run(casino, database_url, other)
