"""Heads: the last version of every stream of a log, in a sorted tree, and the statement about it.

A leaf of the log says which version of which stream it is. That no greater one follows, only this says:

    entry     = 0x01 || u16 len || stream || u32 last version || u64 its position    sorted by stream
    statement = 0x01 || log_id[16] || u64 size || root[32] || u64 streams || heads root[32]

Integers are big-endian. Streams sort by their UTF-8 bytes, which is the order of code points: that of `str`
here, and of collation "C" in PostgreSQL. The tree over the entries is one of RFC 6962.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from struct import Struct, error
from typing import NamedTuple, Protocol, Self

import msgspec

from domain.evidence.merkle import EMPTY_ROOT, TILE_WIDTH, leaf_hash
from domain.evidence.proofs import Tree, verify_inclusion

_FORM = 0x01
_BEGINNING = Struct(">BH")
_END = Struct(">IQ")
_STATEMENT = Struct(">B16sQ32sQ32s")


class HeadsError(ValueError):
    """These are no heads, or no statement about them."""


class Head(NamedTuple):
    """A stream's last version in a log of some size, and the position of that event."""

    stream: str
    version: int
    position: int

    @property
    def entry(self) -> bytes:
        """The leaf of the tree of heads. Raises HeadsError where a member does not fit."""
        try:
            name = self.stream.encode()
            return _BEGINNING.pack(_FORM, len(name)) + name + _END.pack(self.version, self.position)
        except (error, UnicodeEncodeError) as reason:
            raise HeadsError(f"{self} does not fit into an entry: {reason}") from reason


class Statement(NamedTuple):
    """What a log's operator signs: of a log of that size and root, these are all streams' heads."""

    log_id: bytes
    size: int
    root: bytes
    streams: int
    """How many streams there are: the size of the tree of heads."""
    heads_root: bytes

    @property
    def entry(self) -> bytes:
        """The statement's 97 bytes, a leaf of the log of statements."""
        return _STATEMENT.pack(_FORM, *self)

    @classmethod
    def parse(cls, entry: bytes) -> Self:
        """Read a statement. Raises HeadsError if these bytes are none."""
        if len(entry) != _STATEMENT.size or entry[0] != _FORM:
            raise HeadsError(
                f"a statement of heads is {_STATEMENT.size} bytes and starts with 0x01"
            )
        _, *members = _STATEMENT.unpack(entry)
        return cls(*members)


def parse_heads(entries: bytes) -> list[Head]:
    """Read entries that stand one after the other. Raises HeadsError if they do not end with the bytes."""
    heads = []
    at = 0
    try:
        while at < len(entries):
            form, length = _BEGINNING.unpack_from(entries, at)
            if form != _FORM:
                raise HeadsError(f"an entry of form {form} at byte {at} is unknown")
            start, end = at + _BEGINNING.size, at + _BEGINNING.size + length
            heads.append(Head(entries[start:end].decode(), *_END.unpack_from(entries, end)))
            at = end + _END.size
    except (error, UnicodeDecodeError) as reason:
        raise HeadsError(f"no entry of a head is at byte {at}: {reason}") from reason
    return heads


class Page(NamedTuple):
    """256 heads, or fewer at the end, as they are stored: what is found in one read."""

    n: int
    """Its number from 0: it has the heads from index 256 * n on."""
    first_stream: str
    entries: bytes
    hashes: bytes
    """The entries' leaf hashes: a tile of level 0."""


def pages_of(heads: Iterable[Head]) -> Iterator[Page]:
    """Cut sorted heads into pages, one at a time; their hashes, appended to an Edge, make the tree of heads.

    Raises HeadsError if a stream comes twice or not in order.
    """
    rest = iter(heads)
    n, before = 0, None
    while some := list(islice(rest, TILE_WIDTH)):
        for one, other in pairwise([before, *some] if before else some):
            if one.stream >= other.stream:
                raise HeadsError(f"stream {other.stream!r} does not come after {one.stream!r}")
        entries = [head.entry for head in some]
        yield Page(n, some[0].stream, b"".join(entries), b"".join(map(leaf_hash, entries)))
        n, before = n + 1, some[-1]


class Pages(Protocol):
    """Stored pages of one tree of heads."""

    def find(self, stream: str) -> Page | None:
        """Return the last page whose first stream is not after that one, None if there is none."""

    def at(self, n: int) -> Page:
        """Return a page by its number."""


class ProvenHead(msgspec.Struct, frozen=True):
    """A head, its index in the tree of heads, and the proof of its inclusion."""

    head: Head
    index: int
    proof: list[bytes]


class Absence(msgspec.Struct, frozen=True):
    """The heads between which a stream would stand: neighbours, so that nothing is between them."""

    before: ProvenHead | None
    """None if the stream would be the first."""
    after: ProvenHead | None
    """None if the stream would be the last."""


def prove_head(stream: str, tree: Tree, pages: Pages) -> ProvenHead | Absence:
    """Prove a stream's head or, where it has none, that it has none, reading at most two pages.

    The tree is that of the heads, of as many as the statement has streams.
    """
    page = pages.find(stream)
    if page is None:
        return Absence(
            None, _proven(parse_heads(pages.at(0).entries)[0], 0, tree) if tree.size else None
        )
    heads = parse_heads(page.entries)
    at = bisect_right(heads, stream, key=lambda head: head.stream) - 1
    index = page.n * TILE_WIDTH + at
    found = _proven(heads[at], index, tree)
    if found.head.stream == stream:
        return found
    if index + 1 == tree.size:
        return Absence(found, None)
    following = (
        heads[at + 1] if at + 1 < len(heads) else parse_heads(pages.at(page.n + 1).entries)[0]
    )
    return Absence(found, _proven(following, index + 1, tree))


def verify_head(proven: ProvenHead, statement: Statement) -> bool:
    """Tell whether this proves that the stream ends with that version, as far as the statement is true."""
    try:
        leaf = leaf_hash(proven.head.entry)
    except HeadsError:
        return False
    return verify_inclusion(
        leaf, proven.index, statement.streams, proven.proof, statement.heads_root
    )


def verify_absence(stream: str, absence: Absence, statement: Statement) -> bool:
    """Tell whether this proves that the log has no event of the stream, as far as the statement is true.

    In a tree that is not sorted, which only who holds the whole log can tell, it proves nothing.
    """
    before, after = absence.before, absence.after
    if before is None and after is None:
        return statement.streams == 0 and statement.heads_root == EMPTY_ROOT
    last = before.index if before else -1
    following = after.index if after else statement.streams
    return (
        last + 1 == following
        and (before is None or (before.head.stream < stream and verify_head(before, statement)))
        and (after is None or (stream < after.head.stream and verify_head(after, statement)))
    )


def _proven(head: Head, index: int, tree: Tree) -> ProvenHead:
    return ProvenHead(head, index, tree.inclusion(index))
