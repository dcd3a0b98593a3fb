"""Whether the leaves of a log are those under the roots that were signed, and if not, which are others.

Of each leaf there is the hash that the row gives and the one that was recorded with it; of each 256 there is
the hash in a tile. Where they differ, the signed root says which one is right, so that what was changed
is told from what it was compared with. Where all three were changed, the next smaller root that holds says
from where on.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple

from app.evidence.verification.findings import Findings
from app.evidence.verification.rows import ABSENT
from app.evidence.verification.streaks import Source, Streaks
from domain.evidence.merkle import (
    HASH_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Edge,
    Stretch,
    hashes_of,
    root_of,
)

_NOT_SEALED = "the event is not the one that was sealed"
_NOT_RECORDED = "the leaf hash that is recorded is not the one that was sealed; the event is"
_NO_HASH = "the leaf hash is not recorded"
_DIFFER = "the event is not the one of which the leaf hash is recorded"
_ONE_OF_THEM = (
    "one of these events is not the one that was sealed, and its leaf hash was changed with it"
)
_TILE = "the tile's hash over these leaves is not that of what was sealed"

# What is spent on finding out which of several hashes were sealed; half a microsecond each.
_MOST_HASHES = 20_000_000
_MOST_MIXED = 6
_TILE_DIFFERS = "the events are not those over which the tile's hash is"
_MOST_BLOCKS = 4_096


class Target(NamedTuple):
    """A root that the log must have at a size, and who says so."""

    size: int
    root: bytes
    source: Source


class _Choice(NamedTuple):
    """What a block may have been when it was sealed: its leaves where they are known, and their root."""

    leaves: bytes
    root: bytes


class Block:
    """Up to 256 leaves that one hash of a tile is over."""

    def __init__(self, first: int, made: bytes, recorded: bytes, stored: bytes) -> None:
        """Hold the leaf hashes that rows give, those recorded, and the hash of the tile, if there is one.

        `first` is the index of the first leaf, a multiple of 256.
        """
        self.first = first
        self.made = made
        self.recorded = recorded
        self.stored = stored
        self.settled = b""
        """The first of its leaves as they were sealed."""
        self.failed: int | None = None
        """How many of its leaves gave another root than was signed, where it is known that the others did."""
        self._choices: list[_Choice] = []

    def choices(self, length: int) -> list[_Choice]:
        """List what its first leaves, so many, may have been; those that are likeliest first."""
        if length < TILE_WIDTH:
            return self._find_choices(length)
        if not self._choices:
            self._choices = self._find_choices(length)
        return self._choices

    def _find_choices(self, length: int) -> list[_Choice]:
        end = length * HASH_BYTES
        begin = len(self.settled)
        made, recorded = self.made[begin:end], self.recorded[begin:end]
        rows = [recorded] if made == recorded else _mixed(recorded, made)
        found: dict[bytes, _Choice] = {}
        for row in rows:
            if ABSENT not in row or ABSENT not in hashes_of(row):
                leaves = self.settled + row
                root = root_of(leaves)
                found.setdefault(root, _Choice(leaves, root))
        if self.stored and length == TILE_WIDTH:
            found.setdefault(self.stored, _Choice(b"", self.stored))
        return list(found.values())

    def settle(self, length: int, choice: _Choice, findings: Findings) -> None:
        """Take in what its first leaves were, and tell which of them are others now."""
        self._blame(length, choice.leaves, findings)
        if length == TILE_WIDTH and self.stored and self.stored != choice.root:
            findings.add(self.first + 1, self.first + length, "leaves", _TILE)
        self.settled = choice.leaves
        self._choices.clear()

    def tell_unproven(self, sealed: int, findings: Findings) -> int:
        """Tell where rows, hashes and tile differ, whichever is right; gives how many hashes are missing.

        After the size `sealed` they may be.
        """
        begin = len(self.settled)
        made, recorded = self.made[begin:], self.recorded[begin:]
        first = self.first + begin // HASH_BYTES + 1
        if made == recorded:
            differ, missing = False, 0
        else:
            differ = self._tell_differing(first, made, recorded, findings, sealed)
            missing = hashes_of(recorded).count(ABSENT)
        roots = {choice.root for choice in self.choices(TILE_WIDTH) if choice.leaves}
        if self.stored and not differ and self.stored not in roots:
            findings.add(first, self.first + TILE_WIDTH, "leaf", _TILE_DIFFERS)
        return missing

    def _blame(self, length: int, leaves: bytes, findings: Findings) -> None:
        end, begin = length * HASH_BYTES, len(self.settled)
        made, recorded = self.made[begin:end], self.recorded[begin:end]
        if leaves[begin:] == made == recorded:
            return
        first = self.first + begin // HASH_BYTES + 1
        if not leaves and not self._tell_differing(first, made, recorded, findings):
            findings.add(first, self.first + (self.failed or length), "leaf", _ONE_OF_THEM)
        rows = zip(hashes_of(leaves[begin:]), hashes_of(made), hashes_of(recorded), strict=False)
        for position, (sealed, of_row, of_run) in enumerate(rows, start=first):
            if of_row not in (ABSENT, sealed):
                findings.add(position, position, "leaf", _NOT_SEALED)
            if of_run != sealed:
                words = _NO_HASH if of_run == ABSENT else _NOT_RECORDED
                findings.add(position, position, "leaves", words)

    def _tell_differing(
        self,
        first: int,
        made: bytes,
        recorded: bytes,
        findings: Findings,
        sealed: int | None = None,
    ) -> bool:
        """Tell where rows and recorded hashes differ, and where these are missing; gives whether they differ.

        They may be missing after the size `sealed`.
        """
        differ = False
        rows = zip(hashes_of(made), hashes_of(recorded), strict=True)
        for position, (of_row, of_run) in enumerate(rows, start=first):
            if of_run == ABSENT:
                if of_row != ABSENT and (sealed is None or position <= sealed):
                    findings.add(position, position, "leaves", _NO_HASH)
            elif of_row not in (ABSENT, of_run):
                differ = True
                findings.add(position, position, "leaf", _DIFFER)
        return differ


_Part = tuple[Block, int]


class Judge:
    """Holds the leaves of a log, block by block, against the roots that it must have, in order of size."""

    def __init__(
        self,
        base: Edge,
        findings: Findings,
        streaks: Streaks,
        sealed: int,
        completed: Callable[[Stretch], None],
    ) -> None:
        """Go on from `base`, whose size is a multiple of 256.

        `sealed`: the size up to which there must be hashes of all leaves. `completed` hears of the hashes
        of level 2 and above, once the leaves under them are known.
        """
        self._base = base
        self._findings = findings
        self._streaks = streaks
        self._sealed = sealed
        self._completed = completed
        self._blocks: list[Block] = []
        self._budget = _MOST_HASHES
        self.unrecorded = 0
        """How many leaf hashes were not recorded."""

    def add(self, blocks: Iterable[Block]) -> None:
        """Take in the next blocks; all are full but the last of the log."""
        self._blocks += blocks
        if len(self._blocks) > _MOST_BLOCKS:
            # None of them is under a root that holds: what was sealed can't be told any more.
            self._settle_unproven(len(self._blocks) // 2)

    def check(self, size: int, targets: list[Target]) -> None:
        """Hold the log against all roots that it must have at a size, up to which blocks were added."""
        full, rest = divmod(size - self._base.size, TILE_WIDTH)
        parts = [(block, TILE_WIDTH) for block in self._blocks[:full]]
        if rest:
            parts.append((self._blocks[full], rest))
        root, chosen = self._choose(parts, {target.root for target in targets})
        for target in targets:
            if target.root == root:
                self._streaks.holds(target.source, size)
            else:
                self._streaks.fails(target.source, size)
        if chosen:
            self._settle(parts, chosen)
        elif len(parts) == 1:
            [(block, length)] = parts
            block.failed = min(block.failed or length, length)

    def end(self) -> None:
        """Tell of the blocks that are under no root that holds."""
        self._settle_unproven(len(self._blocks))
        self._streaks.end()

    def _choose(self, parts: list[_Part], wanted: set[bytes]) -> tuple[bytes, list[_Choice]]:
        """Find of each part what gives one of the wanted roots; nothing where nothing does."""
        choices = [block.choices(length) for block, length in parts]
        if all(choices):
            rest = parts[-1][1] < TILE_WIDTH if parts else False
            for attempt in _attempts(choices):
                edge = self._base.copy()
                full = attempt[:-1] if rest else attempt
                edge.append(b"".join([choice.root for choice in full]), height=TILE_HEIGHT)
                root = edge.root(attempt[-1].root if rest else b"")
                if root in wanted:
                    return root, list(attempt)
                self._budget -= len(attempt)
                if self._budget < 0:
                    break
        return b"", []

    def _settle(self, parts: list[_Part], chosen: list[_Choice]) -> None:
        full = []
        for (block, length), choice in zip(parts, chosen, strict=True):
            block.settle(length, choice, self._findings)
            if length == TILE_WIDTH:
                full.append(choice.root)
        for stretch in self._base.append(b"".join(full), height=TILE_HEIGHT):
            self._completed(stretch)
        del self._blocks[: len(full)]

    def _settle_unproven(self, number: int) -> None:
        for block in self._blocks[:number]:
            self.unrecorded += block.tell_unproven(self._sealed, self._findings)
            if len(block.made) == TILE_WIDTH * HASH_BYTES:
                root = next((choice.root for choice in block.choices(TILE_WIDTH)), ABSENT)
                self._base.append(root, height=TILE_HEIGHT)
        del self._blocks[:number]


def _attempts(choices: list[list[_Choice]]) -> Iterator[tuple[_Choice, ...]]:
    """Yield combinations: first that one kind of hash is right throughout, then each with each."""
    yield tuple(of[0] for of in choices)
    if all(len(of) == 1 for of in choices):
        return
    yield tuple(of[min(1, len(of) - 1)] for of in choices)
    yield tuple(of[-1] for of in choices)
    yield from product(*choices)


def _mixed(recorded: bytes, made: bytes) -> list[bytes]:
    """List what a row may have been of which there are two: the one, the other, or parts of both."""
    ours, theirs = hashes_of(recorded), hashes_of(made)
    differing = [
        at for at, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other
    ]
    ours = [theirs[at] if one == ABSENT else one for at, one in enumerate(ours)]
    theirs = [ours[at] if other == ABSENT else other for at, other in enumerate(theirs)]
    rows = [b"".join(ours), b"".join(theirs)]
    if len(differing) <= _MOST_MIXED:
        for mask in range(1, (1 << len(differing)) - 1):
            mixed = list(ours)
            for bit, at in enumerate(differing):
                if mask >> bit & 1:
                    mixed[at] = theirs[at]
            rows.append(b"".join(mixed))
    return rows
