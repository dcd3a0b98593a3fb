"""The file of a backup: a tar of two members, a dump of `pg_dump` and after it the manifest.

It can be read with `tar` and `pg_restore` alone. As the manifest comes last, a file that was cut off has
none. It is written beside under another name, and gets its own when it is whole and on the disk.
"""

import fcntl
import hashlib
import os
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
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


@contextmanager
def whole_or_not_there(path: Path, *, replace: bool) -> Iterator[IO[bytes]]:
    """Give a file to write and read, which is at `path` once the block ended well, and never before.

    What is there stays unless `replace`. It is written into `<path>.part`, of mode 0600, which is left by who
    is killed and removed by the next one. Raises BackupError where `path` is there, or is being written.
    """
    if not replace and os.path.lexists(path):
        raise BackupError(f"{path} is there already: name another file, or give --replace")
    part = path.with_name(f"{path.name}.part")
    _remove_left(part)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        # The system unlocks the file with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield file
            file.flush()
            os.fsync(descriptor)
            _check_ours(part, descriptor)
            _give_name(part, path, replace=replace)
        except BaseException:
            if _is(part, descriptor):
                part.unlink()
            raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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


def _remove_left(part: Path) -> None:
    """Remove what somebody left who was killed. It may have the final name too: it is not written into."""
    try:
        with part.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
    except FileNotFoundError:
        pass
    except BlockingIOError:
        raise BackupError(f"another process writes {part}") from None


def _is(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _check_ours(part: Path, descriptor: int) -> None:
    if not _is(part, descriptor):
        raise BackupError(f"somebody else has removed {part} meanwhile: the backup is lost")


def _give_name(part: Path, path: Path, *, replace: bool) -> None:
    if not replace:
        try:
            os.link(part, path)  # which replaces nothing
        except FileExistsError:
            raise BackupError(f"{path} is there by now: it stays as it is") from None
        except OSError:
            # A file system without links, on which it can only be looked.
            if os.path.lexists(path):
                raise BackupError(f"{path} is there by now: it stays as it is") from None
        else:
            part.unlink()
            return
    part.replace(path)
