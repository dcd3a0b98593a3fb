"""The rows of a stretch of a log, read once: the leaf hashes that they give, and what is wrong with them."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from app.evidence.verification.erasures import RECORD_TOPIC, Erased, Erasures
from app.evidence.verification.events import faults_of
from app.evidence.verification.findings import Finding, Findings
from app.evidence.verification.times import CLOCK
from app.log.leaves import Log
from domain.evidence.leaves import (
    HASH_BYTES,
    NO_SALT,
    SALT_BYTES,
    commitment,
    content,
    leaf_hashes,
)
from postgres.binary import copy_out, fields
from postgres.connections import Connection
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Reading events as they are stored."""

    rows_to_verify: Statement


SQL = Sql(__file__)

ABSENT = bytes(HASH_BYTES)
"""Stands where there is no hash: the event, or what was to be hashed of it, is not there."""

EARLIER = "recorded_at is before that of the event before"
_NO_TIME = "recorded_at is a time that no clock shows"
_GONE = "there is no event at this position"
_CUT = "the event was recorded, and the log ends before it"
_TWICE = "there is another event at this position"
_NO_RECORD = "its data is gone, and nothing says that it was erased"
_NO_EVENT = "it has a version, key, salt or name that no event has"
_NOT_ERASED = "it was erased, and has data or a salt"

# The number of fields, then position, recorded_at, version, occurred_at and key, each after its length, and
# the length of salt: how a row begins where nothing is null.
_BEGINNING = struct.Struct(">hiqiqiiiqi16si")
_LENGTH = struct.Struct(">i")

KEY_BYTES = 16
# In bytes of UTF-8. No name comes near it: the ids in names have 255 characters.
_LONGEST_NAME = 65_535
_LONGEST_CHARACTER = 4


_Event = tuple[int, int, int, int | None, bytes | None, bytes, str, str, bytes | None]
"""A row: position, recorded_at, version, occurred_at, key, salt, stream, topic, state; times in microseconds
since 2000. A plain tuple, as there are millions of them."""


Versions = tuple[int, int, int]
"""Which versions of a stream a stretch of the log has: the first, the last, and the position of the first."""


class Rows(NamedTuple):
    """What the rows of a stretch say: of each position a leaf hash or ABSENT, of each stream its versions."""

    hashes: bytes
    versions: dict[str, Versions]
    began_at: int | None
    """The first recorded_at, in microseconds since 2000."""
    ended_at: int | None
    findings: list[Finding]


def read_rows(connection: Connection, log: Log, stretch: range, head: int) -> Rows:
    """Read the events at a stretch of positions and hash them; `head` is where the log ends.

    Raises psycopg.Error.
    """
    order, erasures = _Order(stretch), Erasures(connection, log, stretch)
    findings, erased = order.findings, erasures.erased
    places: list[tuple[int, int, int]] = []
    contents: list[bytes] = []
    records: list[tuple[int, bytes | None]] = []
    for event in order.follow(_events(connection, log, stretch), head):
        position, recorded_at, version, occurred_at, key, salt, stream, topic, state = event
        if state is not None and position not in erased:
            for code, words in faults_of(stream, topic, key, occurred_at, state):
                findings.add(position, position, code, words)
            committed = commitment(salt, state)
            if topic == RECORD_TOPIC:
                records.append((position, state))
        else:
            committed = _committed_before(event, erased.get(position), findings)
            if position in erased:
                erasures.check_event(erased[position], stream, findings)
        if not committed or version <= 0 or not _can_be_sealed(key, salt, stream, topic):
            if committed:
                findings.add(position, position, "leaf", _NO_EVENT)
            order.without.append(position)
            continue
        places.append((position, recorded_at, version))
        contents.append(content(stream, topic, key, occurred_at, committed))
    for position, state in records:
        erasures.check_record(position, state, findings)
    hashes = leaf_hashes(log.log_id, places, contents)
    return Rows(
        _with_holes(hashes, stretch.start, order.without),
        order.versions(),
        order.began_at,
        order.ended_at,
        list(findings),
    )


def _committed_before(event: _Event, erased: Erased | None, findings: Findings) -> bytes:
    """Return the commitment to an event whose data is gone, or should be; nothing if there is none."""
    position, *_, salt, _, _, state = event
    if erased is None:
        findings.add(position, position, "erased", _NO_RECORD)
        return b""
    if state is not None or salt:
        findings.add(position, position, "erased", _NOT_ERASED)
    if len(erased.commitment) != HASH_BYTES:
        findings.add(position, position, "erased", _NO_RECORD)
        return b""
    return erased.commitment


class _Order:
    """Whether positions, times and versions go on as they must."""

    def __init__(self, stretch: range) -> None:
        self.findings = Findings()
        self.without: list[int] = []
        """Positions that have no event, or one that can't be hashed."""
        self.began_at: int | None = None
        self.ended_at: int | None = None
        self._began = stretch.start
        self._stretch = stretch
        self._begun: dict[str, tuple[int, int]] = {}
        self._versions: dict[str, int] = {}

    def follow(self, events: Iterator[_Event], head: int) -> Iterator[_Event]:
        """Yield the events again, one at a position, and tell what is wrong with their order."""
        begun, versions, add = self._begun, self._versions, self.findings.add
        following, ended_at = self._stretch.start, None
        for event in events:
            position, recorded_at, version, _, _, _, stream, _, _ = event
            if position != following:
                if position < following:
                    add(position, position, "gap", _TWICE)
                    continue
                self._miss(following, position - 1, head)
            following = position + 1
            if ended_at is None:
                self.began_at, self._began = recorded_at, position
            elif recorded_at < ended_at:
                add(position, position, "time", EARLIER)
            ended_at = recorded_at
            before = versions.get(stream)
            if before is None:
                begun[stream] = version, position
            elif version != before + 1:
                words = f"version {version} of its stream follows {before}"
                add(position, position, "version", words)
            versions[stream] = version
            yield event
        self.ended_at = ended_at
        self._miss(following, self._stretch.stop - 1, head)
        # Times don't decrease, so that another one between these is told as one that does.
        for at, position in ((self.began_at, self._began), (ended_at, following - 1)):
            if at is not None and at not in CLOCK:
                add(position, position, "time", _NO_TIME)

    def versions(self) -> dict[str, Versions]:
        """Return of each stream its versions."""
        return {
            stream: (version, self._versions[stream], position)
            for stream, (version, position) in self._begun.items()
        }

    def _miss(self, first: int, last: int, head: int) -> None:
        if first <= min(last, head):
            self.findings.add(first, min(last, head), "gap", _GONE)
        if max(first, head + 1) <= last:
            self.findings.add(max(first, head + 1), last, "missing", _CUT)
        self.without.extend(range(first, last + 1))


def _can_be_sealed(key: bytes | None, salt: bytes, stream: str, topic: str) -> bool:
    """Tell whether an event with these has a leaf, and none that differs in them has the same.

    A salt of zeros is as none, and the bytes of a longer one could have been taken from the state.
    """
    return (
        (not salt or (len(salt) == SALT_BYTES and salt != NO_SALT))
        and (key is None or len(key) == KEY_BYTES)
        and max(len(stream), len(topic)) * _LONGEST_CHARACTER <= _LONGEST_NAME
    )


def _with_holes(hashes: bytes, first: int, without: list[int]) -> bytes:
    """Put ABSENT where there is no hash."""
    found, taken, position = [], 0, first
    for hole in without:
        end = taken + (hole - position) * HASH_BYTES
        found += [hashes[taken:end], ABSENT]
        taken, position = end, hole + 1
    return b"".join([*found, hashes[taken:]]) if found else hashes


def _events(connection: Connection, log: Log, stretch: range) -> Iterator[_Event]:
    parameters = {"tenant_id": log.tenant_id, "first": stretch.start, "last": stretch.stop - 1}
    begin, length_at, size = _BEGINNING.unpack_from, _LENGTH.unpack_from, _BEGINNING.size
    for row in copy_out(connection, SQL.rows_to_verify, parameters):
        (
            _,
            _,
            position,
            _,
            recorded_at,
            _,
            version,
            time_bytes,
            occurred_at,
            key_bytes,
            key,
            salt_bytes,
        ) = begin(row)
        if time_bytes != 8 or key_bytes != 16:
            yield _with_nulls(row)
            continue
        at = size + salt_bytes
        salt = row[size:at]
        (length,) = length_at(row, at)
        at += 4
        stream = row[at : at + length].decode()
        at += length
        (length,) = length_at(row, at)
        at += 4
        topic = row[at : at + length].decode()
        at += length
        (length,) = length_at(row, at)
        yield (
            position,
            recorded_at,
            version,
            occurred_at,
            key,
            salt,
            stream,
            topic,
            row[at + 4 :] if length >= 0 else None,
        )


def _with_nulls(row: bytes) -> _Event:
    """Read a row of any form; what must not be null and is, though, is as if it were empty."""
    position, recorded_at, version, occurred_at, key, salt, stream, topic, state = fields(row)
    return (
        int.from_bytes(position or b"", signed=True),
        int.from_bytes(recorded_at or b"", signed=True),
        int.from_bytes(version or b"", signed=True),
        None if occurred_at is None else int.from_bytes(occurred_at, signed=True),
        key,
        salt or b"",
        (stream or b"").decode(),
        (topic or b"").decode(),
        state,
    )
