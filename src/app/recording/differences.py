"""Items whose unique_id is taken, compared with what stands under it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from domain.json_values import fingerprint

# So much is hashed in one go: what is compared may be as large as a body, spelled in another way.
_GROUP_BYTES = 262_144

Fingerprints = Callable[[Sequence[bytes]], list[bytes]]
"""Hashes JSON texts as `domain.json_values.fingerprint` does, wherever that is done."""


def fingerprints(texts: Sequence[bytes]) -> list[bytes]:
    """Hash JSON texts in this thread."""
    return [fingerprint(text) for text in texts]


class Pair(NamedTuple):
    """The `data` of an item of a batch, and of the other under its unique_id, which is another text.

    None instead of the other's says that it is of another type, and so no duplicate whatever it says.
    """

    at: int
    own: bytes
    other: bytes | None


class Compared(NamedTuple):
    """What came of it: whether an item says the same as the other, and what its `data` hashes to."""

    at: int
    same: bool
    fingerprint: bytes


def compare(pairs: Iterable[Pair], hashed_by: Fingerprints) -> Iterator[Compared]:
    """Compare texts as JSON values, in groups, so that memory is bounded."""
    for group in _groups(pairs):
        others = [pair.other for pair in group if pair.other is not None]
        hashes = hashed_by([*(pair.own for pair in group), *others])
        of_others = iter(hashes[len(group) :])
        for pair, own in zip(group, hashes, strict=False):
            same = pair.other is not None and next(of_others) == own
            yield Compared(pair.at, same, own)


def _groups(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    group: list[Pair] = []
    size_bytes = 0
    for pair in pairs:
        more_bytes = len(pair.own) + len(pair.other or b"")
        if group and size_bytes + more_bytes > _GROUP_BYTES:
            yield group
            group, size_bytes = [], 0
        group.append(pair)
        size_bytes += more_bytes
    if group:
        yield group
