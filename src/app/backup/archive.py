"""The file of a backup: a tar of two members, a dump of `pg_dump` and after it the manifest.

It can be read with `tar` and `pg_restore` alone. The manifest comes last: a file that was cut off has none.
"""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

import msgspec

from app.backup.manifest import BackupError, Manifest

DUMP = "roundbook.pgdump"
MANIFEST = "manifest.json"

_PIECE_BYTES = 1 << 20


class Written(NamedTuple):
    """How long a dump is, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


def write_dump(file: IO[bytes], pieces: Iterable[bytes]) -> Written:
    """Write the first member, whose length is known when all of it was written."""
    start, size, digest = file.tell(), 0, hashlib.sha256()
    file.write(bytes(tarfile.BLOCKSIZE))
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    _pad(file, size)
    end = file.tell()
    file.seek(start)
    file.write(_header(DUMP, size))
    file.seek(end)
    return Written(size, digest.hexdigest())


def write_manifest(file: IO[bytes], manifest: Manifest) -> None:
    """Write the second member, and the end."""
    content = msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"
    file.write(_header(MANIFEST, len(content)))
    file.write(content)
    _pad(file, len(content))
    file.write(bytes(2 * tarfile.BLOCKSIZE))


def read_manifest(file: IO[bytes]) -> Manifest:
    """Read what a backup says of itself. Raises BackupError where it is none, or not whole."""
    try:
        content = b"".join(_member(file, MANIFEST))
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupError(
            f"its {MANIFEST} is of no backup that this version knows: {error}"
        ) from None


def read_dump(file: IO[bytes], manifest: Manifest) -> Iterator[bytes]:
    """Return the dump, piece by piece. Raises BackupError, at the end, if it is not what was written."""
    size, digest = 0, hashlib.sha256()
    for piece in _member(file, DUMP):
        digest.update(piece)
        size += len(piece)
        yield piece
    if (size, digest.hexdigest()) != (manifest.dump_bytes, manifest.sha256):
        raise BackupError(
            f"its {DUMP} is not what was written: {size} bytes with the SHA-256 {digest.hexdigest()}, and"
            f" {manifest.dump_bytes} with {manifest.sha256} were"
        )


def _member(file: IO[bytes], name: str) -> Iterator[bytes]:
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            member = tar.extractfile(name)
            while member is not None and (piece := member.read(_PIECE_BYTES)):
                yield piece
    except (tarfile.TarError, KeyError):
        raise BackupError(f"it is no backup, or not a whole one: it has no {name}") from None


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _pad(file: IO[bytes], size: int) -> None:
    file.write(bytes(-size % tarfile.BLOCKSIZE))
