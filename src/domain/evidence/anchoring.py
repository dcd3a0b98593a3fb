"""Where checkpoints are anchored, as an operator writes it, and what an anchored one says of a log."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from domain.evidence.checkpoints import Checkpoint
from domain.evidence.notes import COSIGNATURE_V1, NoteError, VerifierKey, parse_verifier_key
from domain.evidence.proofs import verify_consistency

Kind = Literal["file", "witness", "tsa"]

DEFAULT_INTERVALS_S: dict[str, float] = {"file": 0, "witness": 60, "tsa": 3600}
"""How often each kind is asked at most; 0 is at each checkpoint."""

_LONGEST_INTERVAL_S = 86_400 * 31
# 33 bytes in base64 are 44 characters, any of which may be a plus: read from the end.
_WITNESS = re.compile(r"(.+?)\+([^+]+\+[^+]+\+[A-Za-z0-9+/=]{44})", re.DOTALL)

Finding = Literal["rollback", "fork"]
Prove = Callable[[int], list[bytes]]
"""Gives the consistency proof from a smaller size, more than 0, to that of a checkpoint."""


class AnchorSpec(Struct, frozen=True):
    """One anchor: a path or a URL, how often at most, and of a witness the key that it cosigns with."""

    kind: Kind
    place: str
    interval_s: float
    vkey: VerifierKey | None = None

    @property
    def target(self) -> str:
        """Return what it is called in tables, metrics and messages: without a password or a query."""
        if self.kind == "file":
            return f"file:{self.place}"
        url = urlsplit(self.place)
        host = url.netloc.rpartition("@")[2]
        return f"{self.kind}:{url.scheme}://{host}{url.path}"


def parse_anchors(text: str) -> list[AnchorSpec]:
    """Read a list of anchors, separated by white space, which no URL contains.

    Each is `file:PATH`, `witness:URL+vkey` or `tsa:URL`, and may end in `;interval=SECONDS`. A path with
    white space can't be named. Raises ValueError that says of which one what is wrong, without its URL.
    """
    specs: list[AnchorSpec] = []
    for number, item in enumerate(text.split(), start=1):
        try:
            specs.append(_parse(item, [each.target for each in specs]))
        except ValueError as error:
            raise ValueError(f"number {number} ({item.partition(':')[0][:20]}): {error}") from None
    return specs


def contradiction(own: Checkpoint, anchored: Checkpoint, prove: Prove) -> Finding | None:
    """Say how a log's newest checkpoint contradicts one of the same tree that is anchored elsewhere.

    `rollback`: more was anchored than the log has. `fork`: the log does not begin with what was anchored.
    None: it continues it. `prove` is asked where the log is the larger one. Raises ValueError for another
    tree.
    """
    if own.origin != anchored.origin:
        raise ValueError(f"a checkpoint of {anchored.origin!r} says nothing of {own.origin!r}")
    if anchored.size > own.size:
        return "rollback"
    proof = prove(anchored.size) if 0 < anchored.size < own.size else []
    if verify_consistency(anchored.size, own.size, anchored.root, own.root, proof):
        return None
    return "fork"


def _parse(item: str, others: list[str]) -> AnchorSpec:
    spec = _parse_one(item)
    if spec.target in others:
        raise ValueError("it is the same as one before")
    return spec


def _parse_one(item: str) -> AnchorSpec:
    kind, _, rest = item.partition(":")
    if kind not in DEFAULT_INTERVALS_S:
        raise ValueError("it must begin with file:, witness: or tsa:")
    place, interval = _split_interval(rest)
    interval_s = DEFAULT_INTERVALS_S[kind] if interval is None else _parse_interval(interval)
    if not place:
        raise ValueError("it says no place")
    if kind == "file":
        return AnchorSpec("file", place, interval_s)
    if kind == "tsa":
        _check_url(place)
        return AnchorSpec("tsa", place, interval_s)
    url, vkey = _split_witness(place)
    parts = _check_url(url)
    if parts.query:
        raise ValueError("the URL of a witness must be without a query")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError(
            "the URL of a witness must be https: by http whoever is between can answer in its place that the"
            " log was rolled back or forked, and so stop its sealing (http is for a witness on this host)"
        )
    return AnchorSpec("witness", url.rstrip("/"), interval_s, vkey)


def _split_interval(rest: str) -> tuple[str, str | None]:
    place, mark, interval = rest.rpartition(";interval=")
    return (place, interval) if mark else (rest, None)


def _parse_interval(text: str) -> float:
    if (
        not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text, re.ASCII)
        or float(text) > _LONGEST_INTERVAL_S
    ):
        raise ValueError(
            f"its interval must be a number of seconds from 0 to {_LONGEST_INTERVAL_S}, not {text!r}"
        )
    return float(text)


def _split_witness(place: str) -> tuple[str, VerifierKey]:
    found = _WITNESS.fullmatch(place)
    if not found:
        raise ValueError("a witness is witness:URL+vkey, the vkey being name+id+key")
    try:
        vkey = parse_verifier_key(found[2])
    except NoteError as error:
        raise ValueError(str(error)) from None
    if vkey.kind != COSIGNATURE_V1:
        raise ValueError(f"the key {vkey.name!r} is not one of a witness (0x04, cosignature/v1)")
    return found[1], vkey


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # Reading the port is what verifies it.
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or parts.fragment:
        raise ValueError("its URL must be as https://host/path")
    return parts
