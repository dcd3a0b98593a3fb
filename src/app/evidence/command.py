"""The signer that is another program: what reaches an HSM, a KMS, another host."""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from threading import Thread
from time import monotonic
from typing import IO

from app.evidence.verifying import SignatureError, verify_signature
from domain.evidence.notes import (
    NoteError,
    Signature,
    VerifierKey,
    check_note_text,
    parse_signatures,
)

TIMEOUT_S = 10.0
_KEPT_BYTES = 16_384
_SHOWN_CHARACTERS = 500
_LAST_WORDS_S = 1.0


class CommandError(Exception):
    """The command that signs did not give one signature; the message names it and the end of its stderr."""


class CommandSigner:
    """Signs by running a command, without a shell: the text on stdin, one signature line on stdout.

    It runs without the service's own settings (ROUNDBOOK_…), in which there may be a database's password, and
    with VKEY, the public half of the key that is to sign: one command may sign with several.
    Its line is verified before it is used. `vkey`: of the key that the command signs with. Raises ValueError
    for a command without words, or with a quote that is not closed. Messages name its first word alone: a
    PIN may be among the others.
    """

    def __init__(self, command: str, vkey: VerifierKey, timeout_s: float = TIMEOUT_S) -> None:
        self.vkey = vkey
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("the signing command is empty")
        self._timeout_s = timeout_s

    def sign(self, text: str) -> Signature:
        """Return the signature line for the text of a note. Raises CommandError."""
        check_note_text(text)
        output = self._run(text.encode())
        try:
            signature = _only_signature(output)
            verify_signature(text, signature, self.vkey)
        except (NoteError, SignatureError) as error:
            raise CommandError(
                f"the signing command {self._words[0]!r} did not print one signature line"
                f" of the key {self.vkey}: {error}"
            ) from None
        return signature

    def _run(self, text: bytes) -> bytes:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROUNDBOOK_")}
        environment["VKEY"] = str(self.vkey)
        try:
            process = subprocess.Popen(  # noqa: S603 (the operator's own command)
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # so that what it starts can be ended with it
            )
        except (OSError, ValueError) as error:
            raise CommandError(
                f"the signing command {self._words[0]!r} can't be run: {error}"
            ) from None
        return self._talk(process, text)

    def _talk(self, process: subprocess.Popen[bytes], text: bytes) -> bytes:
        assert process.stdin  # noqa: S101 (all three are pipes)
        assert process.stdout  # noqa: S101
        assert process.stderr  # noqa: S101
        tails = output, errors = _Tail(process.stdout), _Tail(process.stderr)
        until = monotonic() + self._timeout_s
        with suppress(BrokenPipeError), process.stdin as stdin:
            stdin.write(text)
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._timeout_s)
        for tail in tails:  # which end later where a child of it still holds the pipe
            tail.join(max(0.0, until - monotonic()))
        if process.returncode is None or output.is_alive() or errors.is_alive():
            # Somebody of the group is there, so its number can't be another's yet.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            errors.join(_LAST_WORDS_S)
            raise self._failed(f"did not end within {self._timeout_s:g} s", errors)
        if process.returncode:
            raise self._failed(f"ended with status {process.returncode}", errors)
        return output.kept

    def _failed(self, how: str, errors: "_Tail") -> CommandError:
        words = errors.kept.decode(errors="replace").strip()[-_SHOWN_CHARACTERS:]
        said = f"; the end of its stderr: {words}" if words else "; it wrote nothing to stderr"
        return CommandError(f"the signing command {self._words[0]!r} {how}{said}")


def _only_signature(output: bytes) -> Signature:
    try:
        lines = parse_signatures(output.decode())
    except UnicodeDecodeError:
        raise NoteError("its output is not UTF-8") from None
    if len(lines) != 1:
        raise NoteError(f"there are {len(lines)} lines")
    return lines[0]


class _Tail(Thread):
    """Reads a pipe to its end and keeps the last of it, however much there is."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.kept = b""
        self._pipe = pipe
        self.start()

    def run(self) -> None:
        """Read until there is nobody who writes."""
        with self._pipe:
            while piece := os.read(self._pipe.fileno(), _KEPT_BYTES):
                self.kept = (self.kept + piece)[-_KEPT_BYTES:]
