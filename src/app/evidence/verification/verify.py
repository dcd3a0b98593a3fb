"""Verifying a whole log: rows, leaf hashes, tiles, checkpoints, and what is kept of it elsewhere.

It writes nothing and may run beside the service: a log only grows. What is verified is what was there at the
beginning; that it is what was sealed is proven up to the newest checkpoint.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from app.evidence.log_keys import log_keys
from app.evidence.store import newest_checkpoint, reader
from app.evidence.verification.elsewhere import AnchoredFile, last_signed
from app.evidence.verification.erasures import check_outside
from app.evidence.verification.findings import Findings
from app.evidence.verification.hashes import SQL as HASHES_SQL
from app.evidence.verification.hashes import Indexes, read_recorded, read_stored
from app.evidence.verification.keys import SigningKeys, check_key_files, check_keys
from app.evidence.verification.reading import (
    EVENTS_AT_ONCE,
    Read,
    Stretch,
    Task,
    connect_to_read,
    read_all,
)
from app.evidence.verification.rows import ABSENT, EARLIER
from app.evidence.verification.streaks import Source, Streaks
from app.evidence.verification.streams import Streams
from app.evidence.verification.tree import Block, Judge, Target
from app.log.append import head
from app.log.leaves import Log
from app.settings import Settings
from domain.evidence.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Edge, MissingHashesError
from domain.evidence.merkle import Stretch as Hashes
from domain.evidence.notes import VerifierKey
from postgres.connections import Connection
from postgres.rows import fetch_one

OWN = Source("a checkpoint", "root")


class Outcome(NamedTuple):
    """What was verified, and what was found."""

    findings: Findings
    first: int
    last: int
    sealed: int
    """The size of the newest checkpoint that the log has."""
    keys: SigningKeys | None
    roots: int
    """How many roots, of checkpoints and from elsewhere, the log has."""
    unrecorded: int
    not_checked: list[str]

    @property
    def proven(self) -> bool:
        """Whether the log is what was sealed, as far as it was looked at."""
        return not self.findings.total


class Asked(NamedTuple):
    """What is to be verified: a tenant's log in the database at `url`.

    `anchors` is a file of anchors; `trusted` are keys one of which must be the log's first. Before
    `from_position` rows are not read, and checkpoints not looked at.
    """

    url: str
    log: Log
    settings: Settings
    anchors: Path | None = None
    trusted: Sequence[VerifierKey] = ()
    from_position: int = 1


def verify_log(asked: Asked, report: Callable[[int], None] = lambda _: None) -> Outcome:
    """Verify a log; `report` hears how many events more are done. Raises UnreadableError, psycopg.Error."""
    with closing(connect_to_read(asked.url)) as connection:
        return _Verification(connection, asked).run(report)


class _Verification:
    """One run."""

    def __init__(self, connection: Connection, asked: Asked) -> None:
        self._asked = asked
        self._connection = connection
        self._log = log = asked.log
        self._settings = settings = asked.settings
        self._first = asked.from_position
        self._findings = Findings()
        # What is outside is read first, and where the log ends last: what was signed before is in the log.
        self._file = None if asked.anchors is None else AnchoredFile(asked.anchors)
        rows = log_keys(connection, log)
        origin = rows[0].vkey.partition("+")[0] if rows else ""
        self._remembered = {
            tree: last_signed(log, tree, origin, settings) for tree in ("log", "heads", "accesses")
        }
        newest = newest_checkpoint(connection, log, "log")
        self._sealed = 0 if newest is None else newest.size
        recorded = fetch_one(connection, HASHES_SQL.end_of_runs, _of(log), int) or 0
        self._head = head(connection, log.tenant_id)
        self._last = max(self._head, self._sealed, recorded)
        self._keys = check_keys(log, rows, asked.trusted, self._last, self._findings)

    def run(self, report: Callable[[int], None]) -> Outcome:
        streaks = Streaks(self._findings, "the log", begin=self._first - 1)
        streams = Streams(self._connection, self._log, self._findings)
        streams.check_indexes(self._last)
        judge = self._judge(streaks)
        outside = _Ahead(self._outside())
        ended_at: int | None = None
        task = Task(self._asked.url, self._log, self._keys, self._head)
        for read in read_all(task, self._stretches(), self._last - self._first + 1):
            rows = read.rows
            self._findings.extend(read.findings)
            if None not in (rows.began_at, ended_at) and rows.began_at < ended_at:  # type: ignore[operator]
                self._findings.add(read.stretch.first, read.stretch.first, "time", EARLIER)
            ended_at = rows.ended_at if rows.ended_at is not None else ended_at
            streams.add(rows.versions)
            judge.add(self._blocks(read))
            own = [Target(size, root, OWN) for size, root in read.roots if size >= self._first]
            self._check(judge, [*own, *outside.upto(read.stretch.last)])
            report(read.stretch.last - read.stretch.rows_from + 1)
        judge.end()
        check_outside(self._connection, self._log, self._last, self._findings)
        for target in outside.rest():
            if target.size > self._last:
                words = f"the log ends here, and {target.source.name} says that it had size {target.size}"
                self._findings.add(self._last + 1, target.size, "rollback", words)
                break
        return self._outcome(streaks, judge)

    def _judge(self, streaks: Streaks) -> Judge:
        size = (self._first - 1) // TILE_WIDTH * TILE_WIDTH
        try:
            base = Edge.load(size, reader(self._connection, self._log, "log"))
        except MissingHashesError:
            self._findings.add(1, size, "leaves", "not all hashes over these leaves are stored")
            base = Edge(size, [ABSENT] * size.bit_count())
        return Judge(base, self._findings, streaks, self._sealed, self._compare_tile)

    def _stretches(self) -> Iterator[Stretch]:
        begin = (self._first - 1) // TILE_WIDTH * TILE_WIDTH + 1
        for first in range(begin, self._last + 1, EVENTS_AT_ONCE):
            last = min(first + EVENTS_AT_ONCE - 1, self._last)
            yield Stretch(first, last, max(first, self._first))

    def _outside(self) -> Iterator[Target]:
        """Yield the roots that are kept elsewhere, in order of size."""
        last = self._remembered["log"]
        if self._file is not None and self._keys is not None:
            self._file.check_chain(self._last, self._findings)
            found = False
            for target in self._file.targets("log", self._keys, self._findings):
                found = True
                if last is not None and last.size < target.size:
                    yield last
                    last = None
                yield target
            if not found:
                words = "the file of anchors holds no checkpoint of this log"
                self._findings.add(1, max(self._last, 1), "fork", words)
        if last is not None:
            yield last

    def _blocks(self, read: Read) -> Iterator[Block]:
        stretch, rows = read.stretch, read.rows
        recorded = read_recorded(
            self._connection, self._log, stretch.first, stretch.last, self._findings
        )
        unread = (stretch.rows_from - stretch.first) * HASH_BYTES
        made = recorded[:unread] + rows.hashes
        first = stretch.first - 1
        tiles = min(stretch.last, self._sealed) // TILE_WIDTH - first // TILE_WIDTH
        stored = b""
        if tiles > 0:
            at = first // TILE_WIDTH
            stored = read_stored(
                self._connection, self._log, "log", Indexes(1, at, at + tiles), self._findings
            )
        for n, begin in enumerate(range(0, len(made), TILE_WIDTH * HASH_BYTES)):
            end = begin + TILE_WIDTH * HASH_BYTES
            yield Block(
                first + n * TILE_WIDTH,
                made[begin:end],
                recorded[begin:end],
                stored[n * HASH_BYTES : (n + 1) * HASH_BYTES],
            )

    def _check(self, judge: Judge, targets: list[Target]) -> None:
        by_size: dict[int, list[Target]] = {}
        for target in targets:
            if target.size >= self._first:
                by_size.setdefault(target.size, []).append(target)
        for size in sorted(by_size):
            judge.check(size, by_size[size])

    def _compare_tile(self, hashes: Hashes) -> None:
        """Hold the hashes of a level that is now known against those that are stored."""
        last = hashes.first + len(hashes.hashes) // HASH_BYTES
        upto = min(last, self._sealed >> TILE_HEIGHT * hashes.level)
        if upto <= hashes.first:
            return
        stored = read_stored(
            self._connection,
            self._log,
            "log",
            Indexes(hashes.level, hashes.first, upto),
            self._findings,
        )
        width = 1 << TILE_HEIGHT * hashes.level
        for at in range(0, len(stored), HASH_BYTES):
            if stored[at : at + HASH_BYTES] != hashes.hashes[at : at + HASH_BYTES]:
                first = (hashes.first + at // HASH_BYTES) * width
                words = f"the tile's hash of level {hashes.level} is not that of what was sealed"
                self._findings.add(first + 1, first + width, "leaves", words)

    def _outcome(self, streaks: Streaks, judge: Judge) -> Outcome:
        return Outcome(
            self._findings,
            self._first,
            self._last,
            self._sealed,
            self._keys,
            streaks.held,
            judge.unrecorded,
            list(self._not_checked()),
        )

    def _not_checked(self) -> Iterator[str]:
        if self._first > 1:
            yield f"events before position {self._first}, and checkpoints of smaller sizes"
        if self._keys is None:
            yield "signatures: the log has no key yet"
        elif not self._asked.trusted:
            yield "whose the log's key is: compare it with the one that you were given (or name it by --vkey)"
        if self._keys and not check_key_files(
            self._log, self._keys, self._settings, self._last, self._findings
        ):
            yield f"the signing key: no file of it can be read in {self._settings.signing_path}"
        if self._remembered["log"] is None:
            yield f"what was last signed: the signer's memory in {self._settings.signing_path} can't be read"
        if self._file is None:
            yield "anchors (--anchors): without them a log that was cut, or forged with its key, looks whole"
        if self._last > self._sealed:
            yield f"positions {self._sealed + 1} to {self._last} against a checkpoint: none is over them yet"


class _Ahead:
    """Roots that come in order of size, taken up to a size."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets = iter(targets)
        self._next: Target | None = next(self._targets, None)

    def upto(self, size: int) -> Iterator[Target]:
        while self._next is not None and self._next.size <= size:
            yield self._next
            self._next = next(self._targets, None)

    def rest(self) -> Iterator[Target]:
        if self._next is not None:
            yield self._next
            yield from self._targets


def _of(log: Log) -> dict[str, object]:
    return {"tenant_id": log.tenant_id, "log_number": log.number}
