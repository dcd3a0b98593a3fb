"""A schema into a dump and back, by PostgreSQL's own `pg_dump` and `pg_restore`, through pipes.

What goes through a pipe goes through this process, which can tell what it was, and both programs end when it
does: a restore that is cut off is undone by the server, as it is one transaction.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from psycopg.conninfo import make_conninfo

from postgres.connections import parameters
from postgres.programs import Program, ProgramError

_PIECE_BYTES = 1 << 20
_LOCK_WAIT = "60s"

APPLICATION_NAME = "roundbook backup"
"""What the sessions of a backup and a restore are called in PostgreSQL."""


def dump(program: Program, url: str, schema: str, snapshot: str) -> Iterator[bytes]:
    """Return a dump of a schema, in `pg_dump`'s custom format, piece by piece.

    It shows what the exported `snapshot` shows. What is unlogged is left empty. Raises ProgramError where it
    fails, at the end: what was given before is then worth nothing.
    """
    command = [
        str(program.path),
        "--format=custom",
        f"--schema={schema}",
        "--no-owner",
        "--no-privileges",
        "--no-unlogged-table-data",
        f"--lock-wait-timeout={_LOCK_WAIT}",
        f"--snapshot={snapshot}",
    ]
    with _running(command, url, reads=False) as running:
        while piece := running.pipe.read(_PIECE_BYTES):
            yield piece
        running.check()


def check_readable(program: Program, pieces: Iterable[bytes]) -> None:
    """Read a whole dump without a server. Raises ProgramError where it can't be read."""
    command = [str(program.path), f"--file={os.devnull}"]
    with _running(command, None, reads=True) as running:
        running.feed(pieces)
        running.check()


def restore(program: Program, url: str, pieces: Iterable[bytes]) -> None:
    """Bring a dump back, in one transaction: all of it, or nothing.

    As the role of `url`, who owns what is made. Raises ProgramError; then nothing was done.
    """
    command = [
        str(program.path),
        "--single-transaction",
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
    ]
    with _running(command, url, reads=True) as running:
        running.feed(pieces)
        running.check()


class _Running(NamedTuple):
    process: subprocess.Popen[bytes]
    pipe: IO[bytes]
    errors: IO[bytes]

    def feed(self, pieces: Iterable[bytes]) -> None:
        """Write into it; where it ended before, it says itself why."""
        with suppress(BrokenPipeError):
            for piece in pieces:
                self.pipe.write(piece)
            self.pipe.flush()
        with suppress(BrokenPipeError):
            self.pipe.close()

    def check(self) -> None:
        """Wait for the end. Raises ProgramError where it went wrong, in the program's words."""
        status = self.process.wait()
        if status != 0:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip()
            raise ProgramError(said or f"{self.process.args!r} ended with status {status}")


@contextmanager
def _running(command: Sequence[str], url: str | None, *, reads: bool) -> Iterator[_Running]:
    environment = dict(os.environ)
    target = []
    if url is not None:
        # By a name of its own: the watchdog ends what is silent for long under that of the service.
        said = {**parameters(url), "application_name": APPLICATION_NAME}
        # Whoever lists processes sees arguments.
        password = said.pop("password", None)
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        target = [f"--dbname={make_conninfo(**said)}"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 (a program of PostgreSQL)
            [*command, *target],
            stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if reads else subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        (pipe,) = filter(None, (process.stdin, process.stdout))
        try:
            yield _Running(process, pipe, errors)
        finally:
            # Before the pipe is closed: what was not fed to its end must not be taken for whole.
            process.kill()
            with suppress(BrokenPipeError):
                pipe.close()
            process.wait()
