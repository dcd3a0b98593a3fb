"""Lines of events: each is read, hashed as it was sealed, and compared with itself."""

import json
import re
from binascii import unhexlify
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from struct import Struct, error
from typing import Any, NamedTuple

from .bundle import MIB
from .notes import unbase64

_TEXT, _TIME = rb'"([^"\\\0-\37]*(?:\\.[^"\\\0-\37]*)*)"', rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z"
_LINE = re.compile(
    rb'{"position":([1-9][0-9]{0,18}),"stream":%s,"version":([1-9][0-9]{0,9}),"type":%s,"recorded_at":"%s",'
    rb'"occurred_at":(?:null|"%s"),"key":(?:null|"([0-9a-f]{32})"),(?:"salt":"([0-9a-f]{32})",'
    rb'(?:"data":(.*)|"data_base64":"([A-Za-z0-9+/=]*)")|"commitment":"([0-9a-f]{64})")}'
    % (_TEXT, _TEXT, _TIME, _TIME),
    re.DOTALL,
)
_POSITION = re.compile(rb'{"position":([1-9][0-9]{0,18}),')
_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_CONTENT, _LEAF, _LENGTH = Struct(">BH16sqH"), Struct(">BB16sQqI32s"), Struct(">H")
# No number is looked at but positions: a float is quick, and takes any number of digits. NaN is no int.
_DECODER = json.JSONDecoder(parse_int=float, parse_constant=int)
# A block of a MiB that has more lines has some that are no events, and is found out by these.
_MOST_LINES = 10_000
# What a line says: position, hash of its leaf, stream, version, recorded_at, whether it is erased, stretches
# of positions that the record of an erasure names, and findings: code and words, without a code what was not
# judged. Of what is no event the position may be there, and findings. (Plain tuples are quick to send.)
Line = tuple[int | None, bytes, bytes, int, bytes, bool, list[tuple[int, int]], list[tuple[str, str]]]
NO_LINE: Line = (None, b"", b"", 0, b"", False, [], [])


class Run(NamedTuple):
    """What the lines of a block say together: events, none of which is odd."""

    positions: list[int]
    leaves: bytes
    versions: dict[bytes, tuple[int, int]]
    """Of each stream the first and the last, between which all are there."""
    times: tuple[bytes, bytes]
    """The first and the last recorded_at; none is before the one before."""
    erased: list[int]
    erases: list[tuple[int, int]]
    unjudged: Counter[str]


@lru_cache(4096)  # the same moment comes in many lines
def _micros(text: str) -> int:
    """Return microseconds since 2000; without an offset a time is UTC. Raises ValueError, OverflowError."""
    moment = datetime.fromisoformat(text.upper())
    return (moment - (_EPOCH if moment.tzinfo else _NAIVE_EPOCH)) // _MICROSECOND


_FAST_TRACK = b".fasttrack"
_HOUR_OF_ONE_DIGIT = re.compile(r"^(\d{4}-\d\d-\d\d[Tt])(\d:)", re.ASCII)


def _in_common_words(topic: bytes, value: dict[str, Any]) -> dict[str, Any]:
    """Return the id and the time of a payload in Fast Track's dialect under the names that items have."""
    ids = ("unique_id", "activity_id")
    if topic.startswith((b"Deposited", b"Withdrawn")):
        ids = ("payment_id", "unique_id")
    found = next((value[name] for name in ids if value.get(name) is not None), None)
    timestamp = value.get("timestamp")
    if isinstance(timestamp, str):
        timestamp = _HOUR_OF_ONE_DIGIT.sub(r"\g<1>0\g<2>", timestamp)
    return {"unique_id": found, "timestamp": timestamp}


def _look_into(
    topic: bytes, data: bytes, key: bytes, occurred: int | None
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the object that data is (or an empty one), and where it is not what was sealed beside it."""
    try:
        text = data.decode().strip(" \t\r\n")
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        text, value, end = "", None, -1
    if end < len(text):
        return {}, [("line", "data is not JSON")]
    said: list[tuple[str, str]] = []
    value = value if isinstance(value, dict) else {}
    if topic.endswith(_FAST_TRACK):
        value = _in_common_words(topic, value)
    unique_id, timestamp = value.get("unique_id"), value.get("timestamp")
    if not isinstance(unique_id, str):
        said += [("", "key without a unique_id")] if key else []
    elif blake2b(unique_id.encode(errors="surrogatepass"), digest_size=16).digest() != key:
        said.append(("line", "key is not that of the unique_id in data"))
    try:
        if isinstance(timestamp, str) and _micros(timestamp) != occurred:
            said.append(("time", "occurred_at is not the timestamp in data"))
    except (ValueError, OverflowError):
        said.append(("", "timestamp of another form"))
    return value, said


def _stretches(named: Any) -> list[tuple[int, int]]:
    """Return first and last of what a record of an erasure names: positions, and pairs of them."""
    try:
        pairs = [item if isinstance(item, list) else (item, item) for item in named]
        return [(int(first), int(last)) for first, last in pairs]
    except (ValueError, TypeError, OverflowError):
        return []


def _event(log_id: bytes, of: bytes | None, line: bytes) -> Line:
    """Return what an event says. Raises ValueError, OverflowError, struct.error where it is none."""
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError("not an event")
    where, stream, nth, topic, recorded_at, occurred_at, key, salt, data, coded, gone = found.groups()
    position, version = int(where), int(nth)
    if b"\\" in stream + topic:
        stream, topic = (json.loads(b'"%s"' % text).encode() for text in (stream, topic))
    occurred = _micros(occurred_at.decode()) if occurred_at else None
    mark = unhexlify(key) if key else b""
    if coded is not None:
        data = unbase64(coded.decode())
    content = b"%s%s%s%s%s" % (
        _CONTENT.pack(3, bool(key) | bool(occurred_at) << 1, mark, occurred or 0, len(topic)),
        *(topic, _LENGTH.pack(len(stream)), stream),
        unhexlify(gone) if gone else sha256(b"\2%s%s" % (unhexlify(salt), data)).digest(),
    )
    recorded = _micros(recorded_at.decode())
    leaf = _LEAF.pack(0, 1, log_id, position, recorded, version, sha256(content).digest())
    erases: list[tuple[int, int]] = []
    said: list[tuple[str, str]] = []
    if not gone and len(data) > 4 * MIB:
        said = [("", "data of more than 4 MiB")]
    elif not gone:
        value, said = _look_into(topic, data, mark, occurred)
        if topic == b"PlayerErased":
            erases = _stretches(value.get("positions"))
    if of is not None and stream != of:
        said.append(("line", "the event is of another stream than the bundle"))
    return position, sha256(leaf).digest(), stream, version, recorded_at, bool(gone), erases, said


def check(log_id: bytes, of: bytes | None, block: bytes) -> list[Line]:
    """Read and hash whole lines, all of the stream `of` where that is given."""
    lines, done = block.split(b"\n"), list[Line]()
    if lines.pop():
        lines.append(b"no line, as its LF is missing")
    for line in lines[:_MOST_LINES]:
        try:
            done.append(_event(log_id, of, line))
        except (ValueError, OverflowError, error):
            words = "not an event, each member in its place and form, ended by LF"
            done.append((begins_at(line), *NO_LINE[1:-1], [("line", words)]))
    return done


def run_of(log_id: bytes, of: bytes | None, block: bytes) -> Run | None:
    """Read and hash whole lines as `check` does, None where there is anything to tell of one of them."""
    lines = check(log_id, of, block)
    leaves: list[bytes] = []
    versions: dict[bytes, tuple[int, int]] = {}
    last = b""
    run = Run([], b"", versions, (lines[0][4] if lines else b"", b""), [], [], Counter())
    for position, leaf, stream, version, recorded_at, erased, erases, said in lines:
        first, before = versions.get(stream, (version, version - 1))
        if position is None or not leaf or version != before + 1 or recorded_at < last:
            return None
        run.positions.append(position)
        leaves.append(leaf)
        versions[stream], last = (first, version), recorded_at
        for code, words in said:
            if code:
                return None
            run.unjudged[words] += 1
        if erased:
            run.erased.append(position)
        if erases:
            run.erases.extend((start, min(stop, position)) for start, stop in erases)
    return run._replace(leaves=b"".join(leaves), times=(run.times[0], last)) if lines else None


def begins_at(block: bytes) -> int | None:
    """Return the position that the first of these lines says."""
    begins = _POSITION.match(block)
    return int(begins[1]) if begins else None
