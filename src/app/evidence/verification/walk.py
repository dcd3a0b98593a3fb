"""Going through a tree from its first leaf to its last, and holding it against every root it must have."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from app.evidence.sealing import LEAVES_AT_ONCE as MOST_SEALED
from app.evidence.store import reader
from app.evidence.verification.checkpoints import Signed
from app.evidence.verification.findings import Findings
from app.evidence.verification.hashes import Indexes, read_stored
from app.evidence.verification.rows import ABSENT
from app.evidence.verification.streaks import Source, Streaks
from app.evidence.verification.tree import Block, Judge, Target
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import (
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Edge,
    MissingHashesError,
    Stretch,
    hashes_of,
)
from postgres.connections import Connection

OWN = Source("a checkpoint", "root")

LEAVES_AT_ONCE = 64 * TILE_WIDTH

LEAVES_AHEAD = 2 * MOST_SEALED
"""How far what was signed may be ahead of what is kept: by a sealing that is at it, or that a crash ended."""


class Stored(NamedTuple):
    """A tree of a log as it is stored, up to the size to which it was sealed."""

    connection: Connection
    log: Log
    tree: Tree
    sealed: int
    what: str
    """What it is called in findings."""


class Walk:
    """Takes in the leaves of a stored tree in order."""

    def __init__(
        self, stored: Stored, elsewhere: Iterable[Target], findings: Findings, *, begin: int = 0
    ) -> None:
        """Begin at the tile with the index `begin`; smaller sizes than that are not looked at.

        `elsewhere` are roots in order of size that others say the tree had.
        """
        self._stored = stored
        self._findings = findings
        self._begin = begin
        self._streaks = Streaks(findings, stored.what, begin=begin)
        self._judge = Judge(self._base(), findings, self._streaks, stored.sealed, self._compare)
        self._elsewhere = iter(elsewhere)
        self._next: Target | None = next(self._elsewhere, None)

    @property
    def first(self) -> int:
        """The index of the leaf to be taken in first: the first of a tile, where the tree is sealed."""
        return min(self._begin, self._stored.sealed) // TILE_WIDTH * TILE_WIDTH

    @property
    def held(self) -> int:
        """How many roots it has that it must have."""
        return self._streaks.held

    def take(
        self, first: int, made: bytes, recorded: bytes, signed: Iterable[tuple[int, bytes]]
    ) -> None:
        """Take in the next leaves, from the index `first` on: as they are made of rows, and as recorded.

        `signed` are the size and root of each checkpoint that ends among them.
        """
        self._judge.add(self._blocks(first, made, recorded))
        last = first + len(made) // HASH_BYTES
        by_size: dict[int, list[Target]] = {}
        for target in [*(Target(*root, OWN) for root in signed), *self._upto(last)]:
            if target.size > self._begin:
                by_size.setdefault(target.size, []).append(target)
        for size in sorted(by_size):
            self._judge.check(size, by_size[size])

    def end(self, last: int) -> int:
        """End at the size `last`; gives how many leaf hashes were not recorded."""
        self._judge.end()
        largest = max(self._rest(), default=None, key=lambda target: target.size)
        if largest is not None and largest.size > last:
            words = f"{self._stored.what} ends before this, and {largest.source.name} says that it had it"
            first = min(largest.source.since or last, last) + 1
            self._findings.add(first, largest.size, "rollback", words)
        return self._judge.unrecorded

    def _base(self) -> Edge:
        connection, log, tree, *_ = self._stored
        try:
            return Edge.load(self.first, reader(connection, log, tree))
        except MissingHashesError:
            self._findings.add(
                1, self.first, "leaves", "not all hashes over these leaves are stored"
            )
            return Edge(self.first, [ABSENT] * self.first.bit_count())

    def _blocks(self, first: int, made: bytes, recorded: bytes) -> Iterator[Block]:
        last = first + len(made) // HASH_BYTES
        tile, end = first // TILE_WIDTH, min(last, self._stored.sealed) // TILE_WIDTH
        tiles = self._read(Indexes(1, tile, end)) if end > tile else b""
        for n, begin in enumerate(range(0, len(made), TILE_WIDTH * HASH_BYTES)):
            yield Block(
                first + n * TILE_WIDTH,
                made[begin : begin + TILE_WIDTH * HASH_BYTES],
                recorded[begin : begin + TILE_WIDTH * HASH_BYTES],
                tiles[n * HASH_BYTES : (n + 1) * HASH_BYTES],
            )

    def _compare(self, known: Stretch) -> None:
        """Hold the hashes of a level that is now known against those that are stored."""
        number = len(known.hashes) // HASH_BYTES
        end = min(known.first + number, self._stored.sealed >> TILE_HEIGHT * known.level)
        if end <= known.first:
            return
        stored = self._read(Indexes(known.level, known.first, end))
        width = 1 << TILE_HEIGHT * known.level
        words = f"the tile's hash of level {known.level} is not that of what was sealed"
        for at in range(0, len(stored), HASH_BYTES):
            if stored[at : at + HASH_BYTES] != known.hashes[at : at + HASH_BYTES]:
                first = (known.first + at // HASH_BYTES) * width
                self._findings.add(first + 1, first + width, "leaves", words)

    def _read(self, wanted: Indexes) -> bytes:
        connection, log, tree, *_ = self._stored
        return read_stored(connection, log, tree, wanted, self._findings)

    def _upto(self, size: int) -> Iterator[Target]:
        while self._next is not None and self._next.size <= size:
            yield self._next
            self._next = next(self._elsewhere, None)

    def _rest(self) -> Iterator[Target]:
        if self._next is not None:
            yield self._next
            yield from self._elsewhere


def walk_tree(
    signed: Signed,
    stored: Stored,
    length: int,
    elsewhere: Iterable[Target],
    made: Callable[[int, int], bytes],
) -> tuple[Findings, int]:
    """Go through a tree that is not of events; gives what was found, and how many of its roots it has.

    `length`: how many leaves there are. Those after the newest checkpoint are gone through as far as the
    signer may be ahead of it. `made` returns the leaf hashes [first, last), made of what they are leaves of.
    Positions in findings are indexes of leaves, from 1.
    """
    findings = Findings()
    most = length + LEAVES_AHEAD
    if stored.sealed > most:
        findings.add(most + 1, stored.sealed, "missing", "what was sealed here is not there")
        stored = stored._replace(sealed=most)
    connection, log, tree, sealed, _ = stored
    walk = Walk(stored, elsewhere, findings)
    end = max(sealed, min(length, sealed + LEAVES_AHEAD))
    for first in range(0, end, LEAVES_AT_ONCE):
        last = min(first + LEAVES_AT_ONCE, end)
        hashes = made(first, last)
        for index, each in enumerate(hashes_of(hashes), start=first + 1):
            if each == ABSENT and index <= sealed:
                findings.add(index, index, "missing", "what was sealed here is not there")
        recorded = read_stored(connection, log, tree, Indexes(0, first, last), findings)
        walk.take(first, hashes, recorded, signed.roots(connection, first, last, findings))
    walk.end(end)
    return findings, walk.held
