"""A data folder of an older PostgreSQL becomes one of this, by `pg_upgrade`, beside it and then in its place.

The new cluster is made in a folder `upgrade`, and what is in the old one is copied. Only when the new one was
started and shut down again do the two change places, at once. So a kill at any moment leaves in `postgres`
the old cluster or the new one, and the old one stays until somebody has it removed.

What the server's user owns it may replace by a link: programs that run as that user read and write there.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from typing import NamedTuple

import psycopg

from postgres.connections import connect
from postgres.durable import sync_folder
from postgres.embedded.accounts import is_root
from postgres.embedded.binaries import HOST_FOLDER, Binaries, find_binaries, major_of
from postgres.embedded.cluster import make_cluster, version_of
from postgres.embedded.errors import EmbeddedError, in_words
from postgres.embedded.exchange import can_exchange, exchange
from postgres.embedded.lock import Lock
from postgres.embedded.passwords import SUPERUSER, make_passwords
from postgres.embedded.place import Place, claim_socket_folder, find_place
from postgres.embedded.postmaster import FAST_SHUTDOWN_S, Postmaster, is_of_an_orphan
from postgres.embedded.process import disown, end_process, launch, running_postmaster

_BESIDE = "upgrade"
_KEPT = "postgres-"
# In a cluster that is new, until the old one has the name under which it is kept.
_MARK = "roundbook-upgraded"
_SETTINGS = "postgresql.auto.conf"
_START_S = 900.0
_POLL_S = 0.05
_SPARE_BYTES = 256 << 20

# From this version on pg_upgrade takes over what the planner knows of the tables.
_KEEPS_STATISTICS = 18


class Upgraded(NamedTuple):
    """What was done: from which version to which, and where the old data folder is."""

    before: str
    now: int
    kept: Path


def upgrade(
    data_dir: Path,
    *,
    old_binaries: Path | None,
    say: Callable[[str], None],
    again: bool = False,
) -> Upgraded | None:
    """Bring the cluster of a data_dir to this version of PostgreSQL; None where it is of this already.

    `old_binaries` is the folder of the programs of its version; else they are looked for on the host. With
    `again` one of this version is treated like an older one. Raises EmbeddedError, which says what to do; the
    old cluster is as it was then.
    """
    place = find_place(data_dir, say, make=False)
    lock = Lock(place.lock)
    try:
        _take(lock, place)
        _finish(place)
        version = version_of(place.pgdata)
        new = find_binaries(place)
        if version == str(new.major) and not again:
            return None
        old = _check(place, version, new, old_binaries)
        return _upgrade(place, version, old, new, say)
    except (OSError, psycopg.Error) as error:
        raise EmbeddedError(
            f"the data folder {place.pgdata} can't be upgraded: {in_words(error)}"
        ) from error
    finally:
        lock.release()


def remove_kept(data_dir: Path, *, say: Callable[[str], None]) -> list[Path]:
    """Remove what upgrades kept of older data folders; gives which. Raises EmbeddedError, OSError."""
    place = find_place(data_dir, say, make=False)
    lock = Lock(place.lock)
    if lock.take():
        try:
            _finish(place)
        finally:
            lock.release()
    found = kept_folders(place.home)
    for folder in found:
        shutil.rmtree(folder)
    return found


def kept_folders(home: Path) -> list[Path]:
    """List the old data folders that upgrades kept."""
    return sorted(
        folder for folder in home.glob(f"{_KEPT}*") if folder.name.removeprefix(_KEPT).isdigit()
    )


def _take(lock: Lock, place: Place) -> None:
    if not place.pgdata.exists():
        raise EmbeddedError(f"{place.pgdata} is not there: there is nothing to upgrade")
    if not lock.take():
        raise EmbeddedError(
            f"process {lock.owner()} runs the embedded PostgreSQL in {place.home}: stop it first"
        )


def _check(place: Place, version: str, new: Binaries, old_binaries: Path | None) -> Path:
    """Find the old programs. Raises EmbeddedError for what would not come to an end, before it begins."""
    if not version.isdigit() or int(version) > new.major:
        raise EmbeddedError(
            f"{place.pgdata} was made by PostgreSQL {version}, which can't become PostgreSQL {new.major}"
            f" ({new.folder}): use the release of Roundbook that made it, or a later one"
        )
    old = old_binaries or HOST_FOLDER / version / "bin"
    if str(major_of(old / "postgres")) != version:
        raise EmbeddedError(
            f"the programs of PostgreSQL {version}, which made {place.pgdata}, are needed, and {old} has"
            f" none that run: install them (Debian: postgresql-{version}), and name their folder by"
            " --old-binaries if it is another"
        )
    for name in ("standby.signal", "recovery.signal"):
        if (place.pgdata / name).exists():
            raise EmbeddedError(
                f"{place.pgdata} is to recover ({name}): let PostgreSQL {version} end that first"
            )
    kept = _kept(place, version)
    if kept.exists():
        raise EmbeddedError(
            f"{kept} is there, where the old data folder would be kept: look what it is, and remove it by"
            " `roundbook upgrade --remove-old`"
        )
    needed = sum(file.stat().st_size for file in place.pgdata.rglob("*") if file.is_file())
    free = shutil.disk_usage(place.home).free
    if free < needed + _SPARE_BYTES:
        raise EmbeddedError(
            f"{place.home} has {free >> 20} MB free, and the copy takes {needed + _SPARE_BYTES >> 20} MB"
        )
    if not can_exchange(place.home):
        raise EmbeddedError(
            f"the file system of {place.home} can't exchange two folders at once (renameat2): use `roundbook"
            " backup` of the release that made the data folder, and `roundbook restore` into another"
        )
    return old


def _upgrade(
    place: Place, version: str, old: Path, new: Binaries, say: Callable[[str], None]
) -> Upgraded:
    beside = Place(place.home / _BESIDE, place.account)
    _make_folder(beside.home, beside)
    try:
        say(f"shutting PostgreSQL {version} down in good order")
        _recover(place, old)
        say(f"making a cluster of PostgreSQL {new.major} in {beside.home}")
        make_cluster(beside, new, checksums=_has_checksums(place, old))
        say("copying what is in the old one: this takes as long as to copy its files")
        _pg_upgrade(place, beside, old, new)
        _take_settings_over(place, beside)
        say("starting the new one, to see that it does")
        _try(beside, new)
    finally:
        for pgdata in (place.pgdata, beside.pgdata):
            _end_server(pgdata)
        shutil.rmtree(beside.socket_folder, ignore_errors=True)
    mark = beside.pgdata / _MARK
    _run([_program("touch"), str(mark)], beside)
    sync_folder(beside.pgdata)
    exchange(beside.pgdata, place.pgdata)
    _finish(place)
    return Upgraded(version, new.major, _kept(place, version))


def _finish(place: Place) -> None:
    """Give the old cluster its name after an upgrade, and remove what is left of one. Raises OSError.

    Only the cluster in use tells which of the two in the folder beside is: with the mark it is the new one.
    """
    beside = Place(place.home / _BESIDE, place.account)
    mark = place.pgdata / _MARK
    _end_server(beside.pgdata)
    if mark.exists() and beside.pgdata.exists():
        beside.pgdata.rename(_kept(place, version_of(beside.pgdata)))
        sync_folder(place.home)
    if beside.home.exists():
        shutil.rmtree(beside.home)
        sync_folder(place.home)
    mark.unlink(missing_ok=True)


def _kept(place: Place, version: str) -> Path:
    return place.home / f"{_KEPT}{version}"


def _recover(place: Place, old: Path) -> None:
    """Leave the old cluster as after a shutdown, however it was left: a server for one user recovers it."""
    _end_server(place.pgdata)
    disown(place.pgdata / "postmaster.pid")
    # Without a statement to run it ends at once.
    command = [str(old / "postgres"), "--single", "-D", str(place.pgdata), "template1"]
    until_s = time.monotonic() + _START_S
    while True:
        try:
            _run(command, place)
        except EmbeddedError as error:
            if not is_of_an_orphan(str(error)) or time.monotonic() > until_s:
                raise
            time.sleep(_POLL_S)
        else:
            return


def _has_checksums(place: Place, old: Path) -> bool:
    said = _run([str(old / "pg_controldata"), "-D", str(place.pgdata)], place)
    [line] = [line for line in said.splitlines() if line.startswith("Data page checksum version:")]
    return line.rpartition(":")[2].strip() != "0"


def _pg_upgrade(place: Place, beside: Place, old: Path, new: Binaries) -> None:
    work = beside.home / "pg_upgrade"
    _make_folder(work, beside)
    claim_socket_folder(beside)
    # In a folder that only the server's user can enter, by a path that needs no quotes.
    admission = beside.socket_folder / "hba.conf"
    with admission.open("x", encoding="ascii") as file:
        file.write("local all all trust\n")
        os.fchmod(file.fileno(), 0o644)
    options = f"-c hba_file={admission}"
    _run(
        [
            *(str(new.folder / "pg_upgrade"), "--copy", "--username", SUPERUSER),
            *("--old-bindir", str(old), "--new-bindir", str(new.folder)),
            *("--old-datadir", str(place.pgdata), "--new-datadir", str(beside.pgdata)),
            *("--old-options", options, "--new-options", options),
            *("--socketdir", str(beside.socket_folder)),
        ],
        beside,
        folder=work,
    )


def _take_settings_over(place: Place, beside: Place) -> None:
    """Take over what was set by `alter system`, or added to its file, which is the operator's to add to."""
    _run([_program("cp"), str(place.pgdata / _SETTINGS), str(beside.pgdata / _SETTINGS)], place)


def _try(beside: Place, new: Binaries) -> None:
    """Start the new cluster and shut it down again. Raises EmbeddedError where it does not start."""
    make_passwords(beside.passwords)
    postmaster = Postmaster(beside)
    deadline = time.monotonic() + _START_S
    try:
        # What it writes must not come among what the cluster in use archives.
        postmaster.start(archive_mode="off")
        while not _accepts(postmaster, beside):
            if not postmaster.running or time.monotonic() > deadline:
                raise EmbeddedError(
                    f"the new cluster does not start with what {_SETTINGS} says:\n"
                    + postmaster.log.last_words()
                )
            time.sleep(_POLL_S)
        if new.major < _KEEPS_STATISTICS:
            _analyze(beside)
    finally:
        postmaster.stop()


def _accepts(postmaster: Postmaster, beside: Place) -> bool:
    try:
        if postmaster.listening:
            connect(beside.url(SUPERUSER, "postgres")).close()
            return True
    except psycopg.OperationalError:
        pass
    return False


def _analyze(beside: Place) -> None:
    with connect(beside.url(SUPERUSER, "postgres")) as connection:
        found = connection.execute("select datname from pg_database where datallowconn").fetchall()
    for (name,) in found:
        with connect(beside.url(SUPERUSER, name)) as connection:
            connection.execute("analyze")


def _end_server(pgdata: Path) -> None:
    """End a server that a killed upgrade, or a killed owner, left behind, and wait for its end."""
    began = time.monotonic()
    told = None
    while (pid := running_postmaster(pgdata)) is not None:
        number = SIGINT if time.monotonic() - began < FAST_SHUTDOWN_S else SIGQUIT
        if number is not told:
            end_process(pid, number)
            told = number
        time.sleep(_POLL_S)


def _make_folder(folder: Path, place: Place) -> None:
    folder.mkdir()
    if is_root():
        os.chown(folder, place.account.uid, place.account.gid, follow_symlinks=False)
        folder.chmod(0o755)


def _program(name: str) -> str:
    return shutil.which(name, path=os.defpath) or name


def _run(command: Sequence[str], place: Place, *, folder: Path = Path("/")) -> str:
    """Run a program as the server's user; gives what it prints. Raises EmbeddedError where it fails."""
    process = launch(
        list(command), place.account, ending=SIGKILL, output=subprocess.PIPE, folder=folder
    )
    try:
        printed, _ = process.communicate()
    except BaseException:
        process.kill()
        process.communicate()
        raise
    said = printed.decode(errors="replace").strip()
    if process.returncode != 0:
        last = "\n".join(said.splitlines()[-12:])
        raise EmbeddedError(f"{command[0]} failed, and the data folder is as it was:\n{last}")
    return said
