"""Which user of the host the server runs as. PostgreSQL refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from postgres.embedded.errors import EmbeddedError

UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the host."""

    name: str
    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Return whether the account may pass every folder down to and including this one."""
        folder = folder.resolve()
        return all(self._allowed(part, 0o1) for part in (folder, *folder.parents))

    def may_read(self, file: Path) -> bool:
        """Return whether the account may reach and read a file."""
        file = file.resolve()
        return self._allowed(file, 0o4) and self.may_enter(file.parent)

    def _allowed(self, path: Path, wanted: int) -> bool:
        # By the mode bits alone: where an access list allows more, the only price is a detour.
        found = path.stat()
        if found.st_uid == self.uid:
            granted = found.st_mode >> 6
        elif found.st_gid == self.gid:
            granted = found.st_mode >> 3
        else:
            granted = found.st_mode
        return granted & wanted == wanted


def find_account(name: str) -> Account | None:
    """Return the user of the host with this name, None if there is none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def is_root() -> bool:
    """Return whether this process may become any other user."""
    return os.geteuid() == 0


def server_account(pgdata: Path) -> Account:
    """Choose whom the server of this data folder runs as: its owner, or who may own a new one.

    Raises EmbeddedError if this process may not act as that user.
    """
    uid = os.geteuid()
    if pgdata.exists():
        found = pgdata.stat()
        if found.st_uid != 0:
            account = _account(found.st_uid, found.st_gid)
            if uid not in {0, account.uid}:
                raise EmbeddedError(
                    f"{pgdata} belongs to the user {account.name}: run the command as that user or as root"
                )
            return account
    if uid != 0:
        return _account(uid, os.getegid())
    for name in UNPRIVILEGED:
        if unprivileged := find_account(name):
            return unprivileged
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this host has neither a user postgres nor nobody:"
        " run as an ordinary user, or set ROUNDBOOK_DATABASE_URL"
    )


def _account(uid: int, gid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # usual in containers
        return Account(str(uid), uid, gid)
    return Account(entry.pw_name, uid, entry.pw_gid)


def hand_over(descriptor: int, folder: Path) -> None:
    """Give a file that root made to the owner of its folder, who may come without root next time."""
    if is_root():
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
