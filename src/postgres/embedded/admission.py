"""Who is let in by the server: those who know a role's password, once the roles have one.

The server goes by a file of its own in the data folder, not by `pg_hba.conf`: that of a cluster of version
0.1.0 trusts whoever reaches the socket, and a process of that version that takes the server over goes by it.
"""

import os
from pathlib import Path
from tempfile import mkstemp

from psycopg import sql

from postgres.connections import Connection
from postgres.embedded.accounts import is_root
from postgres.embedded.passwords import OWNER, SERVICE, SUPERUSER, digest, read_passwords
from postgres.embedded.place import Place, close_socket_folder

# It names the passwords that the roles have. Those of another file, as after a part of a backup was brought
# back, are not the roles': they get theirs at the next start.
_ASKING = """\
# Written by Roundbook. Passwords: {digest}
local all all scram-sha-256
local replication all scram-sha-256
"""
# As long as the roles have no passwords. The folder of the socket lets only the server's user pass then.
_TRUSTING = """\
# Written by Roundbook, until the roles have passwords.
local all all trust
local replication all trust
"""


def by_password(place: Place) -> bool:
    """Return whether the server lets in by the passwords that are kept. Raises OSError."""
    try:
        return place.admission.read_text("utf-8", errors="replace") == _wanted(place)
    except FileNotFoundError:
        return False


def prepare_admission(place: Place) -> None:
    """Make the file that a server is about to start with. Raises EmbeddedError, OSError.

    Where the file of the passwords was lost while we run, the roles have theirs still, and so have our pools.
    """
    is_lost = place.admission.exists() and not place.passwords.exists()
    if not is_lost and not by_password(place):
        close_socket_folder(place)
        _write(place, _TRUSTING)


def set_passwords(place: Place, connection: Connection) -> None:
    """Give the roles their passwords, by the superuser's session, and let nobody in without from then on.

    The server must be told to read its configuration. Raises psycopg.Error, EmbeddedError, OSError.
    """
    passwords = read_passwords(place.passwords)
    with connection.transaction():
        for role in (SUPERUSER, OWNER, SERVICE):
            # Hashed here, as a statement may be logged.
            verifier = connection.pgconn.encrypt_password(
                passwords[role].encode(), role.encode(), b"scram-sha-256"
            )
            alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(alter.format(sql.Identifier(role), sql.Literal(verifier.decode())))
    _write(place, _wanted(place))


def _wanted(place: Place) -> str:
    return _ASKING.format(digest=digest(place.passwords))


def _write(place: Place, content: str) -> None:
    descriptor, draft = mkstemp(prefix=f"{place.admission.name}.", dir=place.pgdata)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            if is_root():
                os.fchown(descriptor, place.account.uid, place.account.gid)
            os.fsync(descriptor)
        Path(draft).replace(place.admission)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
