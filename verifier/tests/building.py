"""Bundles written from the specification alone, to be verified: an own log, its keys, its trees."""

import hashlib
import json
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from struct import pack
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
ORIGIN = f"casino.example/log/{LOG_ID.hex()}"
EPOCH = 946_684_800_000_000  # microseconds from 1970 to 2000
NOON = 1_736_942_400_123_456  # 2025-01-15T12:00:00.123456Z
JSON = Mapping[str, Any]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


# RFC 6962 §2.1, word for word, over leaf hashes.


def split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


@cache
def root(leaves: tuple[bytes, ...]) -> bytes:
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha(b"\1" + root(leaves[:k]) + root(leaves[k:]))


def path(at: int, leaves: tuple[bytes, ...]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if at < k:
        return [*path(at, leaves[:k]), root(leaves[k:])]
    return [*path(at - k, leaves[k:]), root(leaves[:k])]


def consistency(old: int, leaves: tuple[bytes, ...], *, whole: bool = True) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*consistency(old, leaves[:k], whole=whole), root(leaves[k:])]
    return [*consistency(old - k, leaves[k:], whole=False), root(leaves[:k])]


def outside(start: int, stop: int, leaves: tuple[bytes, ...], low: int = 0) -> list[bytes]:
    high = low + len(leaves)
    if high <= start or low >= stop:
        return [root(leaves)]
    if start <= low and high <= stop:
        return []
    k = split(len(leaves))
    return outside(start, stop, leaves[:k], low) + outside(start, stop, leaves[k:], low + k)


@dataclass(frozen=True)
class Signer:
    """An Ed25519 key with a name; of kind 4 it cosigns."""

    name: str
    seed: bytes
    kind: int = 1

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def id(self) -> bytes:
        return sha(self.name.encode() + b"\n" + bytes([self.kind]) + self.public)[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    def line(self, text: str, at: int = 1_737_000_000) -> str:
        if self.kind == 4:
            signed = pack(">Q", at) + self.private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        else:
            signed = self.private.sign(text.encode())
        return f"— {self.name} {b64(self.id + signed)}\n"


OPERATOR = Signer(ORIGIN, bytes(range(32)))
WITNESSES = [Signer(f"witness.example/w{n}", bytes([n]) * 32, kind=4) for n in (1, 2, 3)]


def note(size: int, tree_root: bytes, signers: Iterable[Signer] = (OPERATOR,), origin: str = ORIGIN) -> bytes:
    text = f"{origin}\n{size}\n{b64(tree_root)}\n"
    return (text + "\n" + "".join(signer.line(text) for signer in signers)).encode()


@dataclass(frozen=True)
class Event:
    position: int
    stream: str
    version: int
    type: str
    recorded: int
    occurred: int | None
    key: bytes | None
    salt: bytes
    state: bytes
    erased: bool = False

    @property
    def commitment(self) -> bytes:
        return sha(b"\2" + self.salt + self.state)

    @property
    def leaf(self) -> bytes:
        topic, stream = self.type.encode(), self.stream.encode()
        flags = (self.key is not None) | (self.occurred is not None) << 1
        content = b"\3" + pack(">H", flags) + (self.key or bytes(16))
        content += pack(">q", 0 if self.occurred is None else self.occurred - EPOCH)
        content += pack(">H", len(topic)) + topic + pack(">H", len(stream)) + stream + self.commitment
        head = b"\1" + LOG_ID + pack(">QqI", self.position, self.recorded - EPOCH, self.version)
        return sha(b"\0" + head + sha(content))

    @property
    def line(self) -> bytes:
        members: dict[str, Any] = {
            "position": self.position,
            "stream": self.stream,
            "version": self.version,
            "type": self.type,
            "recorded_at": time(self.recorded),
            "occurred_at": None if self.occurred is None else time(self.occurred),
            "key": self.key.hex() if self.key else None,
        }
        if self.erased:
            return compact(members | {"commitment": self.commitment.hex()}) + b"\n"
        head = compact(members | {"salt": self.salt.hex()})[:-1]
        if b"\r" in self.state or b"\n" in self.state:
            return head + b',"data_base64":"' + b64(self.state).encode() + b'"}\n'
        return head + b',"data":' + self.state + b"}\n"


def time(micros: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def key_of(unique_id: str) -> bytes:
    return hashlib.blake2b(unique_id.encode(), digest_size=16).digest()


def bet(position: int, stream: str, version: int, **changes: Any) -> Event:
    second = position % 60
    state = compact(
        {
            "unique_id": f"bet-{position}",
            "timestamp": f"2025-01-15T11:30:{second:02}Z",
            "player_id": stream.removeprefix("player:"),
            "amount": 0.5,
        }
    )
    occurred = 1_736_940_600_000_000 + second * 1_000_000
    plain = Event(
        position,
        stream,
        version,
        "BetPlaced",
        NOON + position,
        occurred,
        key_of(f"bet-{position}"),
        bytes(16),
        state,
    )
    return replace(plain, **changes)


@dataclass
class Log:
    """A log and what its operator does with it."""

    events: list[Event] = field(default_factory=list)

    @property
    def leaves(self) -> tuple[bytes, ...]:
        return tuple(event.leaf for event in self.events)

    def note(self, size: int | None = None, signers: Iterable[Signer] = (OPERATOR,)) -> bytes:
        leaves = self.leaves[:size]
        return note(len(leaves), root(leaves), signers)

    def manifest(self, **members: Any) -> JSON:
        size = len(self.events)
        told = {"format": "roundbook-evidence/1", "origin": ORIGIN, "log_id": LOG_ID.hex()}
        return told | {"size": size, "from": 1, "to": size, "stream": None} | members

    def range(self, first: int = 1, last: int | None = None) -> dict[str, bytes]:
        last = last or len(self.events)
        part = self.events[first - 1 : last]
        proof = outside(first - 1, last, self.leaves)
        return {
            "manifest.json": compact(self.manifest(**{"from": first, "to": last})),
            "events.ndjson": b"".join(event.line for event in part),
            "leaves": b"".join(event.leaf for event in part),
            "checkpoint": self.note(),
            "proof.json": compact({"range": [b64(item) for item in proof]}),
        }

    def since(self, size: int) -> bytes:
        leaves = self.leaves
        proof = [b64(item) for item in consistency(size, leaves)]
        return compact({"from": size, "root": b64(root(leaves[:size])), "proof": proof})

    def stream(self, name: str, at: int | None = None) -> dict[str, bytes]:
        part = [event for event in self.events if event.stream == name]
        inclusion = {
            str(event.position): [b64(item) for item in path(event.position - 1, self.leaves)]
            for event in part
        }
        return {
            "manifest.json": compact(self.manifest(stream=name)),
            "events.ndjson": b"".join(event.line for event in part),
            "leaves": b"".join(event.leaf for event in part),
            "checkpoint": self.note(),
            "proof.json": compact({"inclusion": inclusion, "heads": self.heads(name, at)}),
        }

    def heads(
        self, name: str, at: int | None = None, signer: Signer | None = None, hidden: str | None = None
    ) -> dict[str, Any]:
        leaves = self.leaves
        size = len(leaves) if at is None else at
        last: dict[str, Event] = {}
        for event in self.events[:size]:
            last[event.stream] = event
        last.pop(str(hidden), None)
        streams = sorted(last, key=str.encode)
        entries = [
            b"\1"
            + pack(">H", len(stream.encode()))
            + stream.encode()
            + pack(">IQ", last[stream].version, last[stream].position)
            for stream in streams
        ]
        tree = tuple(sha(b"\0" + entry) for entry in entries)
        statement = (
            b"\1" + LOG_ID + pack(">Q", size) + root(leaves[:size]) + pack(">Q", len(tree)) + root(tree)
        )
        statements = tuple(sha(b"\0" + item) for item in (b"first", b"second", statement, b"fourth"))
        signer = signer or Signer(f"{ORIGIN}/heads", OPERATOR.seed)
        told: dict[str, Any] = {
            "statement": b64(statement),
            "consistency": [b64(item) for item in consistency(size, leaves)] if size else [],
            "checkpoint": note(4, root(statements), [signer], f"{ORIGIN}/heads").decode(),
            "statement_index": 2,
            "statement_proof": [b64(item) for item in path(2, statements)],
            "stream": name,
            **dict.fromkeys(("entry", "index", "version", "position", "proof", "neighbours")),
        }

        def proven(index: int) -> dict[str, Any]:
            proof = [b64(item) for item in path(index, tree)]
            return {"entry": b64(entries[index]), "index": index, "proof": proof}

        if name in last:
            event = last[name]
            return told | proven(streams.index(name)) | {"version": event.version, "position": event.position}
        after = sum(stream.encode() < name.encode() for stream in streams)
        return told | {"neighbours": [proven(n) for n in (after - 1, after) if 0 <= n < len(tree)]}


def player_log() -> Log:
    """Twelve events of three players and a game."""
    streams = ["player:Ada", "player:Bo", "player:Ada", "game:btg/bonanza", "player:Çelik", "player:Ada"]
    events: list[Event] = []
    for position in range(1, 13):
        stream = streams[(position - 1) % len(streams)]
        version = 1 + sum(event.stream == stream for event in events)
        events.append(bet(position, stream, version))
    return Log(events)


def erased_log() -> Log:
    """The same; an update of a player is erased, and its record follows."""
    log = player_log()
    log.events[4] = replace(log.events[4], type="PlayerUpdated", salt=bytes(range(16)), erased=True)
    record = compact({"positions": [5], "reason": "asked for", "by": "owner"})
    version = 1 + sum(event.stream == "player:Çelik" for event in log.events)
    log.events.append(
        Event(13, "player:Çelik", version, "PlayerErased", NOON + 13, None, None, bytes(16), record)
    )
    return log


def write(target: Path, members: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> Path:
    pairs = members.items() if isinstance(members, Mapping) else members
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in pairs:
            file.writestr(name, data)
    return target
