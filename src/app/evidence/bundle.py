"""Bundles: what an auditor takes away, to verify it offline (verifier/FORMAT.md).

A checkpoint is chosen first, and all else is of its size. A bundle is written in constant memory, by short
reads; between two of them it holds no connection.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain

from msgspec import Struct, json

from app.evidence.head_proofs import prove, stated_size
from app.evidence.log_keys import log_keys
from app.evidence.proving import (
    NotSealedError,
    SealedLog,
    TimeStamp,
    cosigned,
    pooled_reader,
    sealed_log,
    time_stamps,
    witnessed_checkpoint,
)
from app.evidence.zip_stream import ZipStream
from app.log.committed import (
    committed_events,
    committed_events_of,
    is_erased_after,
    places_of,
    read_leaf_hashes_at,
)
from app.log.leaves import read_leaf_hashes
from app.tenants import check_there
from domain.evidence.bundles import (
    FORMAT,
    Consistency,
    Manifest,
    Since,
    encoded,
    event_line,
)
from domain.evidence.checkpoints import parse_checkpoint
from domain.evidence.leaves import CommittedEvent
from domain.evidence.merkle import HASH_BYTES, MissingHashesError
from domain.evidence.notes import Note, encode_base64
from domain.evidence.proofs import Tree
from postgres.connections import Connection, Pool

_LEAVES_AT_ONCE = 8_192
_WITNESSED_WITHIN = timedelta(hours=1)
_UNFIT = re.compile(r"[^A-Za-z0-9.-]+")


class BundleOf(Struct, frozen=True):
    """What a bundle is to hold: the events of a stream, or those from `first` to `last` (1 and all if None).

    With `since` it proves too that the log continues the one of that size.
    """

    stream: str | None = None
    first: int | None = None
    last: int | None = None
    since: int | None = None


class Bundle:
    """A bundle that is about to be written."""

    def __init__(self, pool: Pool, tenant_id: int, asked: BundleOf) -> None:
        """Choose the checkpoint.

        Raises app.evidence.proving.NotSealedError where it does not reach what is asked for, or the record
        of an erasure in the stream, MissingHashesError where not all of the tree is stored.
        """
        self._pool = pool
        self._asked = asked
        with pool.connection() as connection:
            sealed = _choose(connection, tenant_id, asked)
            note = cosigned(connection, sealed.log, "log", sealed.newest)
            vkeys = [key.vkey for key in log_keys(connection, sealed.log) if not key.revoked]
            first, last = asked.first or 1, asked.last or sealed.newest.size
            if asked.stream is not None:
                first, last = 1, sealed.newest.size
            stamps = time_stamps(connection, sealed.log, "log", last, sealed.newest.size)
            self._heads = b"null"
            if asked.stream is not None:
                self._check_erasures(connection, sealed, asked.stream)
                heads = prove(connection, sealed.log, asked.stream, sealed.newest.size)
                self._heads = json.encode(heads)  # null until a statement is made
        self._sealed, self._log = sealed, sealed.log
        self._note, self._vkeys, self._stamps = note, vkeys, stamps
        self._read = pooled_reader(pool, sealed.log, "log")
        self._tree = Tree(sealed.newest.size, self._read)
        self.manifest = _manifest(sealed, note, first, last, asked.stream)

    @property
    def file_name(self) -> str:
        """A name for the file: it tells of which log and checkpoint it is, and nothing of whose."""
        return f"{self.manifest.log_id}-{self.manifest.size}.zip"

    def pieces(self) -> Iterator[bytes]:
        """Yield the zip.

        Raises MissingHashesError, NotSealedError where something of the stream is erased meanwhile,
        app.tenants.TenantError where the tenant is removed meanwhile, and what the store raises. Events that
        are not there though it is are left out: who verifies the bundle finds which.
        """
        zip_stream = ZipStream()
        try:
            yield from self._members(zip_stream)
        except MissingHashesError:
            self._check_tenant()
            raise
        self._check_tenant()
        yield zip_stream.end()

    def _members(self, zip_stream: ZipStream) -> Iterator[bytes]:
        for name, content in self._small():
            yield from zip_stream.member(name, [content])
        yield from zip_stream.member("proof.json", self._proof())
        yield from zip_stream.member("leaves", self._leaves(), compressed=False)
        yield from zip_stream.member("events.ndjson", self._lines())

    def _check_tenant(self) -> None:
        with self._pool.connection() as connection:
            check_there(connection, self._log.tenant_id)

    def _small(self) -> Iterator[tuple[str, bytes]]:
        yield "manifest.json", json.encode(self.manifest)
        yield "checkpoint", str(self._note).encode()
        yield "keys", "".join(f"{vkey}\n" for vkey in self._vkeys).encode()
        if self._asked.since is not None:
            older = self._asked.since
            proof = self._tree.consistency(older)
            yield "since.json", json.encode(Since(older, self._root(older), encoded(proof)))
        for number, stamp in enumerate(self._stamps, start=1):
            yield from self._anchor(number, stamp)

    def _anchor(self, number: int, stamp: TimeStamp) -> Iterator[tuple[str, bytes]]:
        authority = _UNFIT.sub("-", stamp.target.partition("://")[2])[:60]
        name = f"anchors/{number}-{authority}-{stamp.size}"
        yield f"{name}.tsr", stamp.receipt
        if stamp.size != self.manifest.size:
            proof = encoded(self._tree.consistency(stamp.size))
            dated = Consistency(stamp.size, self._root(stamp.size), proof)
            yield f"{name}.json", json.encode(dated)

    def _root(self, size: int) -> str:
        return encode_base64(Tree(size, self._read).root)

    def _proof(self) -> Iterable[bytes]:
        if self.manifest.stream is None:
            first, last = self.manifest.first, self.manifest.last
            return [json.encode({"range": encoded(self._tree.range(first - 1, last))})]
        return chain([b'{"inclusion":{'], self._audit_paths(), [b'},"heads":', self._heads, b"}"])

    def _audit_paths(self) -> Iterator[bytes]:
        separator = b""
        for positions in self._positions():
            for position in positions:
                path = json.encode(encoded(self._tree.inclusion(position - 1)))
                yield b'%b"%d":%b' % (separator, position, path)
                separator = b","

    def _leaves(self) -> Iterator[bytes]:
        if self.manifest.stream is not None:
            for positions in self._positions():
                with self._pool.connection() as connection:
                    yield b"".join(read_leaf_hashes_at(connection, self._log, positions))
            return
        position, last = self.manifest.first, self.manifest.last
        while position <= last:
            end = min(position + _LEAVES_AT_ONCE - 1, last)
            with self._pool.connection() as connection:
                hashes = read_leaf_hashes(connection, self._log, position, end)
            if not hashes:
                raise MissingHashesError(f"the hash of the leaf at position {position} is gone")
            yield hashes
            position += len(hashes) // HASH_BYTES

    def _positions(self) -> Iterator[list[int]]:
        log, until = self._log, self.manifest.size
        for places in places_of(self._pool, log.tenant_id, self.manifest.stream or "", until):
            yield [place.position for place in places]

    def _lines(self) -> Iterator[bytes]:
        for events in self._events():
            yield from map(event_line, events)
        if self.manifest.stream is not None:
            with self._pool.connection() as connection:
                self._check_erasures(connection, self._sealed, self.manifest.stream)

    @staticmethod
    def _check_erasures(connection: Connection, sealed: SealedLog, stream: str) -> None:
        """Raise NotSealedError where something was erased and the record of it is not sealed."""
        if is_erased_after(connection, sealed.log.tenant_id, stream, sealed.newest.size):
            raise NotSealedError(sealed.newest.size)

    def _events(self) -> Iterator[list[CommittedEvent]]:
        tenant_id, manifest = self._log.tenant_id, self.manifest
        if manifest.stream is not None:
            return committed_events_of(self._pool, tenant_id, manifest.stream, manifest.size)
        return committed_events(self._pool, tenant_id, manifest.first, manifest.last)


def _choose(connection: Connection, tenant_id: int, asked: BundleOf) -> SealedLog:
    """Return the log with the newest checkpoint that a witness signed, where that has what is asked for.

    A witness is asked once in a while, so the newest of all is mostly not with it yet. That is taken where
    no witnessed one reaches what is asked for, the newest statement of heads or a record of what was erased;
    and where all is asked for, if no witnessed one is of the last hour. Raises NotSealedError.
    """
    sealed = sealed_log(connection, tenant_id)
    at_least = max(asked.first or 1, asked.last or 1, asked.since or 1)
    sealed.check(at_least)
    if asked.stream is not None:
        at_least = max(at_least, stated_size(connection, sealed.log))
    found = witnessed_checkpoint(connection, sealed.log, at_least)
    if found is None:
        return sealed
    if asked.last is None and sealed.newest.sealed_at - found.sealed_at > _WITNESSED_WITHIN:
        return sealed
    # Events up to the end that are erased need the record of that.
    if asked.last in {None, found.size} and is_erased_after(
        connection, tenant_id, asked.stream, found.size
    ):
        return sealed
    return SealedLog(sealed.log, found)


def _manifest(sealed: SealedLog, note: Note, first: int, last: int, stream: str | None) -> Manifest:
    checkpoint = parse_checkpoint(note.text)
    log_id = sealed.log.log_id.hex()
    return Manifest(FORMAT, checkpoint.origin, log_id, checkpoint.size, first, last, stream)
