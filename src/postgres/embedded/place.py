"""Where a cluster lives: its home folder, and the folder of its socket."""

import hashlib
import os
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from postgres import libpq
from postgres.embedded.accounts import Account, is_root, server_account
from postgres.embedded.errors import EmbeddedError, NoClusterError
from postgres.embedded.passwords import read_passwords

# Homes of clusters whose data_dir the server's user cannot reach, as below a checkout under /root.
SHARED_FOLDER = Path("/var/lib/roundbook")
POINTER = "cluster-is-in"
_LOCK = "lock"
_PGDATA = "postgres"

# Modes of the folder of the socket. Even when it is open, others make nothing there, and see nothing.
_PRIVATE = 0o700
_OPEN = 0o710

# A socket's path is limited to about 100 bytes, of which its file name takes 18. Other characters
# than these have a meaning in a list of folders or of hosts.
_SOCKET_FOLDER = re.compile(r"/[A-Za-z0-9/._+-]{1,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of one cluster and the account that its server runs as."""

    home: Path
    account: Account

    @property
    def pgdata(self) -> Path:
        """Return the data folder. It has this name only when it is complete."""
        return self.home / _PGDATA

    @property
    def lock(self) -> Path:
        """Return the file whose lock makes a process the owner."""
        return self.home / _LOCK

    @property
    def passwords(self) -> Path:
        """Return the file of the roles' passwords."""
        return self.home / "passwords"

    @property
    def admission(self) -> Path:
        """Return the file that tells the server whom to let in."""
        return self.pgdata / "roundbook_hba.conf"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.home / "postgres.log"

    @property
    def socket_folder(self) -> Path:
        """Return the folder of the socket: the same for every owner, so that pools find the next server."""
        inside = self.home / "socket"
        if _SOCKET_FOLDER.fullmatch(str(inside)):
            return inside
        # Not the configured temporary folder: two processes of one cluster must come to the same path.
        return Path(f"/tmp/roundbook-{self.account.uid}-{_digest(self.home)}")  # noqa: S108 (verified before use)

    def url(self, role: str, database: str, *, password: str | None = None) -> str:
        """Return the libpq URL of a role in a database, over the socket, with its own or another password.

        It says all that libpq would else read from the environment: a variable that is meant for another
        server (PGSSLMODE, PGREQUIREAUTH) must not keep us from ours. Raises EmbeddedError, and OSError where
        there are no passwords.
        """
        where = {"host": os.fsencode(self.socket_folder), "port": "5432", "connect_timeout": "10"}
        said = {**libpq.defaults(), **where}
        for name in ("user", "password", "dbname"):
            del said[name]
        word = quote(password or read_passwords(self.passwords)[role], safe="")
        return f"postgresql://{role}:{word}@/{database}?{urlencode(said, quote_via=quote, safe='')}"


def find_place(data_dir: Path, say: Callable[[str], None], *, make: bool = True) -> Place:
    """Find the place of the cluster of a data_dir, which is made where it is missing.

    Root goes elsewhere when the server's user cannot reach `data_dir`; the modes of folders that are not
    ours stay as they are. Without `make` nothing is made: raises NoClusterError where nothing is.
    Raises EmbeddedError, OSError.
    """
    try:
        data_dir = data_dir.resolve()
    except RuntimeError:  # an OSError from Python 3.13 on
        raise EmbeddedError(f"{data_dir} leads in a circle of symbolic links") from None
    pointer = data_dir / POINTER
    for part in (data_dir, *data_dir.parents):
        if part.exists() and not part.is_dir():
            raise EmbeddedError(f"{part} is a file: {data_dir} can't be the folder of a store")
    if make:
        _make_folder(data_dir)
    elif not any((data_dir / trace).exists() for trace in (POINTER, _LOCK, _PGDATA)):
        raise NoClusterError(data_dir)
    if pointer.exists():
        home = Path(os.fsdecode(pointer.read_bytes().strip()))
        if not home.is_dir():
            raise EmbeddedError(
                f"the data of {data_dir} were in {home}, which is gone:"
                f" bring it back, or remove {pointer} to begin with none"
            )
        return Place(home, server_account(home / _PGDATA))
    account = server_account(data_dir / _PGDATA)
    if not is_root() or account.may_enter(data_dir):
        return Place(data_dir, account)
    if (data_dir / _PGDATA).exists():
        raise EmbeddedError(
            f"the user {account.name}, whom the data in {data_dir} belong to, can no longer reach them:"
            " let it pass through the folders above"
        )
    home = SHARED_FOLDER / _shared_name(data_dir)
    say(f"the user {account.name} cannot reach {data_dir}: the embedded PostgreSQL lives in {home}")
    _make_folder(SHARED_FOLDER)
    _make_folder(home)
    draft = pointer.with_suffix(f".{os.getpid()}")
    draft.write_bytes(os.fsencode(home) + b"\n")
    draft.replace(pointer)
    return Place(home, server_account(home / _PGDATA))


def claim_socket_folder(place: Place) -> None:
    """Make the socket's folder, or verify the one that is there. Raises EmbeddedError, OSError."""
    folder = place.socket_folder
    with suppress(FileExistsError):
        folder.mkdir(_PRIVATE)
    if is_root() and folder.lstat().st_uid == 0:
        os.chown(folder, place.account.uid, place.account.gid, follow_symlinks=False)
    verify_socket_folder(place)


def open_socket_folder(place: Place, guest: Account) -> None:
    """Let one more account pass to the socket, by its group. For root, once the server asks for passwords.

    What is open already stays as it is. Raises EmbeddedError, OSError.
    """
    found = place.socket_folder.lstat()
    if (found.st_gid, stat.S_IMODE(found.st_mode)) != (guest.gid, _OPEN):
        _change_socket_folder(place, _OPEN, guest.gid)


def close_socket_folder(place: Place) -> None:
    """Let nobody but the server's user pass to the socket. Raises EmbeddedError, OSError."""
    _change_socket_folder(place, _PRIVATE, -1)


def _change_socket_folder(place: Place, mode: int, gid: int) -> None:
    verify_socket_folder(place)
    # By its descriptor: the server's user may put a link in its place.
    folder = os.open(place.socket_folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(folder).st_uid == place.account.uid:
            os.fchown(folder, -1, gid)
            os.fchmod(folder, mode)
    finally:
        os.close(folder)


def verify_socket_folder(place: Place) -> None:
    """Make sure that nobody but the server's user can have put a socket there.

    Raises EmbeddedError; FileNotFoundError if there is none.
    """
    folder = place.socket_folder
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) & ~_OPEN == 0
    if not private or found.st_uid != place.account.uid:
        raise EmbeddedError(
            f"{folder} is not a private folder of the user {place.account.name}: remove it and start again"
        )


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    if is_root():  # whatever the umask: the server's user passes through to what is its own
        folder.chmod(0o755)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _shared_name(data_dir: Path) -> str:
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", "/".join(data_dir.parts[-2:]))[:32].strip("-")
    return f"{readable}-{_digest(data_dir)}"
