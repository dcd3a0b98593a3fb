"""Who gets into the embedded PostgreSQL: those who know a role's password, and of it no other role."""

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer
from postgres.embedded.passwords import OWNER, SERVICE, SUPERUSER, read_passwords
from postgres.embedded.place import find_place
from tests.embedded.processes import (
    Neighbour,
    accepts,
    eventually,
    kept_alive,
    postmaster,
    rows,
    write_rows,
)

ROLES = (SUPERUSER, OWNER, SERVICE)
TRUSTING = "local all all trust\n"


def url(data_dir: Path, role: str, password: str | None) -> str:
    """A role's URL with another password than its own, or with none."""
    given = find_place(data_dir, lambda _: None).url(role, "roundbook", password=password or "none")
    return given if password else given.replace(":none@", "@")


def lets_in(data_dir: Path, password: str | None) -> list[str]:
    """The roles as whom one gets in."""
    return [role for role in ROLES if accepts(url(data_dir, role, password))]


def as_version_0_1_0_left_it(data_dir: Path) -> None:
    """Of a cluster that is stopped: roles had no passwords, and `pg_hba.conf` let anybody in."""
    (data_dir / "postgres/pg_hba.conf").write_text(TRUSTING)
    (data_dir / "postgres/roundbook_hba.conf").unlink()
    (data_dir / "passwords").unlink()


def test_the_credential_of_the_service_makes_nobody_its_owner(
    server: EmbeddedServer, data_dir: Path
) -> None:
    with server:
        passwords = read_passwords(data_dir / "passwords")
        assert len(set(passwords.values())) == 3
        assert passwords[SERVICE] in server.service_url
        assert lets_in(data_dir, passwords[SERVICE]) == [SERVICE]
        assert lets_in(data_dir, passwords[OWNER]) == [OWNER]
        assert lets_in(data_dir, None) == lets_in(data_dir, "guessed") == []
        with psycopg.connect(server.service_url, autocommit=True) as service:
            for forbidden in (
                f"set role {OWNER}",
                f"set session authorization {SUPERUSER}",
                f"alter role {OWNER} password null",
                "select rolpassword from pg_authid",
                "select pg_read_file('roundbook_hba.conf')",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    service.execute(forbidden.encode())
        with psycopg.connect(server.admin_url) as admin:
            kept = admin.execute("select rolpassword from pg_authid where rolcanlogin").fetchall()
        assert all(verifier.startswith("SCRAM-SHA-256$") for (verifier,) in kept)
        found = (data_dir / "passwords").stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o600, data_dir.stat().st_uid)
        told = (data_dir / "postgres.log").read_text()
        assert not [word for word in passwords.values() if word in told]
    assert not [path.name for path in data_dir.iterdir() if path.name.startswith(".passwords")]


def test_a_cluster_of_0_1_0_asks_for_passwords_from_its_next_start_on(
    server: EmbeddedServer, data_dir: Path
) -> None:
    with server:
        write_rows(server.owner_url)
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            for role in ROLES:
                admin.execute(f"alter role {role} password null".encode())
    before = server.service_url
    as_version_0_1_0_left_it(data_dir)
    with server:
        assert server.service_url != before
        assert lets_in(data_dir, None) == lets_in(data_dir, "guessed") == []
        assert rows(server.owner_url) == 100
        pid = postmaster(data_dir)
        os.kill(pid, signal.SIGKILL)
        kept_alive(server)
        assert lets_in(data_dir, None) == []
    # Passwords that are lost, or are another cluster's, are made and set anew.
    before = server.service_url
    (data_dir / "passwords").unlink()
    with server:
        assert server.service_url != before
        assert rows(server.owner_url) == 100
        assert not accepts(before)
        (data_dir / "passwords").rename(data_dir / "kept")
        with pytest.raises(
            EmbeddedError, match=f"passwords are gone|{data_dir}/passwords, are gone"
        ):
            EmbeddedServer(data_dir).__enter__()
        os.kill(postmaster(data_dir), signal.SIGKILL)
        kept_alive(server)
        assert rows(server.owner_url) == 100, "our own are known"
        (data_dir / "kept").rename(data_dir / "passwords")
        assert lets_in(data_dir, None) == [], "a loss opens nothing"
    others = "".join(f"*:*:*:{role}:{role}\n" for role in ROLES)
    (data_dir / "passwords").write_text(others)
    with server:
        assert rows(server.owner_url) == 100
        assert lets_in(data_dir, SERVICE) == [SERVICE]


def test_a_process_of_0_1_0_that_owns_the_cluster_goes_on_and_others_attach(
    server: EmbeddedServer, data_dir: Path, neighbour: Callable[[], Neighbour]
) -> None:
    with server:
        write_rows(server.owner_url)
        # The server of that version: it trusts, there are no passwords, and its file is pg_hba.conf.
        (data_dir / "postgres/roundbook_hba.conf").write_text(TRUSTING)
        os.kill(postmaster(data_dir), signal.SIGHUP)
        eventually(lambda: lets_in(data_dir, None) == list(ROLES))
        as_version_0_1_0_left_it(data_dir)
        attached = neighbour()
        role, admin_url = attached.entered()
        assert role == "attached"
        assert accepts(admin_url)
        assert (data_dir / "passwords").exists()
        assert rows(server.owner_url) == 100, "whose pools know no passwords, or others"
    # The one that attached takes it over with the passwords that it made.
    eventually(lambda: accepts(admin_url))
    attached.leave()
    with server:
        assert server.admin_url == admin_url
        assert lets_in(data_dir, None) == lets_in(data_dir, "guessed") == []
        assert rows(server.owner_url) == 100
