"""The events of a bundle against what was sealed, and each against those before it.

Most come in blocks of which nothing is odd, and are held against what was sealed all at once.
"""

import os
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import chain, islice, pairwise
from multiprocessing import get_context

from .bundle import MIB, Bundle
from .events import Line, Run, begins_at, check, run_of
from .findings import Findings
from .notes import Checkpoint
from .tree import leads_to

FOLLOWED = 1 << 18  # streams and erasures that are kept in mind
WORKERS = min(os.cpu_count() or 1, 4)


class Order:
    """Goes through the events once; what is known of all of them is in its attributes then."""

    def __init__(self, bundle: Bundle, note: Checkpoint | None, findings: Findings) -> None:
        self.events = 0
        self.first, self.last = (0, b""), (0, b"")  # position and recorded_at
        self.positions: list[int] = []  # of a stream
        self.erased: list[int] = []
        self.erases: list[tuple[int, int]] = []  # stretches that records name
        self.unjudged: Counter[str] = Counter()
        self._bundle, self._note, self._findings = bundle, note, findings
        self._versions: dict[bytes, int] = {}
        self._sealing = self._sealed()
        self._ahead: deque[tuple[int, bytes]] = deque()  # of what was sealed
        self._expected, self._leaf = 0, b""  # the next of it

    def run(self) -> None:
        """Take in all blocks; where one is odd, or does not go on as it must, line by line."""
        self._go_on()
        for (block, run), (following, _) in pairwise(chain(self._blocks(), [(b"", None)])):
            if run and self._takes(run):
                continue
            lines = check(self._bundle.log_id, self._bundle.stream, block)
            afters = [*(line[0] for line in lines[1:]), begins_at(following)]
            for line, after in zip(lines, afters, strict=True):
                self._line(line, after)
        while self._expected:
            self._miss("missing")

    def _sealed(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and leaf hash of what was sealed; those of a stream are proven as they go by."""
        bundle, note, at, leaves = self._bundle, self._note, self._bundle.first, self._bundle.leaves()
        positions = range(at, bundle.last + 1) if bundle.stream is None else self.positions
        with self._findings.part("leaves", "leaves"):
            if bundle.stream is None:
                yield from zip(positions, leaves)  # noqa: B905 (which are fewer is said below)
            else:
                for position, path in bundle.audit_paths():
                    leaf = next(leaves)
                    if not at <= position <= bundle.last:
                        words = "the audit paths are not in the order of positions"
                        self._findings.add("root", words, position)
                    elif note and not leads_to(note.root, leaf, position - 1, note.size, path):
                        words = "the audit path does not lead to the root of the checkpoint"
                        self._findings.add("root", words, position)
                    at = position + 1
                    self.positions.append(position)
                    yield position, leaf
        if bundle.sizes.get("leaves") != len(positions) * 32:
            self._findings.add("leaves", "they are not 32 bytes for each event that they prove")

    def _blocks(self) -> Iterator[tuple[bytes, Run | None]]:
        """Yield lines, and what they say together; where there is much to do, other processes find it out."""
        name, of = "events.ndjson", partial(run_of, self._bundle.log_id, self._bundle.stream)
        alone = WORKERS < 2 or self._bundle.sizes.get(name, 0) < 8 * MIB
        waiting = deque[tuple[bytes, Future[Run | None]]]()
        with nullcontext() if alone else ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
            with self._findings.part("bundle", name):
                for block in self._bundle.blocks(name):
                    if not pool:
                        yield block, of(block)
                        continue
                    waiting.append((block, pool.submit(of, block)))
                    if len(waiting) > 2 * WORKERS:
                        oldest, future = waiting.popleft()
                        yield oldest, future.result()
            yield from ((block, future.result()) for block, future in waiting)

    def _go_on(self) -> None:
        self._expected, self._leaf = self._ahead.popleft() if self._ahead else next(self._sealing, (0, b""))

    def _miss(self, code: str) -> None:
        self._findings.add(code, "the event is not there", self._expected)
        self._go_on()

    def _takes(self, run: Run) -> bool:
        """Take in a block that goes on where those before it end; tell whether it does."""
        number, followed = len(run.positions), run.versions.items()
        self._ahead.extend(islice(self._sealing, max(number - 1 - len(self._ahead), 0)))
        sealed = [(self._expected, self._leaf), *islice(self._ahead, number - 1)]
        if (
            [at for at, _ in sealed] != run.positions
            or b"".join([leaf for _, leaf in sealed]) != run.leaves
            or run.times[0] < self.last[1]
            or any(self._before(stream, first) not in (None, first - 1) for stream, (first, _) in followed)
        ):
            return False
        for stream, (first, last) in followed:
            self._follow(stream, first, last)
        self._keep(run.positions, run.times, run.erased, run.erases)
        self.events += number
        self.unjudged += run.unjudged
        for _ in range(number):
            self._go_on()
        return True

    def _line(self, line: Line, after: int | None) -> None:
        """Take in a line; `after` is the position that the next one says."""
        position, leaf, stream, version, recorded_at, erased, erases, said = line
        place = self._place(position, leaf, after)
        self.events += 1
        for code, words in said:
            if code:
                self._findings.add(code, words, place)
            else:
                self.unjudged[words] += 1
        if leaf:
            before = self._before(stream, version)
            if before not in (None, version - 1):
                words = f"version {version} comes after version {before}"
                self._findings.add("version", words, place)
            self._follow(stream, version, version)
            if recorded_at < self.last[1]:
                self._findings.add("time", "recorded_at is before that of the event before", place)
            named = [(start, min(stop, place)) for start, stop in erases]
            self._keep([place], (recorded_at, recorded_at), [place] * erased, named)
        if place == self._expected:
            self._go_on()

    def _place(self, position: int | None, leaf: bytes, after: int | None) -> int:
        """Return where a line stands, and compare it with what was sealed there."""
        # A position further on is believed where the next line goes on from there.
        while position and 0 < self._expected < position and not (after and after <= position):
            self._miss("gap" if self.events else "missing")
        place = self._expected
        if place and position in (None, place):
            if leaf not in (b"", self._leaf):
                self._findings.add("leaf", "it is not the event that was sealed", place)
        elif not place or after is None or after <= place:
            place = position or self._bundle.last
            self._findings.add("gap", "the event stands where none belongs", place)
        else:
            self._findings.add("gap", f"the line says that it is of position {position}", place)
        return place

    def _before(self, stream: bytes, version: int) -> int | None:
        """Return which version of a stream must be before this one, None where it is not followed."""
        if stream not in self._versions and len(self._versions) >= FOLLOWED:
            return None
        whole = self._bundle.stream is not None or self._bundle.first == 1
        return self._versions.get(stream, 0 if whole else version - 1)

    def _follow(self, stream: bytes, first: int, last: int) -> None:
        if self._before(stream, first) is None:
            self.unjudged["versions of a stream, as there are so many"] += last - first + 1
        else:
            self._versions[stream] = last

    def _keep(
        self, at: list[int], times: tuple[bytes, bytes], erased: list[int], named: list[tuple[int, int]]
    ) -> None:
        self.first = self.first if self.first[0] else (at[0], times[0])
        self.last = at[-1], times[1]
        self.erased += erased[: FOLLOWED - len(self.erased)]
        self.erases += named[: FOLLOWED - len(self.erases)]
