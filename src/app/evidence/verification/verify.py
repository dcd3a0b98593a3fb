"""Verifying a whole log: rows, leaf hashes, tiles, checkpoints, and what is kept of it elsewhere.

It writes nothing and may run beside the service: a log only grows. What is verified is what was there at the
beginning; that it is what was sealed is proven up to the newest checkpoint.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from heapq import merge

from app.evidence.log_keys import log_keys
from app.evidence.verification.accesses import access_hashes, number_of_accesses
from app.evidence.verification.anchored import AnchoredFile
from app.evidence.verification.asking import Asked, Outcome
from app.evidence.verification.chain import Chain, Restart
from app.evidence.verification.checkpoints import Signed, sealed_size, was_sealed_long_ago
from app.evidence.verification.elsewhere import TREES, Elsewhere
from app.evidence.verification.erasures import check_outside
from app.evidence.verification.findings import Findings, UnreadableError
from app.evidence.verification.hashes import (
    check_strays,
    check_tiles,
    has_tiles,
    read_ends,
    read_recorded,
)
from app.evidence.verification.heads import Stated
from app.evidence.verification.key_files import KeyFiles
from app.evidence.verification.keys import SigningKeys, check_keys
from app.evidence.verification.reading import Task, connect_to_read, read_all, stretches
from app.evidence.verification.rows import EARLIER
from app.evidence.verification.sealer import check_sealing
from app.evidence.verification.streams import Streams
from app.evidence.verification.times import check_times
from app.evidence.verification.tree import Target
from app.evidence.verification.unknown import check_unknown
from app.evidence.verification.walk import Stored, Walk, walk_tree
from domain.evidence.checkpoints import Tree
from domain.evidence.merkle import HASH_BYTES
from postgres.connections import Connection

# Positions without events are gone through in microseconds each, up to so many.
_MOST_MISSING = 1_000_000


def verify_log(asked: Asked, report: Callable[[int], None] = lambda _: None) -> Outcome:
    """Verify a log; `report` hears how many events more are done. Raises UnreadableError, psycopg.Error."""
    file = None if asked.anchors is None else AnchoredFile(asked.anchors)
    with closing(connect_to_read(asked.url)) as connection:
        verification = Verification(connection, asked, file)
        if verification.chain.is_followed:
            words = f"another log follows {asked.log.log_id.hex()} since just now: verify again"
            raise UnreadableError(words)
        if asked.from_position > max(verification.last, 1):
            raise UnreadableError(f"the log ends at position {verification.last}")
        return verification.run(report)


def verify_sealed(asked: Asked, report: Callable[[int], None] = lambda _: None) -> Findings:
    """Verify the events that were sealed alone: rows, leaf hashes, tiles, checkpoints, and nothing outside.

    Where nothing was sealed yet there is nothing to find. Raises UnreadableError, psycopg.Error.
    """
    with closing(connect_to_read(asked.url)) as connection:
        return Verification(connection, asked).run_sealed(report)


class Verification:
    """One run."""

    def __init__(
        self, connection: Connection, asked: Asked, file: AnchoredFile | None = None
    ) -> None:
        self.held = 0
        self.not_checked: list[str] = []
        self.restart: Restart | None = None
        """How another log follows this one, if one does."""
        self._connection = connection
        self._asked = asked
        self.log = log = asked.log
        self._findings = Findings()
        # Which logs there are is read before all else: what follows this one meanwhile changes nothing in it.
        self.chain = Chain(connection, log)
        # What is outside is read first, and where the log ends last: what was signed before is in the log.
        self._key_files = KeyFiles(log, asked.settings)
        rows = log_keys(connection, log)
        self._origin = rows[0].vkey.partition("+")[0] if rows else ""
        self._file = file
        self._elsewhere = Elsewhere(log, self._origin, asked.settings.signing_path, file)
        self._sizes = {tree: sealed_size(connection, log, tree) for tree in TREES}
        self._sealed = self._sizes["log"]
        self._stated = Stated(connection, log)
        ends = read_ends(connection, log)
        if ends.before:
            words = f"{ends.before} more events are entered before the first position"
            self._findings.add(1, 1, "gap", words)
        self._head = ends.head
        self._end = max(ends.head, ends.recorded, self._sealed)
        # A position, or a size, can be changed to any number; those up to there are not gone through.
        self.last = min(self._end, 2 * ends.events + _MOST_MISSING)
        self.keys = check_keys(log, rows, asked.trusted, self.last, self._findings)

    def run(self, report: Callable[[int], None]) -> Outcome:
        """Verify the log as it was at the beginning, and what is outside; `report` as in `verify_log`."""
        self._check_outside()
        self._check_chain()
        held, unrecorded = self._events(self._roots("log"), report)
        held += sum(map(self._predecessor, self._older))
        if self.last > self._begun and not (self._sealed and self.keys) and not self._is_new:
            words = "no checkpoint is signed by a key of the log: nothing proves these events"
            self._findings.add(self._begun + 1, self.last, "signature", words)
        if self.last < self._end:
            words = "so many events are missing before this one that they were not looked for"
            self._findings.add(self.last + 1, self._end, "gap", words)
        held += self._beside()
        self._key_files.check(self._connection, self.keys, self.last, self._findings)
        check_sealing(self._connection, self.log, self.last, self._findings)
        check_outside(self._connection, self.log, self.last, self._findings)
        check_strays(self._connection, self.log, self._findings)
        return Outcome(
            self._findings,
            self._asked.from_position,
            self.last,
            self._sealed,
            self.keys,
            held,
            unrecorded,
            [*self._not_checked(), *self.not_checked],
        )

    def _check_outside(self) -> None:
        """Hold what is outside against which logs there are."""
        settings = self._asked.settings
        services = {settings.evidence_origin, self._origin.rpartition("/log/")[0]} - {""}
        gone = check_unknown(
            self._connection, services, settings.signing_path, self._file, self._findings
        )
        if gone.services:
            self.not_checked.append(f"logs of other services: {', '.join(sorted(gone.services))}")
        if gone.removed:
            words = f"logs that are on record as removed: {', '.join(sorted(gone.removed))}"
            self.not_checked.append(words)
        if self._file is not None:
            self._file.check_chain(self.last, self._findings)

    def _check_chain(self) -> None:
        """Find the logs before this one, and how each follows the one before."""
        chain = self.chain
        chain.check_order(self.last, self._findings)
        asked = self._asked._replace(trusted=())
        older = [
            Verification(self._connection, asked._replace(log=log), self._file)
            for log in chain.before
        ]
        keys = [*(each.keys for each in older), self.keys]
        for nth, each in enumerate(older, start=1):
            each.restart = chain.restart(nth, keys[nth], keys[nth - 1], self.last, self._findings)
            if each.restart is not None and not each.restart.vouched and each.keys is not None:
                what = f"that log {nth + 1} follows log {nth}: no key of that one signed it"
                self.not_checked.append(what)
        self._older = older
        self._check_anchored()

    @property
    def _begun(self) -> int:
        """The size at which this log follows the one before, if a key of that one signed it; else 0."""
        restart = self._older[-1].restart if self._older else None
        return restart.statement.known.size if restart is not None and restart.vouched else 0

    @property
    def _is_new(self) -> bool:
        """Whether this log just followed another one, so that nothing of it can be sealed yet."""
        has_begun = self._begun and self.keys is not None and not self._elsewhere.largest
        return bool(has_begun) and not has_tiles(self._connection, self.log)

    def _check_anchored(self) -> None:
        """Tell if the file of anchors has no checkpoint of this log, nor of one that it follows."""
        if self._file is None or self.keys is None or self._file.holds(self.keys):
            return
        words = "the file of anchors holds no checkpoint of this log"
        if self._begun and any(each.keys and self._file.holds(each.keys) for each in self._older):
            self.not_checked.append(f"the newest log outside: {words} yet, only of those before it")
        elif self._origin in self._file.sizes or was_sealed_long_ago(self._connection, self.log):
            self._findings.add(1, max(self.last, 1), "fork", words)
        else:
            self.not_checked.append(
                f"the log outside: {words}, which was first sealed less than an hour ago, or never"
            )

    def _predecessor(self, older: "Verification") -> int:
        """Verify what a log before this one sealed: the same events. Gives how many roots it has."""
        known = set(self._findings)
        for finding in older.run_before():
            # What is wrong with rows by themselves was told already.
            if finding not in known:
                words = f"{finding.words} (as the log {older.log.log_id.hex()} before sealed it)"
                self._findings.add(finding.first, finding.last, finding.code, words)
        return older.held

    def run_before(self) -> Findings:
        """Verify what a log sealed before another one followed it, and what is kept of that outside."""
        signed = self._elsewhere.largest
        if self.restart is not None:
            known = self.restart.statement.known.size
            signed = max(signed, self.restart.statement.signed.size)
            if self._sealed < known:
                words = f"the checkpoint of size {known} is gone, from which another log went on"
                self._findings.add(known, known, "missing", words)
        if self.keys is None and signed:
            words = f"the keys are gone of a log that was signed up to size {signed}"
            self._findings.add(1, max(self.last, 1), "signature", words)
        self.last = min(self.last, max(self._sealed, signed))
        if self._asked.from_position <= max(self.last, 1):
            own = self.restart.targets() if self.restart else []
            outside = merge(own, self._roots("log"), key=lambda target: target.size)
            self.held, _ = self._events(outside, lambda _: None)
            self.held += self._beside()
        return self._findings

    def run_sealed(self, report: Callable[[int], None]) -> Findings:
        """Verify the events that were sealed, by what the database has alone."""
        self.last = min(self.last, self._sealed)
        self._events((), report)
        return self._findings

    def _events(
        self, elsewhere: Iterable[Target], report: Callable[[int], None]
    ) -> tuple[int, int]:
        """Verify the events; gives how many roots the log has, and how many leaf hashes are not recorded."""
        connection, log, findings = self._connection, self.log, self._findings
        streams = Streams(connection, log, findings)
        streams.check_indexes(self.last)
        stored = Stored(connection, log, "log", self._sealed, "the log")
        walk = Walk(stored, elsewhere, findings, begin=self._asked.from_position - 1)
        ended_at: int | None = None
        task = Task(self._asked.url, log, self.keys, self._head)
        ahead = stretches(walk.first + 1, self.last, self._asked.from_position)
        for read in read_all(task, ahead, self.last - walk.first):
            first, last, rows_from = read.stretch
            rows = read.rows
            findings.extend(read.findings)
            if rows.began_at is not None and ended_at is not None and rows.began_at < ended_at:
                findings.add(first, first, "time", EARLIER)
            ended_at = rows.ended_at if rows.ended_at is not None else ended_at
            streams.add(rows.versions)
            recorded = read_recorded(connection, log, first, last, findings)
            made = recorded[: (rows_from - first) * HASH_BYTES] + rows.hashes
            walk.take(first - 1, made, recorded, read.roots)
            report(max(last - rows_from + 1, 0))
        unrecorded = walk.end(self.last)
        return walk.held, unrecorded

    def _roots(self, tree: Tree) -> Iterator[Target]:
        """Yield the roots that a tree must have by what is outside."""
        if self.keys is None:
            return
        roots = self._elsewhere.roots(tree, self.keys, self._findings)
        if self.restart is None:
            yield from roots
            return
        known = self.restart.statement.known.size
        kept = known if tree == "log" else self._sizes[tree]
        yield from (self.restart.explained(tree, kept, root) for root in roots)

    def _beside(self) -> int:
        """Verify what there is beside the events; gives how many roots that has."""
        held = 0
        if self.keys is not None:
            held = sum(self._tree(tree, self.keys) for tree in TREES[1:])
        self._stated.check(self._asked.from_position, self.last, self._findings)
        check_tiles(self._connection, self.log, self.last, self._findings)
        check_times(self._connection, self.log, self._findings)
        return held

    def _tree(self, tree: Tree, keys: SigningKeys) -> int:
        """Verify a tree that is not of events, whose findings have no positions in the log."""
        connection, log = self._connection, self.log
        if tree == "heads":
            length, made = self._stated.number, self._stated.hashes
        else:
            length, made = (
                number_of_accesses(connection, log),
                partial(access_hashes, connection, log),
            )
        stored = Stored(connection, log, tree, self._sizes[tree], f"the tree of {tree}")
        roots = self._roots(tree)
        found, held = walk_tree(Signed(log, tree, keys), stored, length, roots, made)
        for finding in found:
            position = self._stated.size(finding.first - 1) if tree == "heads" else 1
            words = f"{finding.words} (in the tree of {tree}, from index {finding.first - 1} on)"
            self._findings.add(position, position, finding.code, words)
        return held

    def _not_checked(self) -> Iterator[str]:
        folder = self._asked.settings.signing_path
        if self._asked.from_position > 1:
            first = self._asked.from_position
            yield f"what is before position {first}: events, checkpoints, statements of heads"
        if self.keys is None:
            yield "signatures: the log has no key yet"
        elif not self._asked.trusted:
            yield "whose the log's key is: compare it with the one that you were given (or name it by --vkey)"
        if self.keys is not None and not self._key_files.vkeys:
            yield f"the signing key: no file of it can be read in {folder}"
        if not self._elsewhere.is_remembered:
            yield f"what was last signed: the signer's memory in {folder} can't be read"
        if self._asked.anchors is None:
            yield "anchors (--anchors): without them a log that was cut, or forged with its key, looks whole"
        proven = max(self._sealed, self._begun)
        if self.last > proven:
            yield f"positions {proven + 1} to {self.last} against a checkpoint: none is over them yet"
        if not self._stated.number:
            yield "that no stream was left out of what players were given: no statement of heads was made"
