"""Another account than PostgreSQL's and root's gets to the socket once it is let in, and to nothing else."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer, place
from postgres.embedded.accounts import Account, find_account
from postgres.embedded.passwords import OWNER
from postgres.embedded.place import find_place
from tests.embedded.processes import kept_alive, postmaster
from tests.embedded.test_passwords import TRUSTING

IS_ROOT = os.geteuid() == 0
GUEST = Account("guest", 54321, 54321)
STRANGER = Account("stranger", 54322, 54322)

# All that is imported is by root, as others may not read Python.
_TRYING = """
import json, os, sys
import psycopg
uid, gid, warming, asked = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
psycopg.connect(warming).close()
os.setgroups([]); os.setgid(gid); os.setuid(uid)
def can(kind, what):
    try:
        match kind:
            case "connect": psycopg.connect(what).close()
            case "read": open(what).close()
            case "list": os.listdir(what)
            case "make": open(what + "/made", "x").close()
            case "remove": os.unlink(what)
    except (OSError, psycopg.OperationalError):
        return False
    return True
print(json.dumps([can(*each) for each in asked]))
"""


def tried(account: Account, warming: str, *asked: tuple[str, Any]) -> list[bool]:
    """What of all this an account can do. For root."""
    told = json.dumps([(kind, str(what)) for kind, what in asked])
    command = [sys.executable, "-c", _TRYING, str(account.uid), str(account.gid), warming, told]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found: list[bool] = json.loads(ended.stdout)
    return found


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_a_guest_gets_to_the_socket_and_to_nothing_else(
    server: EmbeddedServer, data_dir: Path
) -> None:
    socket = data_dir / "socket"
    with server:
        assert mode(socket) == 0o700
        assert server.refusal(server.account) == "PostgreSQL runs as it"
        guest = GUEST if IS_ROOT else Account("our group", 54321, os.getegid())
        assert server.refusal(guest) is None
        guessed = find_place(data_dir, lambda _: None).url(OWNER, "roundbook", password="guessed")
        forbidden = [
            ("connect", guessed),
            *(("read", data_dir / name) for name in ("passwords", "postgres.log", "lock")),
            ("read", data_dir / "postgres/roundbook_hba.conf"),
            ("list", data_dir / "postgres"),
            ("list", socket),
            ("make", socket),
            ("make", data_dir),
            ("remove", socket / ".s.PGSQL.5432"),
        ]

        def gets_in(account: Account) -> bool:
            [can] = tried(account, server.service_url, ("connect", server.service_url))
            return can

        assert not IS_ROOT or not gets_in(guest)
        server.let_in(guest)
        assert (mode(socket), socket.stat().st_gid) == (0o710, guest.gid)
        if IS_ROOT:
            assert gets_in(guest)
            assert not gets_in(STRANGER)
            assert not any(tried(guest, server.service_url, *forbidden))
        # It stays so from one server to the next, and where somebody tidied up.
        os.kill(postmaster(data_dir), signal.SIGKILL)
        kept_alive(server)
        assert mode(socket) == 0o710
        shutil.rmtree(socket)
        kept_alive(server)
        server.keep_alive()
        assert (mode(socket), socket.stat().st_gid) == (0o710, guest.gid)
        assert not IS_ROOT or gets_in(guest)
    assert mode(socket) == 0o700


def test_nobody_is_let_in_to_a_server_that_asks_for_no_passwords(
    server: EmbeddedServer, data_dir: Path
) -> None:
    with server:
        pass
    socket = data_dir / "socket"
    socket.chmod(0o710)  # as a service that was killed left it
    (data_dir / "passwords").unlink()
    (data_dir / "postgres/roundbook_hba.conf").unlink()
    with server:
        assert mode(socket) == 0o700
        (data_dir / "postgres/roundbook_hba.conf").write_text(TRUSTING)
        refusal = server.refusal(GUEST)
        assert refusal is not None
        assert "asks for no passwords" in refusal


def test_a_folder_that_others_reach_into_is_refused_as_before(folder: Path) -> None:
    us = find_account("nobody") if IS_ROOT else Account("us", os.geteuid(), os.getegid())
    assert us is not None
    prepared = place.Place(folder, us)
    place.claim_socket_folder(prepared)
    guest = Account("guest", 54321, os.getegid())
    place.open_socket_folder(prepared, guest)
    place.verify_socket_folder(prepared)
    for wrong in (0o711, 0o730, 0o750, 0o770):
        prepared.socket_folder.chmod(wrong)
        with pytest.raises(EmbeddedError, match="remove it"):
            place.open_socket_folder(prepared, guest)
    (folder / "elsewhere").mkdir(0o700)
    prepared.socket_folder.rmdir()
    prepared.socket_folder.symlink_to(folder / "elsewhere")
    with pytest.raises(EmbeddedError, match="remove it"):
        place.open_socket_folder(prepared, guest)
    assert mode(folder / "elsewhere") == 0o700
