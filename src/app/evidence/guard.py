"""What keeps a signer from signing two histories: it remembers what it signed last, outside the database.

Beside the key of each log is, for each of its trees, a file `<log_id>.last` (`<log_id>.heads.last`,
`<log_id>.accesses.last`): the body of the checkpoint that was last signed, three lines, origin, size and root
in base64. It is made with the log, of size 0, and missing ever after means that somebody removed it.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from app.evidence import durable
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of, parse_checkpoint
from domain.evidence.merkle import EMPTY_ROOT
from domain.evidence.notes import Note, NoteError, Signature, VerifierKey
from domain.evidence.proofs import verify_consistency

Prove = Callable[[int], list[bytes]]
"""Gives the consistency proof (RFC 6962 section 2.1.2) from a smaller size to that which is to be signed."""


class Signer(Protocol):
    """What makes signature lines: `SigningKey` from a file, `CommandSigner` by a command."""

    @property
    def vkey(self) -> VerifierKey:
        """Return the key that verifies what it signs."""

    def sign(self, text: str) -> Signature:
        """Return the signature line for the text of a note."""


class RefusedError(Exception):
    """The signer does not sign this, as it would contradict what it signed; the message says why.

    Never to be tried again in silence: the database was rolled back, or the log was forked.
    """


class BusyError(Exception):
    """Another process is signing for the same tree; try again."""


class GuardedSigner(Struct, frozen=True):
    """Signs the checkpoints of one tree, each an extension of the one before.

    `folder`: where the keys are; processes that sign for one log share it. `signers`: one for each key
    that is valid now, all of whose lines come under one note.
    """

    folder: Path
    log_id: bytes
    log_origin: str
    tree: Tree
    signers: Sequence[Signer]

    def sign(self, checkpoint: Checkpoint, prove: Prove) -> Note:
        """Sign a checkpoint: of what was signed last, or of a tree that begins with that.

        `prove` is asked for the proof from the size last signed. What is about to be signed is on the disk
        before any signer sees it, so that none can forget what it signed. A checkpoint whose signature got
        lost with a crash is signed again. Raises RefusedError, BusyError, what the signers raise, OSError.
        """
        with self._alone():
            last = self.last()
            self._refuse(last, checkpoint, prove)
            if checkpoint != last:
                durable.replace(self._last_path, checkpoint.text.encode())
            lines = [signer.sign(checkpoint.text) for signer in self.signers]
        return Note(checkpoint.text).signed(lines)

    def last(self) -> Checkpoint:
        """Return what was last signed, or was about to be. Raises RefusedError where that can't be told."""
        path = self._last_path
        try:
            last = parse_checkpoint(path.read_text("utf-8"))
        except FileNotFoundError:
            raise RefusedError(
                f"{path} is missing: it says what was last signed. Bring it back, or, if that can't be,"
                " write the first three lines of the newest checkpoint that is anchored elsewhere into it"
            ) from None
        except (NoteError, UnicodeDecodeError) as error:
            raise RefusedError(
                f"{path} can't be read: {error}. It says what was last signed; bring it back"
            ) from None
        if last.origin != self.origin:
            raise RefusedError(f"{path} is of {last.origin!r}, not of {self.origin!r}")
        return last

    @property
    def origin(self) -> str:
        """Return the origin of the tree."""
        return origin_of(self.log_origin, self.tree)

    @property
    def _last_path(self) -> Path:
        return last_path(self.folder, self.log_id, self.tree)

    def _refuse(self, last: Checkpoint, new: Checkpoint, prove: Prove) -> None:
        was = f"what was last signed for {self.origin}, size {last.size}"
        if new.origin != self.origin:
            raise RefusedError(f"the signer is of {self.origin!r}, not of {new.origin!r}")
        if new.size < last.size:
            raise RefusedError(f"size {new.size} is smaller than {was}: the log was rolled back")
        if new.size == last.size and new.root != last.root:
            raise RefusedError(f"the root is another than that of {was}: the log was changed")
        if 0 < last.size < new.size:
            proof = prove(last.size)
            if not verify_consistency(last.size, new.size, last.root, new.root, proof):
                raise RefusedError(
                    f"size {new.size} is not proven to begin with {was}: the log was changed"
                )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        path = self._last_path.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            # The system unlocks the file with the process, however that ends.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise BusyError(f"another process is signing for {self.origin}") from None
        try:
            yield
        finally:
            os.close(descriptor)


def sign_statement(text: str, signers: Sequence[Signer]) -> Note:
    """Sign what is no checkpoint, such as a statement about a key.

    Raises ValueError for what could be one: its second line is a number.
    """
    if any(line.isdecimal() for line in text.split("\n")[1:2]):
        raise ValueError("this could be read as a checkpoint, which only a guarded signer may sign")
    return Note(text).signed([signer.sign(text) for signer in signers])


def last_path(folder: Path, log_id: bytes, tree: Tree) -> Path:
    """Return where it is kept what was last signed for a tree of a log."""
    return folder / f"{log_id.hex()}{'' if tree == 'log' else f'.{tree}'}.last"


def begin_guard(folder: Path, log_id: bytes, log_origin: str) -> None:
    """Write for each tree of a new log that nothing was signed yet; what is there stays. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    trees: tuple[Tree, ...] = ("log", "heads", "accesses")
    for tree in trees:
        empty = Checkpoint(origin_of(log_origin, tree), 0, EMPTY_ROOT)
        try:
            durable.write_new(last_path(folder, log_id, tree), empty.text.encode())
        except FileExistsError:
            continue
