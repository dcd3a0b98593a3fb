"""Lines of events: each is read, hashed as it was sealed, and compared with itself."""

import json
import re
from binascii import unhexlify
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b, sha256
from struct import Struct, error
from typing import Any, NamedTuple

from .bundle import MIB, refuse
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
_EPOCH, _MICROSECOND = datetime(2000, 1, 1), timedelta(microseconds=1)  # noqa: DTZ001
_CONTENT, _LEAF, _LENGTH = Struct(">BH16sqH"), Struct(">BB16sQqI32s"), Struct(">H")
# No number is looked at but positions; a float is quick, and takes any number of digits.
_DECODER = json.JSONDecoder(parse_int=float, parse_constant=refuse)


class Checked(NamedTuple):
    """What the lines of a block say. Findings and streams name them by number, from 0."""

    positions: list[int | None]  # None: cannot be read
    leaves: list[bytes]  # their hashes, empty of a line that cannot be read
    findings: list[tuple[int, str, str]]  # code and words; without a code: what could not be judged
    streams: dict[bytes, tuple[int, int, int]]  # first version, its line, last version
    times: list[bytes]  # recorded_at, the first and the last
    erased: list[int]
    records: list[tuple[int, int, int]]  # of erasures: first and last position, the record's own


@lru_cache(4096)  # the same moment comes in many lines
def _micros(text: str) -> int:
    """Return microseconds since 2000; without an offset a time is UTC. Raises ValueError, OverflowError."""
    moment = datetime.fromisoformat(text.upper())
    return (moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta()) - _EPOCH) // _MICROSECOND


def _contradictions(data: bytes, key: bytes, occurred: int | None) -> list[tuple[str, str]]:
    """Return code and words of each difference between data and what was sealed beside it."""
    try:
        value, found = _parse(data), list[tuple[str, str]]()
        unique_id, timestamp = value.get("unique_id"), value.get("timestamp")
        if not isinstance(unique_id, str):
            found += [("", "key without a unique_id")] if key else []
        elif blake2b(unique_id.encode(), digest_size=16).digest() != key:
            found.append(("line", "key is not that of the unique_id in data"))
    except ValueError:
        return [("line", "data is not JSON")]
    try:
        if isinstance(timestamp, str) and _micros(timestamp) != occurred:
            found.append(("time", "occurred_at is not the timestamp in data"))
    except (ValueError, OverflowError):
        found.append(("", "timestamp of another form"))
    return found


def _parse(data: bytes) -> dict[str, Any]:
    text = data.decode().strip(" \t\r\n")
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError:
        refuse("what is nested so deep")
    if end < len(text):
        refuse("it")
    return value if isinstance(value, dict) else {}


def _erased_by(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the stretches of positions that the record of an erasure names."""
    try:
        for item in _parse(data)["positions"]:
            first, last = item if isinstance(item, list) else (item, item)
            yield int(first), int(last)
    except (ValueError, TypeError, KeyError, OverflowError):
        return


def check(log_id: bytes, of: bytes | None, block: bytes) -> Checked:  # noqa: C901, PLR0912 (calls cost)
    """Read and hash whole lines, all of the stream `of` where that is given."""
    done = Checked([], [], [], {}, [], [], [])
    positions, leaves, findings, streams, times, erased, records = done
    first_time, last_time = b"", b""
    lines = block.split(b"\n")
    if lines.pop():
        lines.append(b"no line, as its LF is missing")
    # A block of a MiB with more lines has some that are no events, and is found out by these.
    for number, line in enumerate(lines[:10_000]):
        try:
            found = _LINE.fullmatch(line)
            if not found:
                refuse("it")
            where, stream, nth, topic, recorded_at, occurred_at, key, salt, data, coded, gone = found.groups()
            position, version = int(where), int(nth)
            if b"\\" in stream + topic:
                stream, topic = (json.loads(b'"%s"' % text).encode() for text in (stream, topic))
            recorded = _micros(recorded_at.decode())
            occurred = _micros(occurred_at.decode()) if occurred_at else None
            mark = unhexlify(key) if key else b""
            if coded is not None:
                data = unbase64(coded.decode())
            flags = (1 if key else 0) | (2 if occurred_at else 0)
            content = b"%s%s%s%s%s" % (
                _CONTENT.pack(3, flags, mark, occurred or 0, len(topic)),
                *(topic, _LENGTH.pack(len(stream)), stream),
                unhexlify(gone) if gone else sha256(b"\2%s%s" % (unhexlify(salt), data)).digest(),
            )
            leaf = _LEAF.pack(0, 1, log_id, position, recorded, version, sha256(content).digest())
        except (ValueError, OverflowError, error):
            begins = _POSITION.match(line)
            positions.append(int(begins[1]) if begins else None)
            leaves.append(b"")
            findings.append((number, "line", "not an event, each member in its place and form, ended by LF"))
            continue
        positions.append(position)
        leaves.append(sha256(leaf).digest())
        before = streams.get(stream, (version, number, version - 1))
        streams[stream] = (*before[:2], version)
        if version != before[2] + 1:
            findings.append((number, "version", f"version {version} comes after version {before[2]}"))
        if of is not None and stream != of:
            findings.append((number, "line", "the event is of another stream than the bundle"))
        if recorded_at < last_time:
            findings.append((number, "time", "recorded_at is before that of the event before"))
        first_time, last_time = first_time or recorded_at, recorded_at
        if gone:
            erased.append(position)
        elif len(data) > 4 * MIB:
            findings.append((number, "", "data of more than 4 MiB"))
        else:
            for said in _contradictions(data, mark, occurred):
                findings.append((number, *said))
            if topic == b"PlayerErased":
                records.extend((*stretch, position) for stretch in _erased_by(data))
    if last_time:
        times += first_time, last_time
    return done
