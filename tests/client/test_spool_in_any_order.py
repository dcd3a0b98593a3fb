"""The spool in any order of what can happen, against a list: a model with Hypothesis."""

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from roundbook_client.errors import SpoolError
from roundbook_client.spool import files, segments
from roundbook_client.spool.marks import Mark
from roundbook_client.spool.reading import Reader
from roundbook_client.spool.spool import Spool

from tests.client.test_spool import is_quick, put, record


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
    monkeypatch.setattr(os, "fdatasync", is_quick)
    monkeypatch.setattr(os, "fsync", is_quick)
    run_state_machine_as_test(AnyOrder)
