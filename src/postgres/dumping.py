"""A schema into a dump and back, by PostgreSQL's own `pg_dump` and `pg_restore`, through pipes.

What goes through a pipe goes through this process, which can tell what it was, and both programs end when it
does: a restore that is cut off is undone by the server, as it is one transaction.
"""

import os
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from psycopg.conninfo import make_conninfo

from postgres.connections import parameters
from postgres.programs import Program, ProgramError, find_program

_PIECE_BYTES = 1 << 20
_LOCK_WAIT = "60s"
_OWNED = ("--no-owner", "--no-privileges")

# From this major version on pg_restore sets transaction_timeout, which older servers don't know.
_SETS_WHAT_OLDER_LACK = 17

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
        *_OWNED,
        "--no-unlogged-table-data",
        f"--lock-wait-timeout={_LOCK_WAIT}",
        f"--snapshot={snapshot}",
    ]
    with _running(command, url, gives=True) as running:
        while piece := running.given.read(_PIECE_BYTES):
            yield piece
        running.check()


def check_readable(program: Program, pieces: Iterable[bytes]) -> None:
    """Read a whole dump without a server. Raises ProgramError where it can't be read."""
    command = [str(program.path), f"--file={os.devnull}"]
    _feed(command, None, pieces)


def restore(
    program: Program, url: str, pieces: Iterable[bytes], *, server: int, programs: Path | None
) -> None:
    """Bring a dump back, in one transaction: all of it, or nothing.

    As the role of `url`, who owns what is made. `server` is the major version of the server, `programs` the
    folder in which to look for another program that may be needed. Raises ProgramError; then nothing was
    done.
    """
    if program.major >= _SETS_WHAT_OLDER_LACK > server:
        psql = find_program("psql", programs, oldest=program.major, why=f"as {program.path} is")
        command = [str(psql.path), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        with closing(_script(program, pieces)) as script:
            _feed(command, url, script)
    else:
        command = [str(program.path), "--single-transaction", "--exit-on-error", *_OWNED]
        _feed(command, url, pieces)


def _feed(command: Sequence[str], url: str | None, pieces: Iterable[bytes]) -> None:
    with _running(command, url, reads=True) as running:
        running.feed(pieces)
        running.check()


def _script(program: Program, pieces: Iterable[bytes]) -> Generator[bytes]:
    """Return a dump as a script for psql, in one transaction, without what an older server doesn't know.

    That it is committed stands at its end: of a script that is cut off nothing stays.
    """
    command = [str(program.path), "--file=-", *_OWNED]
    # In this order: who is fed no more ends before whoever feeds it is waited for.
    with (
        ThreadPoolExecutor(1) as beside,
        _running(command, None, reads=True, gives=True) as running,
    ):
        feeding = beside.submit(running.feed, pieces)
        yield b"begin;\n"
        first = running.given.read(_PIECE_BYTES)
        yield first.replace(b"\nSET transaction_timeout = 0;\n", b"\n", 1)
        while piece := running.given.read(_PIECE_BYTES):
            yield piece
        feeding.result()
        running.check()
        yield b"\ncommit;\n"


class _Running(NamedTuple):
    process: subprocess.Popen[bytes]
    taken: IO[bytes]
    given: IO[bytes]
    errors: IO[bytes]

    def feed(self, pieces: Iterable[bytes]) -> None:
        """Write into it; where it ended before, it says itself why."""
        try:
            for piece in pieces:
                self.taken.write(piece)
            self.taken.flush()
        except BrokenPipeError:
            pass
        except BaseException:
            self.process.kill()
            raise
        with suppress(BrokenPipeError):
            self.taken.close()

    def check(self) -> None:
        """Wait for the end. Raises ProgramError where it went wrong, in the program's words."""
        status = self.process.wait()
        if status != 0:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip()
            raise ProgramError(said or f"{self.process.args!r} ended with status {status}")


@contextmanager
def _running(
    command: Sequence[str], url: str | None, *, reads: bool = False, gives: bool = False
) -> Iterator[_Running]:
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
    with (
        tempfile.TemporaryFile() as errors,
        open(os.devnull, "r+b") as nothing,  # noqa: PTH123 (no file that could be one)
        ExitStack() as pipes,
    ):
        process = subprocess.Popen(  # noqa: S603 (a program of PostgreSQL)
            [*command, *target],
            stdin=subprocess.PIPE if reads else nothing,
            stdout=subprocess.PIPE if gives else nothing,
            stderr=errors,
            env=environment,
        )
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipes.callback(_close, pipe)
        try:
            yield _Running(process, process.stdin or nothing, process.stdout or nothing, errors)
        finally:
            # Before its pipes are closed: what was not fed to its end must not be taken for whole.
            process.kill()
            process.wait()


def _close(pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):
        pipe.close()
