"""The zip: its small members whole, its large ones as streams."""

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from .notes import unbase64

MIB, LINE_LIMIT = 1 << 20, 1 << 24
_NAMES = (
    r"manifest\.json|events\.ndjson|leaves|checkpoint|(proof|since)\.json|keys|anchors/[\w.-]+\.(tsr|json)"
)
_AUDIT_PATH = re.compile(rb'\s*({\s*"inclusion"\s*:\s*{|,)\s*"([1-9][0-9]{0,18})"\s*:\s*(\[[^\]]*\])')


class UnreadableError(Exception):
    """The file is no bundle, or a part of it cannot be read."""


class Manifest(NamedTuple):
    """What the bundle says that it is."""

    format: str
    origin: str
    log_id: str
    size: int
    first: int
    last: int
    stream: str | None


class File(io.FileIO):
    """A file of which no great part is read at once: so much only a hostile list of members would ask for."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some bytes. Raises BadZipFile."""
        if size and size > 4 * MIB:
            raise BadZipFile("its list of members is too long")
        return super().read(-1 if size is None else size)


def refuse(text: str) -> NoReturn:
    """Raise ValueError: the text is not JSON."""
    raise ValueError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs) if len(dict(pairs)) == len(pairs) else refuse("a member that is there twice")


def parse_json(raw: bytes, *members: str) -> list[Any]:
    """Return the values of an object of exactly these members, in their order. Raises ValueError."""
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=refuse)
    except RecursionError:
        refuse("what is nested so deep")
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
def _readable(name: str) -> Iterator[None]:
    """Raise UnreadableError for all that reading a hostile file can raise, which is much."""
    try:
        yield
    except Exception as exception:  # noqa: BLE001 (so is the reason)
        raise UnreadableError(f"{name} cannot be read: {exception}") from None


class Bundle:
    """An opened bundle. Reading raises UnreadableError."""

    def __init__(self, file: File) -> None:
        with _readable("the zip"):
            self._zip = ZipFile(file)
        self.sizes = {item.filename: item.file_size for item in self._zip.infolist()}
        self.strange = [
            f"a member is unknown: {n[:99]!a}" for n in self.sizes if not re.fullmatch(_NAMES, n, re.ASCII)
        ]
        if len(self.sizes) < len(self._zip.infolist()):
            self.strange.append("a member is there twice")
        self.rest = b""  # of proof.json, once its audit paths were read

    def stream(self, name: str, limit: int = 1 << 63) -> Iterator[bytes]:
        """Yield a member's bytes, at most a MiB at a time. A member longer than `limit` is unreadable."""
        with _readable(name):
            info = self._zip.getinfo(name)
            if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or info.file_size > limit:
                raise BadZipFile(f"it has over {limit} bytes, or is packed by another method than deflate")
            with self._zip.open(info) as member:
                while data := member.read(MIB):
                    yield data

    def read(self, name: str, limit: int = MIB) -> bytes:
        """Return a member of at most `limit` bytes."""
        return b"".join(self.stream(name, limit))

    def manifest(self) -> Manifest:
        """Return the manifest."""
        with _readable("manifest.json"):
            raw = self.read("manifest.json", MIB >> 4)
            told = Manifest(*parse_json(raw, "format", "origin", "log_id", "size", "from", "to", "stream"))
            log = re.fullmatch(r"[^\s+\0-\37]+/log/([0-9a-f]{32})", told.origin)
            if told.format != "roundbook-evidence/1" or not log or log[1] != told.log_id:
                raise ValueError(
                    "its format is not roundbook-evidence/1, or its origin not that of its log_id"
                )
            if not count(told.first, 1) <= count(told.last) <= count(told.size):
                raise ValueError("not 1 <= from <= to <= size")
            (told.stream or "").encode()
        return told

    def whole(self, name: str, cut: Callable[[bytes], int]) -> Iterator[bytes]:
        """Yield a member's lines or leaf hashes, many at once; `cut` tells where the last whole one ends."""
        rest = b""
        for data in self.stream(name):
            rest += data
            end = cut(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
            if len(rest) > LINE_LIMIT:
                raise UnreadableError(f"{name}: a line has more than {LINE_LIMIT} bytes")
        if rest:
            yield rest

    def audit_paths(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield position and hashes of each audit path; what follows is then in `rest`. Raises ValueError."""
        text, begun = b"", False
        for data in self.stream("proof.json"):
            text, at = text + data, 0
            while (found := _AUDIT_PATH.match(text, at)) and (found[1] == b",") is begun:
                yield int(found[2]), hashes(json.loads(found[3]))
                at, begun = found.end(), True
            text = text[at:]
            if len(text) > 2 * MIB:
                raise ValueError("what is not an audit path is too long")
        self.rest = (b'{"inclusion":{' if begun else b"") + text
