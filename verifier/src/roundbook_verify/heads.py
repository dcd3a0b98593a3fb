"""Head statements: how many events a stream has in a log of some size."""

from hashlib import sha256
from struct import unpack
from typing import Any

from .bundle import Manifest, count, hashes
from .notes import Checkpoint, Key, parse_checkpoint, unbase64
from .tree import consistent, leads_to

_MEMBERS = {
    *("statement", "statement_index", "statement_proof", "checkpoint", "consistency", "stream"),
    *("entry", "index", "version", "position", "proof", "neighbours"),
}


def _entry(item: Any, streams: int, root: bytes) -> tuple[int, bytes, int, int]:
    """Return index, stream, last version and position of an entry of the statement. Raises ValueError."""
    raw, index = unbase64(item["entry"]), count(item["index"])
    if raw[:1] != b"\1" or len(raw) != 15 + int.from_bytes(raw[1:3], "big"):
        raise ValueError("an entry is not one")
    if not leads_to(root, sha256(b"\0" + raw).digest(), index, streams, hashes(item["proof"])):
        raise ValueError("an entry is not in the tree of the statement")
    return index, raw[3:-12], *unpack(">IQ", raw[-12:])


def judge(told: Any, log: Manifest, note: Checkpoint, keys: list[Key]) -> tuple[int, int, int, list[str]]:
    """Return the statement's size, the last version and its position (or zeros) by it, and what does not hold.

    Raises ValueError, KeyError, TypeError where a part is not of its form.
    """
    if not isinstance(told, dict) or set(told) != _MEMBERS:
        raise ValueError("heads has not the members that it must have; is there no statement yet?")
    statement = unbase64(told["statement"], 97)
    kind, log_id, size, root, streams, heads_root = unpack(">B16sQ32sQ32s", statement)
    of = parse_checkpoint(str(told["checkpoint"]).encode())
    own = [
        key._replace(name=key.name + end) for key in keys if key.name == log.origin for end in ("", "/heads")
    ]
    signed = [at for _, at in of.signed_by(own)]
    stream, said = (
        str(log.stream).encode(),
        [told[name] for name in ("index", "version", "position", "proof")],
    )
    version = position = 0
    if told["entry"] is None:
        around = [_entry(item, streams, heads_root) for item in told["neighbours"]]
        before, after = ([i for i, name, *_ in around if (name > stream) is side] for side in (False, True))
        placed = (before or [-1]) == [(after or [streams])[0] - 1] and not after[1:] and said == [None] * 4
        placed = placed and all(name != stream for _, name, *_ in around)
    else:
        _, name, version, position = _entry(told, streams, heads_root)
        placed = name == stream and said[1:3] == [version, position] and told["neighbours"] is None
    leaf, at, path = (
        sha256(b"\0" + statement).digest(),
        told["statement_index"],
        hashes(told["statement_proof"]),
    )
    held = {
        "the statement is of another log, or of a kind that is unknown": (kind, log_id.hex())
        == (1, log.log_id),
        "the statement's log is not the beginning of the one in the checkpoint": consistent(
            size, root, note.size, note.root, hashes(told["consistency"])
        ),
        "the checkpoint of the statements is not one of the log's, or its signature is wrong": (
            of.origin == f"{log.origin}/heads" and 0 in signed and None not in signed
        ),
        "the statement is not in the log of statements": leads_to(of.root, leaf, count(at), of.size, path),
        "the entry, or the neighbours, are not where the stream is": placed and told["stream"] == log.stream,
    }
    return size, version, position, [words for words, holds in held.items() if not holds]
