"""A witness, written from C2SP tlog-witness, tlog-cosignature and signed-note, sharing no code with src."""

import base64
import re
import struct
from collections.abc import Sequence
from hashlib import sha256
from threading import Lock

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.evidence.loopback import Reply, Request

NAME = "witness.example/w1"
_BODY = re.compile(
    r"old (0|[1-9][0-9]*)\n((?:[A-Za-z0-9+/=]+\n)*)\n(([^\n]+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/=]+)\n)\n"
    r"((?:— [^ \n]+ [A-Za-z0-9+/=]+\n)+)"
)


class Witness:
    """Keeps the latest checkpoint of each log that it knows, and cosigns what continues it."""

    def __init__(
        self, *log_vkeys: str, seed: bytes = b"\x21" * 32, time: int = 1_750_000_000
    ) -> None:
        self.seen: dict[str, tuple[int, bytes, bytes]] = {}
        """By origin: size, root, and what is published."""
        self.requests: list[Request] = []
        self.more_lines = ""
        """What it answers besides its cosignature: lines of other keys."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()
        self._time = time
        self._logs = [_parts(vkey) for vkey in log_vkeys]
        self._lock = Lock()

    @property
    def vkey(self) -> str:
        return f"{NAME}+{self._key_id.hex()}+{_base64(bytes([4]) + self._public)}"

    @property
    def _key_id(self) -> bytes:
        return sha256(f"{NAME}\n".encode() + b"\4" + self._public).digest()[:4]

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if request.method == "POST" and request.path == "/add-checkpoint":
                return self._add_checkpoint(request.body.decode())
            for origin, (_, _, published) in self.seen.items():
                if request.path == f"/{sha256(origin.encode()).hexdigest()}/checkpoint":
                    return Reply(200, published)
            return Reply(404)

    def _add_checkpoint(self, body: str) -> Reply:
        found = _BODY.fullmatch(body)
        if not found:
            return Reply(400, b"malformed")
        old, hashes, text, origin, digits, root64, lines = found.groups()
        old_size, size = int(old), int(digits)
        root, proof = base64.b64decode(root64), [base64.b64decode(h) for h in hashes.split()]
        seen_size, seen_root, _ = self.seen.get(origin, (0, sha256().digest(), b""))
        # A log's key may sign its other trees, whose origins begin with its own.
        trusted = [log for log in self._logs if f"{origin}/".startswith(f"{log[0]}/")]
        # In the order of the protocol.
        refusals = [
            (not trusted, Reply(404, b"unknown log")),
            (not _signed(text, lines, trusted), Reply(403, b"no trusted key signed this")),
            (old_size > size or len(proof) > 63, Reply(400, b"malformed")),
            (old_size != seen_size, Reply(409, b"%d\n" % seen_size, "text/x.tlog.size")),
            (
                size == 0 and root != sha256().digest(),
                Reply(422, b"an empty tree has another root"),
            ),
            (
                not _continues(old_size, seen_root, size, root, proof),
                Reply(422, b"the consistency proof does not verify"),
            ),
        ]
        for refused, reply in refusals:
            if refused:
                return reply
        line = self.cosign(text)
        self.seen[origin] = size, root, f"{text}\n{lines}{line}".encode()
        return Reply(200, (line + self.more_lines).encode())

    def cosign(self, text: str) -> str:
        signed = self._key.sign(f"cosignature/v1\ntime {self._time}\n{text}".encode())
        stamped = struct.pack(">Q", self._time) + signed
        return f"— {NAME} {_base64(self._key_id + stamped)}\n"


def _signed(text: str, lines: str, logs: Sequence[tuple[str, bytes, bytes]]) -> bool:
    held = False
    for line in lines.splitlines():
        _, name, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        for key in (log[2] for log in logs if log[:2] == (name, raw[:4])):
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(raw[4:], text.encode())
            except InvalidSignature:
                return False
            held = True
    return held


def _continues(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """RFC 9162 section 2.1.4.2, and what the witness protocol says of size 0."""
    if old_size in {0, size}:
        return not proof and (old_size == 0 or old_root == root)
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = _node(c, fr), _node(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = _node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, root, 0)


def _parts(vkey: str) -> tuple[str, bytes, bytes]:
    name, key_id, key = vkey.split("+", 2)
    return name, bytes.fromhex(key_id), base64.b64decode(key)[1:]


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
