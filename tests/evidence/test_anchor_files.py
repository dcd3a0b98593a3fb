"""A file of anchors is only ever added to, and what a crash tore loses neither a line nor the chain."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from app.evidence.anchors.anchor import AnchorError, ContradictionError
from app.evidence.anchors.files import FileAnchor, Line, read_lines
from app.evidence.anchors.opening import open_anchor
from domain.evidence.anchoring import parse_anchors
from domain.evidence.notes import Note
from tests.evidence.histories import ORIGIN, History, a_key, check_against

TRUE, FALSE = History(0), History(1)


def opened(path: Path) -> FileAnchor:
    anchor = open_anchor(*parse_anchors(f"file:{path}"))
    assert isinstance(anchor, FileAnchor)
    return anchor


def signed(size: int, history: History = TRUE) -> Note:
    text = history.at(size).text
    return Note(text).signed([a_key().sign(text)])


def append(path: Path, *notes: Note) -> None:
    anchor = opened(path)
    for note in notes:
        anchor.anchor(note, TRUE.prove(0))


def lines_of(path: Path) -> list[Line]:
    with path.open("rb") as file:
        return list(read_lines(file))


def test_each_line_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    notes = [signed(1), signed(2, History(0, "heads")), signed(5)]
    append(path, *notes)
    prev = "0" * 64
    for number, (line, note) in enumerate(
        zip(path.read_bytes().splitlines(), notes, strict=True), start=1
    ):
        read = json.loads(line)
        assert list(read) == ["n", "prev", "at", "checkpoint"]
        assert (read["n"], read["prev"], read["checkpoint"]) == (number, prev, str(note))
        assert read["at"].endswith("Z")
        prev = sha256(line).hexdigest()
    assert path.read_bytes().endswith(b"}\n")
    assert all(line.chained and line.record for line in lines_of(path))


def test_the_receipt_is_the_line(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    receipt = opened(path).anchor(signed(3), TRUE.prove(3))
    assert receipt.data + b"\n" == path.read_bytes()
    assert receipt.cosignatures == ()


def test_the_newest_of_each_tree_is_found_whoever_else_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    anchor = opened(path)
    assert anchor.newest(ORIGIN) is None
    path.touch()
    assert anchor.newest(ORIGIN) is None
    heads = History(0, "heads")
    other = Note(f"{ORIGIN[:-1]}0\n9\n" + TRUE.at(9).text.split("\n")[2] + "\n")
    append(path, signed(3), signed(1, heads), other.signed(signed(1).signatures), signed(5))
    append(path, signed(2, heads))
    for origin, note in ((ORIGIN, signed(5)), (f"{ORIGIN}/heads", signed(2, heads))):
        assert anchor.newest(origin) == note
    for absent in (ORIGIN[:-1], f"{ORIGIN}/accesses", "", "head"):
        assert anchor.newest(absent) is None


def test_what_contradicts_the_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    append(path, signed(5))
    vkeys = [a_key().vkey]
    assert check_against(opened(path), TRUE.at(9), vkeys, TRUE.prove(9)) == TRUE.at(5)
    for own, found in ((TRUE.at(4), "rollback"), (FALSE.at(5), "fork")):
        with pytest.raises(ContradictionError, match=rf"file:{path} has size 5") as it:
            check_against(opened(path), own, vkeys, TRUE.prove(own.size))
        assert it.value.finding == found
    text = TRUE.at(7).text
    append(path, Note(text).signed(signed(5).signatures))
    with pytest.raises(AnchorError, match=r"shows no checkpoint of the log: .* does not hold"):
        check_against(opened(path), TRUE.at(9), vkeys, TRUE.prove(9))


def test_a_line_torn_anywhere_costs_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    append(path, signed(1), signed(2))
    whole = path.read_bytes()
    (last_start,) = (place + 1 for place in [whole.index(b"\n")])
    for cut in {*range(last_start, len(whole), 19), len(whole) - 2, len(whole) - 1}:
        path.write_bytes(whole[:cut])
        append(path, signed(3), signed(4))
        assert path.read_bytes().startswith(whole[:cut])
        lines = lines_of(path)
        assert all(line.chained for line in lines)
        kept = [line.record.checkpoint for line in lines if line.record]
        survived = [str(signed(2))] if cut == len(whole) - 1 else []
        assert kept == [str(signed(1)), *survived, str(signed(3)), str(signed(4))]
        assert [line.record.n for line in lines if line.record] == list(range(1, len(kept) + 1))
        assert opened(path).newest(ORIGIN) == signed(4)


def test_a_torn_line_is_not_what_was_newest(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    append(path, signed(1), signed(2))
    path.write_bytes(path.read_bytes()[:-5])
    assert opened(path).newest(ORIGIN) == signed(1)
    path.write_bytes(b'{"n":1,"prev":"')
    append(path, signed(3))
    assert [line.chained for line in lines_of(path)] == [True, True]
    assert opened(path).newest(ORIGIN) == signed(3)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_line_that_was_altered_removed_or_moved_breaks_the_chain(
    tmp_path: Path, number: int
) -> None:
    path = tmp_path / "anchors"
    append(path, *(signed(size) for size in (1, 2, 3, 4)))
    lines = path.read_bytes().splitlines(keepends=True)
    altered = lines[number].replace(b"2", b"3")
    assert altered != lines[number]
    tampered = [
        [*lines[:number], altered, *lines[number + 1 :]],
        [*lines[:number], *lines[number + 1 :]],
        [*lines[:number], b"\n", *lines[number + 1 :]],
        [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]],
    ]
    for each in tampered:
        assert not all(line.chained for line in read_lines(each))
    assert all(line.chained for line in read_lines(lines))


def test_many_that_append_at_once_make_one_chain_in_which_each_tree_only_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "anchors"
    # That an anchor waits for no stopped process for ever is not what this is about.
    monkeypatch.setattr("app.evidence.anchors.files._PATIENCE_S", 60.0)

    def append_all(first: int) -> None:
        for size in range(first, 41):
            # Another one that is further on is no fault of who comes late.
            with suppress(ContradictionError):
                append(path, signed(size))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(append_all, range(1, 9)))
    lines = lines_of(path)
    assert all(line.chained and line.record for line in lines)
    sizes = [int(line.record.checkpoint.split("\n")[1]) for line in lines if line.record]
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == 40


def test_what_is_there_is_not_appended_again_and_its_line_is_the_receipt(tmp_path: Path) -> None:
    path = tmp_path / "anchors"
    anchor = opened(path)
    anchor.anchor(signed(5), TRUE.prove(5))
    anchor.anchor(signed(9, History(0, "heads")), TRUE.prove(9))
    before = path.read_bytes()
    first = before.splitlines()[0]
    assert opened(path).anchor(signed(5), TRUE.prove(5)).data == first
    for note, finding in ((signed(4), "rollback"), (signed(5, FALSE), "fork")):
        with pytest.raises(ContradictionError) as it:
            opened(path).anchor(note, TRUE.prove(4))
        assert it.value.finding == finding
        assert it.value.evidence == signed(5)
    assert path.read_bytes() == before


def test_the_file_is_made_for_all_to_read(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        append(tmp_path / "anchors", signed(1))
    finally:
        os.umask(before)
    assert (tmp_path / "anchors").stat().st_mode & 0o777 == 0o644


def test_a_file_out_of_reach_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "anchors"
    with pytest.raises(AnchorError, match=rf"file:{path} can't be written: No such file"):
        append(path, signed(1))
    assert opened(path).newest(ORIGIN) is None
    with pytest.raises(AnchorError, match=rf"file:{tmp_path} can't be read: Is a directory"):
        opened(tmp_path).newest(ORIGIN)
    (tmp_path / "other").write_text(
        '{"n":1,"prev":"","at":"","checkpoint":' + json.dumps(f"{ORIGIN}\n") + "}\n"
    )
    with pytest.raises(AnchorError, match=f"holds no note of {ORIGIN}: "):
        opened(tmp_path / "other").newest(ORIGIN)
