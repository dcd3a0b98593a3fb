"""The texts that are signed: checkpoints, what a witness signs, and statements about keys."""

import re
from typing import Literal

from msgspec import Struct

from domain.evidence.merkle import EMPTY_ROOT, HASH_BYTES
from domain.evidence.notes import (
    NoteError,
    VerifierKey,
    check_note_text,
    decode_base64,
    encode_base64,
    parse_verifier_key,
)

Tree = Literal["log", "heads", "accesses"]
"""The trees of a log: its events, its statements of heads, the accesses to it."""

_LARGEST = 2**63 - 1
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_RESTART_HEADER = "roundbook restart"
_KEY_HEADER = "roundbook key"
_REVOKED = "revoked"


class Checkpoint(Struct, frozen=True):
    """The state of a tree: `size` leaves, with their root (C2SP tlog-checkpoint, no extension lines)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """Return the body that is signed, exactly three lines."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


class KeyStatement(Struct, frozen=True):
    """That from `from_size` on a log is signed by a key, or, `revoked`, no longer by it."""

    origin: str
    from_size: int
    vkey: VerifierKey
    revoked: bool = False

    @property
    def text(self) -> str:
        """Return the text, which both the older and the new key sign."""
        lines = [_KEY_HEADER, self.origin, str(self.from_size), str(self.vkey)]
        return "".join(f"{line}\n" for line in lines + [_REVOKED] * self.revoked)


class RestartStatement(Struct, frozen=True):
    """That a log follows another one over the same events, and what of that is lost.

    `known` is the newest checkpoint of the predecessor that is still there, `signed` the newest that was
    signed: what lies between the two is lost.
    """

    origin: str
    known: Checkpoint
    signed: Checkpoint
    reason: str

    @property
    def text(self) -> str:
        """Return the text, which the new log's key signs, and those of the predecessor that are there."""
        lines = [_RESTART_HEADER, self.origin, self.known.origin]
        for each in (self.known, self.signed):
            lines += [str(each.size), encode_base64(each.root)]
        return "".join(f"{line}\n" for line in [*lines, " ".join(self.reason.split())])


def origin_of(log_origin: str, tree: Tree) -> str:
    """Return the origin of a log's tree. All of them are signed by the log's key, named `log_origin`."""
    return log_origin if tree == "log" else f"{log_origin}/{tree}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the body of a checkpoint. Raises NoteError.

    Extension lines are refused: no checkpoint of this project has any.
    """
    check_note_text(text)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 3:
        raise NoteError(
            f"a checkpoint has three lines, origin, size and root, and this one has {len(lines)}"
        )
    origin, size, root = lines
    if not origin:
        raise NoteError("the checkpoint's origin is empty")
    return _checkpoint(origin, size, root)


def cosigned_text(note_text: str, posix_s: int) -> str:
    """Return what a witness signs at a time (C2SP tlog-cosignature, cosignature/v1)."""
    return f"cosignature/v1\ntime {posix_s}\n{note_text}"


def split_cosignature(signature: bytes) -> tuple[int, bytes]:
    """Split a cosignature/v1 into its POSIX time in seconds and its Ed25519 signature. Raises NoteError."""
    if len(signature) != 8 + 64:
        raise NoteError(f"a cosignature has 72 bytes, and this one {len(signature)}")
    posix_s = int.from_bytes(signature[:8], "big")
    if not 0 < posix_s <= _LARGEST:
        raise NoteError(f"a cosignature can't have the time {posix_s}")
    return posix_s, signature[8:]


def parse_key_statement(text: str) -> KeyStatement:
    """Read a statement about a key. Raises NoteError."""
    check_note_text(text)
    header, *lines = text.removesuffix("\n").split("\n")
    if header != _KEY_HEADER or len(lines) not in {3, 4} or lines[3:] not in ([], [_REVOKED]):
        raise NoteError(
            f"a statement about a key has the lines {_KEY_HEADER!r}, origin, size, key,"
            f" and {_REVOKED!r} where it is"
        )
    origin, size, vkey = lines[:3]
    if not origin:
        raise NoteError("the statement's origin is empty")
    return KeyStatement(origin, _parse_size(size), parse_verifier_key(vkey), len(lines) == 4)


def parse_restart_statement(text: str) -> RestartStatement:
    """Read a statement that a log follows another one. Raises NoteError."""
    check_note_text(text)
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 8 or lines[0] != _RESTART_HEADER:
        raise NoteError(
            f"a statement that a log follows another one has the lines {_RESTART_HEADER!r}, both origins,"
            " twice a size and a root, and the reason"
        )
    _, origin, before, known_size, known_root, signed_size, signed_root, reason = lines
    known = _checkpoint(before, known_size, known_root)
    signed = _checkpoint(before, signed_size, signed_root)
    if not origin or not before:
        raise NoteError("an origin in the statement is empty")
    if signed.size < known.size:
        raise NoteError("by the statement less was signed than is known")
    return RestartStatement(origin, known, signed, reason)


def _checkpoint(origin: str, size: str, root: str) -> Checkpoint:
    found = Checkpoint(origin, _parse_size(size), decode_base64(root, "the checkpoint's root"))
    if len(found.root) != HASH_BYTES:
        raise NoteError(f"the checkpoint's root has {len(found.root)} bytes, not {HASH_BYTES}")
    if found.size == 0 and found.root != EMPTY_ROOT:
        raise NoteError("the checkpoint is of an empty tree, and its root is not that of one")
    return found


def _parse_size(text: str) -> int:
    if not _DECIMAL.fullmatch(text) or int(text) > _LARGEST:
        raise NoteError(
            f"{text[:40]!r} is no size: it is written in decimal, without leading zeros"
        )
    return int(text)
