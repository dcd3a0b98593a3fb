"""The passwords of a cluster's roles: made at random, kept in a file that only who owns the data can read.

The file is in libpq's own form (https://www.postgresql.org/docs/current/libpq-pgpass.html), so that an
operator can name it to `pg_dump` or `psql` by PGPASSFILE. Whoever reads it may do anything with the data, as
may whoever writes to the data folder beside it.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from postgres.embedded.accounts import hand_over
from postgres.embedded.errors import EmbeddedError

SUPERUSER = "postgres"
OWNER = "roundbook_owner"
SERVICE = "roundbook_service"


def make_passwords(file: Path) -> None:
    """Make the file where there is none; of several who do at once one makes it. Raises OSError."""
    if file.exists():
        return
    lines = (f"*:*:*:{role}:{secrets.token_urlsafe(32)}\n" for role in (SUPERUSER, OWNER, SERVICE))
    descriptor, draft = mkstemp(prefix=f".{file.name}.", dir=file.parent)  # of mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as content:
            content.writelines(lines)
            content.flush()
            hand_over(descriptor, file.parent)
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink(missing_ok=True)


def read_passwords(file: Path) -> dict[str, str]:
    """Return the password of each role. Raises EmbeddedError where one is missing, and OSError."""
    found = dict(_entries(file.read_text("ascii", errors="replace").splitlines()))
    if missing := {SUPERUSER, OWNER, SERVICE} - found.keys():
        raise EmbeddedError(
            f"{file} holds no password of {', '.join(sorted(missing))}: stop what runs there, remove the"
            " file and start again; others are made then"
        )
    return found


def _entries(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        parts = line.split(":")
        if len(parts) == 5:
            yield parts[3], parts[4]


def digest(file: Path) -> str:
    """Return what tells a set of passwords from another, and tells none of them. Raises OSError."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
