"""The spool: cut off at any byte, with any byte another, on a disk that fails; in any order of these."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from roundbook_client.errors import Closed, SpoolError, SpoolFull, SpoolInUse
from roundbook_client.spool import files, reading, segments
from roundbook_client.spool import spool as spool_module
from roundbook_client.spool.marks import Mark, Marks
from roundbook_client.spool.reading import DAMAGED, Reader
from roundbook_client.spool.records import MARKER, Position, Record
from roundbook_client.spool.spool import Spool

_START = Position(0, 0)
_CONTENTS = [b'{"a":1}', b"", MARKER + b"x", b'{"b":"' + MARKER * 3 + b'"}', b"0" * 300]


def is_quick(_: int) -> None:
    """What is written is there, whoever is killed: only who cuts the power needs a sync."""


def record(content: bytes) -> Record:
    return Record(1, content)


def put(spool: Spool, *contents: bytes) -> None:
    spool.commit(spool.put([record(content) for content in contents]))


def contents(spool: Spool, after: Position = _START) -> list[bytes]:
    batch = Reader(spool).next_batch(after, 1_000_000, 1 << 30)
    return [each.content for each in batch.records]


@contextmanager
def opened(folder: Path, max_bytes: int = 1 << 30) -> Iterator[Spool]:
    spool = Spool(folder, max_bytes)
    try:
        yield spool
    finally:
        spool.close()


def _written(folder: Path) -> tuple[Path, list[tuple[int, int]]]:
    """Write all of the contents into one segment; gives it, and where each record begins and ends."""
    with opened(folder) as spool:
        ends = []
        for content in _CONTENTS:
            begin = sum(spool.written().sizes.values())
            put(spool, content)
            ends.append((begin, sum(spool.written().sizes.values())))
        [number] = spool.written().sizes
    return segments.path_of(folder, number), ends


def test_cut_off_at_any_byte_it_holds_what_was_whole_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", is_quick)
    monkeypatch.setattr(os, "fsync", is_quick)
    path, ends = _written(tmp_path / "spool")
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        with opened(path.parent) as spool:
            reader = Reader(spool)
            batch = reader.next_batch(_START, 100, 1 << 20)
            kept = [
                content for content, (_, end) in zip(_CONTENTS, ends, strict=True) if end <= length
            ]
            assert [each.content for each in batch.records] == kept
            assert reader.set_aside == []
            torn = whole[max([0, *(end for _, end in ends if end <= length)]) : length]
            assert [Path(each.path).read_bytes() for each in reader.torn] == [torn] * bool(torn)
            # What is torn is passed over, and what is spooled after it is found.
            put(spool, b"next")
            assert contents(spool, batch.end) == [b"next"]
        for other in path.parent.glob("*.segment"):
            if other != path:
                other.unlink()


def test_with_any_byte_another_one_record_at_most_is_lost_and_its_bytes_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", is_quick)
    monkeypatch.setattr(os, "fsync", is_quick)
    path, ends = _written(tmp_path / "spool")
    whole = path.read_bytes()
    for at in range(len(whole)):
        broken = bytearray(whole)
        broken[at] ^= 0x40
        path.write_bytes(broken)
        with opened(path.parent) as spool:
            reader = Reader(spool)
            batch = reader.next_batch(_START, 100, 1 << 20)
            [(begin, end)] = [each for each in ends if each[0] <= at < each[1]]
            rest = [
                content
                for content, each in zip(_CONTENTS, ends, strict=True)
                if each != (begin, end)
            ]
            assert [each.content for each in batch.records] == rest
            [aside] = reader.set_aside
            assert Path(aside.path).read_bytes() == bytes(broken[begin:end])
            assert (aside.at.offset, aside.size_bytes) == (begin, end - begin)
            # Found again it is neither told nor written again.
            reader.next_batch(_START, 100, 1 << 20)
            assert len(reader.set_aside) == 1
        shutil.rmtree(path.parent / DAMAGED)


def test_marks_of_which_a_write_was_broken_off_are_those_before(tmp_path: Path) -> None:
    path = tmp_path / "acknowledged"
    earlier = Mark(Position(1, 2), Position(1, 9), 3)
    later = Mark(Position(4, 5), Position(4, 5), 6)
    for length in range(61):
        path.unlink(missing_ok=True)
        marks = Marks(path)
        marks.write(earlier)
        before = path.read_bytes()
        marks.write(later)
        after = path.read_bytes()
        marks.close()
        slot = next(at for at in (0, 512) if before[at : at + 512] != after[at : at + 512])
        torn = before[:slot] + after[slot : slot + length] + before[slot + length :]
        path.write_bytes(torn)
        marks = Marks(path)
        assert marks.mark == (later if torn == after else earlier)
        assert not marks.is_damaged
        marks.close()


def test_marks_of_which_nothing_is_left_are_told_and_all_is_sent_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, b"a")
        spool.mark(Mark(Position(1, 3), Position(1, 3)))
    (tmp_path / "acknowledged").write_bytes(b"x" * 1024)
    with opened(tmp_path) as spool:
        assert spool.marks.is_damaged
        assert contents(spool, spool.marks.mark.acknowledged) == [b"a"]


def test_a_full_disk_is_an_error_nothing_is_spooled_and_it_goes_on_with_room(
    tmp_path: Path,
) -> None:
    """In a process of its own, of which no file may grow beyond 64 KiB."""
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from roundbook_client.errors import SpoolError\n"
        "from roundbook_client.spool.records import Record\n"
        "from roundbook_client.spool.spool import Spool\n"
        "_, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, most))\n"
        "spool = Spool(Path(sys.argv[1]), 1 << 30)\n"
        "put = lambda text: spool.commit(spool.put([Record(1, text)]))\n"
        "put(b'a' * 60_000)\n"
        "for _ in range(3):\n"
        "    try:\n"
        "        put(b'b' * 10_000)\n"
        "    except SpoolError as error:\n"
        "        print(error)\n"
        "put(b'c' * 1_000)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))\n"
        "put(b'd' * 10_000)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "spool")]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    told = ended.stdout.splitlines()
    assert len(told) == 3
    assert all(line.endswith(f"{os.strerror(errno.EFBIG)}; nothing was spooled") for line in told)
    with opened(tmp_path / "spool") as spool:
        held = contents(spool)
    assert [(text[:1], len(text)) for text in held] == [
        (b"a", 60_000),
        (b"c", 1_000),
        (b"d", 10_000),
    ]
    assert len(list((tmp_path / "spool").glob("*.segment"))) == 1


def test_after_a_sync_that_failed_other_segments_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with opened(tmp_path) as spool:
        put(spool, b"a")
        with monkeypatch.context() as patched:
            patched.setattr(segments, "sync", fails)
            with pytest.raises(SpoolError, match="nothing was spooled"):
                put(spool, b"b")
        put(spool, b"c")
        assert contents(spool) == [b"a", b"c"]
        assert len(spool.written().sizes) == 2


def test_who_waits_while_another_is_interrupted_is_told_that_nothing_was_spooled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with opened(tmp_path) as spool:
        mine, others = spool.put([record(b"a")]), spool.put([record(b"b")])
        with monkeypatch.context() as patched:
            patched.setattr(segments, "sync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                spool.commit(mine)
        with pytest.raises(SpoolError, match="interrupted"):
            spool.commit(others)
        put(spool, b"c")
        assert contents(spool) == [b"c"]
    with opened(tmp_path) as spool:
        assert contents(spool) == [b"c"]
        # Who is interrupted while it tells what became of them leaves the others without an answer.
        with monkeypatch.context() as patched:
            patched.setattr(spool, "_write_all", lambda: None)
            with pytest.raises(SpoolError, match="is not known"):
                put(spool, b"d")


def test_nothing_is_confirmed_or_taken_out_before_it_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, let_go = Event(), Event()

    def held(file: int) -> None:
        begun.set()
        assert let_go.wait(60)
        files.sync(file)

    with opened(tmp_path) as spool:
        monkeypatch.setattr(segments, "sync", held)
        sending = Thread(target=put, args=(spool, b"a"))
        sending.start()
        assert begun.wait(60)
        assert contents(spool) == []
        assert sending.is_alive()
        let_go.set()
        sending.join(60)
        assert contents(spool) == [b"a"]


def test_many_threads_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def counted(file: int) -> None:
        synced.append(file)
        files.sync(file)

    monkeypatch.setattr(segments, "sync", counted)
    barrier = Barrier(8)
    with opened(tmp_path) as spool:

        def send(who: int) -> None:
            for number in range(50):
                ticket = spool.put([record(b"%d %d" % (who, number))])
                barrier.wait()
                spool.commit(ticket)

        threads = [Thread(target=send, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(contents(spool)) == sorted(
            b"%d %d" % (who, number) for who in range(8) for number in range(50)
        )
    assert len(synced) == 50


def test_it_is_bounded_and_has_room_again_as_it_is_acknowledged(tmp_path: Path) -> None:
    with opened(tmp_path, max_bytes=1_000) as spool:
        put(spool, b"x" * 600)
        with pytest.raises(SpoolFull, match=r"holds 620 of 1,000 bytes.*nothing was spooled"):
            put(spool, b"y" * 600)
        batch = Reader(spool).next_batch(_START, 10, 10_000)
        spool.mark(Mark(batch.end, batch.end))
        assert spool.size_bytes == 0
        put(spool, b"y" * 600)
        assert contents(spool, batch.end) == [b"y" * 600]


def test_an_empty_segment_is_nothing_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left by a first write that had no room."""

    def fails(file: int, pieces: list[bytes], offset: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(segments, "write_all", fails)
    with opened(tmp_path) as spool:
        with pytest.raises(SpoolError, match="No space left"):
            put(spool, b"a")
        assert list(spool.written().sizes.values()) == [0]
        assert not Reader(spool).has_more(_START)


def test_names_of_folders_are_on_the_disk_before_what_is_in_them_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def noted(folder: Path) -> None:
        synced.append(folder)

    for module in (files, spool_module, reading):
        monkeypatch.setattr(module, "sync_folder", noted)
    path = tmp_path / "a" / "b" / "spool"
    with opened(path) as spool:
        assert {tmp_path, tmp_path / "a", tmp_path / "a" / "b", path} <= set(synced)
        put(spool, b"a" * 100)
        [segment] = path.glob("*.segment")
        segment.write_bytes(bytes(120))
        synced.clear()
        assert contents(spool) == []
    assert {path / DAMAGED, path} <= set(synced)


def test_a_child_does_not_keep_the_lock_of_a_spool_that_was_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1_000)
    inherited = os.dup(spool._lock_file)  # as a child of a fork has it
    spool.close()
    with opened(tmp_path):
        os.close(inherited)


def test_a_second_client_is_refused_and_so_is_a_child_of_the_first(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        with pytest.raises(SpoolInUse, match=str(tmp_path)):
            Spool(tmp_path, 1_000)
        spool._pid += 1  # as it is after a fork
        with pytest.raises(SpoolInUse):
            spool.put([record(b"a")])
        spool._pid -= 1
    with opened(tmp_path):
        pass
    with pytest.raises(Closed):
        spool.put([record(b"a")])


def test_a_folder_that_can_not_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match=r"file/spool can't be opened"):
        Spool(tmp_path / "file" / "spool", 1_000)
