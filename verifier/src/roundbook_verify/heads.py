"""Head statements: how many events a stream has in a log of some size."""

from hashlib import sha256
from struct import unpack
from typing import Any

from .bundle import count, hashes
from .notes import Checkpoint, Key, parse_checkpoint, unbase64
from .tree import consistent, leads_to

_HEAD = {"entry", "index", "version", "position", "proof"}  # null where the stream is not in the statement
_MEMBERS = _HEAD | {
    *("statement", "statement_index", "statement_proof", "checkpoint", "consistency", "stream", "neighbours")
}


def _entry(item: Any, streams: int, root: bytes) -> tuple[int, bytes, int, int]:
    """Return index, stream, last version and position of an entry of the statement. Raises ValueError."""
    raw, index = unbase64(item["entry"]), count(item["index"])
    if raw[:1] != b"\1" or len(raw) != 15 + int.from_bytes(raw[1:3], "big"):
        raise ValueError("an entry is not one")
    if not leads_to(root, sha256(b"\0" + raw).digest(), index, streams, hashes(item["proof"])):
        raise ValueError("an entry is not in the tree of the statement")
    return index, raw[3:-12], *unpack(">IQ", raw[-12:])


def judge(told: Any, stream: bytes, note: Checkpoint, keys: list[Key]) -> tuple[int, int, int, list[str]]:
    """Return the statement's size, the last version and its position (or zeros), and what does not hold.

    Raises ValueError, KeyError, TypeError where a part is not of its form.
    """
    if not isinstance(told, dict) or set(told) != _MEMBERS:
        raise ValueError("heads has not the members that it must have; is there no statement yet?")
    statement, of = unbase64(told["statement"], 97), parse_checkpoint(str(told["checkpoint"]).encode())
    kind, log_id, size, root, streams, heads_root = unpack(">B16sQ32sQ32s", statement)
    own = [key for key in keys if key.name == note.origin]
    signed = [at for _, at in of.signed_by([*own, *(key._replace(name=of.origin) for key in own)])]
    version = position = 0
    if told["entry"] is None:
        around = [_entry(item, streams, heads_root) for item in told["neighbours"]]
        before = [index for index, name, *_ in around if name < stream]
        after = [index for index, name, *_ in around if name > stream]
        adjacent = (before or [-1]) == [(after or [streams])[0] - 1] and not after[1:]
        placed = adjacent and len(before + after) == len(around) and {told[name] for name in _HEAD} == {None}
    else:
        _, name, version, position = _entry(told, streams, heads_root)
        placed = (count(told["version"]), count(told["position"])) == (version, position)
        placed = placed and name == stream and told["neighbours"] is None
    leaf, at, path = sha256(b"\0" + statement).digest(), told["statement_index"], told["statement_proof"]
    wrong = list[str]()
    if (kind, log_id.hex()) != (1, note.origin[-32:]):
        wrong.append("the statement is of another log, or of an unknown kind")
    if not consistent(size, root, note.size, note.root, hashes(told["consistency"])):
        wrong.append("the statement's log is not the beginning of the one in the checkpoint")
    if of.origin != note.origin + "/heads" or 0 not in signed or None in signed:
        wrong.append("the checkpoint of the statements is not one that a key of yours has signed")
    if not leads_to(of.root, leaf, count(at), of.size, hashes(path)):
        wrong.append("the statement is not in the log of statements")
    if not placed or told["stream"] != stream.decode():
        wrong.append("the entry, or the neighbours, are not where the stream is")
    return size, version, position, wrong
