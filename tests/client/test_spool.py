"""The spool: cut off at any byte, with any byte another, on a disk that fails; in any order of these."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from roundbook_client.errors import Closed, SpoolError, SpoolFull, SpoolInUse
from roundbook_client.spool import files, segments
from roundbook_client.spool.marks import Mark, Marks
from roundbook_client.spool.reading import DAMAGED, Reader
from roundbook_client.spool.records import MARKER, Position, Record
from roundbook_client.spool.spool import Spool

_START = Position(0, 0)


def _is_quick(_: int) -> None:
    """What is written is there, whoever is killed: only who cuts the power needs a sync."""


_CONTENTS = [b'{"a":1}', b"", MARKER + b"x", b'{"b":"' + MARKER * 3 + b'"}', b"0" * 300]


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
    monkeypatch.setattr(os, "fdatasync", _is_quick)
    monkeypatch.setattr(os, "fsync", _is_quick)
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
            is_torn = length not in {0, *(end for _, end in ends)}
            assert len(reader.torn) == is_torn
            # What is torn is passed over, and what is spooled after it is found.
            put(spool, b"next")
            assert contents(spool, batch.end) == [b"next"]
        for other in path.parent.glob("*.segment"):
            if other != path:
                other.unlink()


def test_with_any_byte_another_one_record_at_most_is_lost_and_its_bytes_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fdatasync", _is_quick)
    monkeypatch.setattr(os, "fsync", _is_quick)
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
    for length in range(53):
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


class AnyOrder(RuleBasedStateMachine):
    """What is confirmed comes out in order, each once, but for what was sent and not yet marked."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._confirmed: list[bytes] = []
        self._number = 0
        self._open()

    def _open(self) -> None:
        self.spool = Spool(Path(self._folder.name), 1 << 20)
        # Small ones: many of them.
        self.spool._segment_bytes = 200
        self.reader = Reader(self.spool)
        mark = self.spool.marks.mark
        self.done = mark.acknowledged
        self.until = mark.batch_end if mark.batch_end > mark.acknowledged else None

    def teardown(self) -> None:
        self.spool.close()
        self._folder.cleanup()

    def _new(self, sizes: list[int]) -> list[bytes]:
        found = []
        for size in sizes:
            self._number += 1
            found.append(b"%d %b" % (self._number, b"x" * size))
        return found

    @rule(sizes=st.lists(st.integers(0, 120), min_size=1, max_size=4))
    def put(self, sizes: list[int]) -> None:
        new = self._new(sizes)
        put(self.spool, *new)
        self._confirmed += new

    @rule(sizes=st.lists(st.integers(0, 120), min_size=1, max_size=4), part=st.floats(0, 1))
    def put_on_a_full_disk(self, sizes: list[int], part: float) -> None:
        real = files.write_all

        def write_all(file: int, pieces: list[bytes], offset: int) -> None:
            text = b"".join(pieces)
            real(file, [text[: int(len(text) * part)]], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(segments, "write_all", write_all)
            with pytest.raises(SpoolError):
                put(self.spool, *self._new(sizes))

    @rule(most=st.integers(1, 5), is_marked=st.booleans())
    def take(self, most: int, is_marked: bool) -> None:
        """Take a batch; where it was claimed before a crash it is the very same."""
        batch = self.reader.next_batch(self.done, most, 1 << 20, self.until)
        if self.until is not None:
            assert batch.end == self.until
        taken = [each.content for each in batch.records]
        assert taken == self._confirmed[: len(taken)]
        self.spool.mark(Mark(self.done, batch.end))
        if not taken:
            # What was torn is passed over; and if there was nothing at all, nothing is left.
            assert batch.end > self.done or not self._confirmed
            self.done, self.until = batch.end, None
        self.until = batch.end if taken else None
        if is_marked and taken:
            self.spool.mark(Mark(batch.end, batch.end))
            self.done, self.until = batch.end, None
            del self._confirmed[: len(taken)]

    @rule()
    def close_and_open(self) -> None:
        self.spool.close()
        self._open()

    @rule(torn=st.binary(max_size=30), is_record=st.booleans(), size=st.integers(0, 80))
    def crash(self, torn: bytes, is_record: bool, size: int) -> None:
        """Leave what a write left that was broken off, and that nobody was told of."""
        writing = self.spool._writing
        if writing is not None and is_record:
            ticket = self.spool.put([record(*self._new([size]))])
            kept = segments.path_of(self.spool.folder, writing.number).stat().st_size
            self.spool.write(ticket)
            if self.spool._writing is writing and len(torn):
                os.truncate(
                    segments.path_of(self.spool.folder, writing.number),
                    kept + min(len(torn), ticket.size_bytes - 1),
                )
            else:
                self._confirmed += [each.content for each in ticket.records]
        os.close(self.spool._lock_file)
        self.spool.marks.close()
        if self.spool._writing is not None:
            self.spool._writing.close()
        self._open()

    @invariant()
    def nothing_is_broken(self) -> None:
        assert self.reader.set_aside == []


def test_in_any_order_what_is_confirmed_comes_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fdatasync", _is_quick)
    monkeypatch.setattr(os, "fsync", _is_quick)
    run_state_machine_as_test(AnyOrder)
