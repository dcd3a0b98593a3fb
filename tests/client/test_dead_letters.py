"""The file of dead letters: shared by spools, edited, broken off; each refused item is in it, in one line."""

from pathlib import Path
from threading import Thread

import msgspec
import pytest
from roundbook_client import Client, SpoolError
from roundbook_client.checking import Checker
from roundbook_client.dead_letters import DeadLetter, DeadLetters, Refused
from roundbook_client.rules import Fault
from roundbook_client.spool import files
from roundbook_client.spool.marks import Mark
from roundbook_client.spool.records import Position
from roundbook_client.spool.spool import Spool

from tests.client.conftest import quick

_AT = Position(1, 0)
_FAULTS = [Fault("", "odd", "it is odd")]


def refused(*texts: bytes) -> list[Refused]:
    return [Refused(at, text, _FAULTS) for at, text in enumerate(texts)]


def letters(path: Path) -> list[DeadLetter]:
    return [msgspec.json.decode(line, type=DeadLetter) for line in path.read_bytes().splitlines()]


def test_spools_share_a_file_and_each_finds_its_own_letters(tmp_path: Path) -> None:
    path = tmp_path / "letters"
    for who in ("a", "b", "c"):
        item = b'{"of":"%b"}' % who.encode()
        assert DeadLetters(path, who, _AT).add(_AT, refused(item)) == 1
        assert DeadLetters(path, who, _AT).add(_AT, refused(item)) == 0
    assert [bytes(letter.item) for letter in letters(path)] == [
        b'{"of":"a"}',
        b'{"of":"b"}',
        b'{"of":"c"}',
    ]


def test_who_shares_a_file_writes_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes while the first knows where it writes, and has not written."""
    path = tmp_path / "letters"
    real = files.write_all
    second = Thread(target=lambda: DeadLetters(path, "b", _AT).add(_AT, refused(b"2")))

    def held(file: int, pieces: list[bytes], offset: int) -> None:
        if second.ident is None:
            second.start()
            second.join(0.2)  # it waits; without a lock it is done long before
        real(file, pieces, offset)

    monkeypatch.setattr(files, "write_all", held)
    DeadLetters(path, "a", _AT).add(_AT, refused(b"1"))
    second.join(60)
    assert [bytes(letter.item) for letter in letters(path)] == [b"1", b"2"]


def test_a_spool_has_an_id_until_its_marks_are_lost(tmp_path: Path) -> None:
    def opened() -> str:
        spool = Spool(tmp_path, 1_000)
        spool.mark(Mark(spool.marks.mark.acknowledged, _AT))
        spool.close()
        return spool.marks.spool_id

    first = opened()
    assert opened() == first
    (tmp_path / "acknowledged").unlink()
    assert opened() != first


def test_an_item_is_one_line_however_it_was_given() -> None:
    text = (
        b'{"event":\r\n"login","data":{\n"unique_id":"a\\n",'
        b'"timestamp":"2025-01-15T06:31:00Z",\r"player_id":"p"}}'
    )
    [typed] = Checker().records([msgspec.Raw(text)])
    data = msgspec.json.decode(text, type=dict[str, msgspec.Raw])["data"]
    [mapped] = Checker().records([{"event": "login", "data": data}])
    for record in (typed, mapped):
        assert b"\n" not in record.content
        assert b"\r" not in record.content
        assert msgspec.json.decode(record.content) == msgspec.json.decode(text)


def test_a_file_for_which_there_is_no_folder_is_told_at_once(tmp_path: Path) -> None:
    options = quick(dead_letters=str(tmp_path / "missing" / "letters"))
    client = Client("http://127.0.0.1:9", key="k", spool=tmp_path / "spool", options=options)
    with pytest.raises(SpoolError, match="missing"):
        client.open()
    (tmp_path / "missing").mkdir()
    client.open().close(0)
