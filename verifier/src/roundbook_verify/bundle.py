"""The zip: its manifest, its small members whole, its large ones in pieces."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from .notes import unbase64

MIB, LINE_LIMIT, STAMPS = 1 << 20, 1 << 24, 1000
_NAMES = r"(manifest|proof|since)\.json|events\.ndjson|leaves|checkpoint|keys|anchors/[\w.-]+\.(tsr|json)"
_AUDIT_PATH = re.compile(rb'\s*({\s*"inclusion"\s*:\s*{|,)\s*"([1-9][0-9]{0,18})"\s*:\s*(\[[^\[\]]*\])')


class File(io.FileIO):
    """A file of which no great part is read at once: so much only a hostile list of members would ask for."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some bytes. Raises BadZipFile."""
        if size and size > 4 * MIB:
            raise BadZipFile("its list of members is too long")
        return super().read(size)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def parse_json(raw: bytes, *members: str) -> list[Any]:
    """Return the values of an object of exactly these members, in their order.

    Raises ValueError, RecursionError.
    """
    value = json.loads(raw.decode(), object_pairs_hook=_unique)
    if not isinstance(value, dict) or set(value) != set(members):
        raise ValueError(f"not an object of the members {', '.join(members)}")
    return [value[name] for name in members]


def count(value: Any, least: int = 0) -> int:
    """Return an integer of JSON that fits a size. Raises ValueError."""
    if type(value) is not int or not least <= value < 1 << 63:
        raise ValueError("a number is not one, or out of its bounds")
    return value


def hashes(value: Any) -> list[bytes]:
    """Return an array of base64 as hashes. Raises ValueError, also where they are more than any proof has."""
    if not isinstance(value, list) or len(value) > 128:
        raise ValueError("not an array of hashes")
    return [unbase64(item, 32) for item in value]


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Raise BadZipFile for all that reading a hostile file can raise, which is much."""
    try:
        yield
    except Exception as exception:  # noqa: BLE001 (so is the reason)
        raise BadZipFile(f"{name} cannot be read: {exception}") from None


class Bundle:
    """An opened bundle, and what its manifest says. Raises BadZipFile."""

    def __init__(self, file: File) -> None:
        with _reading("the zip"):
            self._zip = ZipFile(file)
        self.sizes = {item.filename: item.file_size for item in self._zip.infolist()}
        unknown = [name for name in self.sizes if not re.fullmatch(_NAMES, name, re.ASCII)]
        self.strange = [f"a member is unknown: {name[:99]!a}" for name in unknown]
        if len(self.sizes) < len(self._zip.infolist()):
            self.strange.append("a member is there twice")
        kinds = [name.rpartition(".")[2] for name in self.sizes if name.startswith("anchors/")]
        if max(map(kinds.count, ("tsr", "json"))) > STAMPS:
            self.strange.append(f"there are over {STAMPS} time stamps, or descriptions of such")
        self.rest = b""  # of proof.json, once its audit paths were read
        raw = self.read("manifest.json", MIB >> 4)
        with _reading("manifest.json"):
            told = parse_json(raw, "format", "origin", "log_id", "size", "from", "to", "stream")
            log = re.fullmatch(r"[^\s+\0-\37]+/log/([0-9a-f]{32})", str(told[1]))
            if not log or told[:3] != ["roundbook-evidence/1", log[0], log[1]]:
                raise ValueError("its format is another, or its origin is not that of its log_id")
            self.origin, self.log_id = log[0], bytes.fromhex(log[1])
            self.size, self.first, self.last = (count(number, 1) for number in told[3:6])
            self.stream = told[6].encode() if isinstance(told[6], str) else None
            whole = isinstance(told[6], str) and (self.first, self.last) == (1, self.size)
            if not self.first <= self.last <= self.size or not (told[6] is None or whole):
                raise ValueError("not 1 <= from <= to <= size, or a stream that is not of all of the log")

    def pieces(self, name: str, limit: int = 1 << 63) -> Iterator[bytes]:
        """Yield a member's bytes, a MiB at a time. A member longer than `limit` is unreadable."""
        with _reading(name):
            info = self._zip.getinfo(name)
            if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or info.file_size > limit:
                raise BadZipFile(f"it has over {limit} bytes, or is packed by another method than deflate")
            with self._zip.open(info) as member:
                while data := member.read(MIB):
                    yield data
                if member.tell() != info.file_size:
                    raise BadZipFile("it is shorter than the zip says")

    def read(self, name: str, limit: int = MIB) -> bytes:
        """Return a member of at most `limit` bytes."""
        return b"".join(self.pieces(name, limit))

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield whole lines, many at once."""
        rest = b""
        for data in self.pieces(name):
            lines, end, rest = (rest + data).rpartition(b"\n")
            if end:
                yield lines + end
            if len(rest) > LINE_LIMIT:
                raise BadZipFile(f"{name} cannot be read: a line has more than {LINE_LIMIT} bytes")
        if rest:
            yield rest

    def leaves(self) -> Iterator[bytes]:
        """Yield the hashes of leaves."""
        for data in self.pieces("leaves"):
            yield from (data[at : at + 32] for at in range(0, len(data) - 31, 32))

    def audit_paths(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield position and hashes of each audit path; what follows is then in `rest`. Raises ValueError."""
        text, begun = b"", False
        for data in self.pieces("proof.json"):
            text, at = text + data, 0
            while (found := _AUDIT_PATH.match(text, at)) and (found[1] == b",") is begun:
                yield int(found[2]), hashes(json.loads(found[3]))
                at, begun = found.end(), True
            text = text[at:]
            if len(text) > 2 * MIB:
                raise ValueError("what is not an audit path is too long")
        self.rest = (b'{"inclusion":{' if begun else b"") + text
