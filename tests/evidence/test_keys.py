"""The files of signing keys: in the form of other programs, for their owner alone, never overwritten."""

import os
import re
import stat
from pathlib import Path

import pytest

from app.evidence.keys import (
    KeyFileError,
    generate_key,
    key_path,
    parse_key,
    read_key,
    read_keys,
    write_key,
)
from app.evidence.verifying import verify
from domain.evidence.notes import Note, NoteError
from tests.evidence.test_notes import PETERS_SECRET

LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
NAME = f"roundbook.invalid/log/{LOG_ID.hex()}"


def test_a_key_is_written_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    key = generate_key(NAME)
    path = key_path(tmp_path / "made" / "keys", LOG_ID)
    before = os.umask(0)
    try:
        write_key(path, key)
    finally:
        os.umask(before)
    assert path.name == f"{LOG_ID.hex()}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert re.fullmatch(
        rf"PRIVATE\+KEY\+{NAME}\+[0-9a-f]{{8}}\+[A-Za-z0-9+/]{{44}}\n", path.read_text()
    )
    assert read_key(path) == key
    note = Note("text\n").signed([read_key(path).sign("text\n")])
    assert [each.vkey for each in verify(note, [key.vkey])] == [key.vkey]
    assert list(path.parent.iterdir()) == [path]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = key_path(tmp_path, LOG_ID)
    first = generate_key(NAME)
    write_key(path, first)
    with pytest.raises(KeyFileError, match=rf"{path} is there already"):
        write_key(path, generate_key(NAME))
    assert read_key(path) == first
    assert list(tmp_path.iterdir()) == [path]


def test_a_successor_has_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = generate_key(NAME), generate_key(NAME)
    write_key(key_path(tmp_path, LOG_ID), first)
    write_key(key_path(tmp_path, LOG_ID, second.vkey), second)
    write_key(key_path(tmp_path, bytes(16)), generate_key("another.log"))
    assert read_keys(tmp_path, LOG_ID) == [first, second]


def test_a_key_is_not_shown() -> None:
    key = parse_key(PETERS_SECRET)
    assert "PeterNeumann+c74f20a3" in repr(key)
    assert PETERS_SECRET[-20:] not in repr(key)
    assert repr(key.seed) not in repr(key)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "begins with"),
        (PETERS_SECRET.removeprefix("PRIVATE+KEY+"), "begins with"),
        (PETERS_SECRET[:-4], "not an Ed25519 key"),
        (PETERS_SECRET[:-1], "base64"),
        (PETERS_SECRET + "\n\n", "base64"),
        (PETERS_SECRET.replace("AYEK", "AoEK"), "not an Ed25519 key"),
        (PETERS_SECRET.replace("c74f20a3", "c74f20a4"), "its own id"),
        (PETERS_SECRET.replace("PeterNeumann", "Peter Neumann"), "name of a key"),
    ],
)
def test_a_file_without_a_key_is_refused_by_name_without_what_is_in_it(
    tmp_path: Path, text: str, fault: str
) -> None:
    path = tmp_path / "a.key"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=fault) as refused:
        read_key(path)
    assert str(path) in str(refused.value)
    assert "KFALVFGyNhPJEMzD1QIDr" not in str(refused.value)


def test_no_mangled_key_is_taken_for_one() -> None:
    """As x/mod tries it: each character raised by one."""
    for i, each in enumerate(PETERS_SECRET):
        with pytest.raises(NoteError):
            parse_key(PETERS_SECRET[:i] + chr(ord(each) + 1) + PETERS_SECRET[i + 1 :])


def test_files_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=rf"no signing key {tmp_path}/missing\.key"):
        read_key(tmp_path / "missing.key")
    with pytest.raises(KeyFileError, match=f"{tmp_path} can't be read: Is a directory"):
        read_key(tmp_path)
    (tmp_path / "binary.key").write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileError, match="not UTF-8"):
        read_key(tmp_path / "binary.key")
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="can't be written: "):
        write_key(tmp_path / "file" / "a.key", generate_key(NAME))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_a_key_must_have_a_fit_name(name: str) -> None:
    with pytest.raises(NoteError):
        generate_key(name)
