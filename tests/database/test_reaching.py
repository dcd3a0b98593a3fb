"""What does not mend itself ends the start with one line that names the setting; what does is waited for."""

import socket
import threading
from pathlib import Path

import psycopg
import pytest

from api.process.store import Store, wait_until_ready
from postgres.connections import connect
from postgres.reaching import UnreachableError, connect_as, reach
from tests.cli.conftest import Run
from tests.database.hostile import with_query
from tests.database.impostor import Impostor
from tests.databases import Database

SETTING = "ROUNDBOOK_DATABASE_URL"

NEEDS_SOMEBODY = ["28P01", "28000", "3D000", "42501", "42704", "22023", "0A000", "57P04", "55000"]
MENDS_ITSELF = ["57P03", "57P01", "57P02", "53300", "53200", "08006", "58030", "XX000"]


@pytest.mark.parametrize("says", [*NEEDS_SOMEBODY, "password"])
def test_what_a_server_refuses_for_good_is_told_at_once_in_one_line(says: str) -> None:
    with Impostor(says) as server, pytest.raises(UnreachableError) as raised:
        reach(SETTING, server.url)
    said = str(raised.value)
    assert said.startswith(f"{SETTING}: ")
    assert str(server.port) in said
    assert "\n" not in said
    if says != "password":
        assert said.count("Das geht so nicht") == 1


@pytest.mark.parametrize("says", [*MENDS_ITSELF, ""])
def test_what_a_server_refuses_for_the_moment_is_waited_for(says: str) -> None:
    with Impostor(says) as server, pytest.raises(psycopg.OperationalError):
        reach(SETTING, server.url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    for url in (
        f"postgresql://someone:secret@127.0.0.1:{free_port()}/somewhere",
        "postgresql://someone:secret@there-is-no.invalid/somewhere",
        f"postgresql://someone:secret@/somewhere?host={tmp_path}",
    ):
        with pytest.raises(psycopg.OperationalError):
            reach(SETTING, url)
        with pytest.raises(UnreachableError, match=SETTING) as raised:
            connect_as(SETTING, url)
        assert "secret" not in str(raised.value)


def test_a_standby_that_may_become_what_is_wanted_is_waited_for(database_url: str) -> None:
    with pytest.raises(psycopg.OperationalError):
        reach(SETTING, with_query(database_url, "target_session_attrs=standby"))


@pytest.mark.parametrize(
    "query",
    [
        "sslmode=none-such",
        "channel_binding=require",
        "sslmode=verify-full&sslrootcert=/nowhere/at/all",
        "sslmode=verify-ca&sslrootcert=/dev/null",
        "require_auth=none-such",
        "service=none-such",
        "port=99999",
        "port=none",
        "options=-c%20none.such",
    ],
)
def test_what_the_url_asks_for_in_vain_is_told(query: str, database_url: str) -> None:
    """Over TCP, where what concerns TLS counts, before a server that only answers."""
    with Impostor("password") as server, pytest.raises(UnreachableError, match=SETTING):
        reach(SETTING, with_query(server.url, query))


def test_a_database_or_a_role_that_is_not_there_is_told_by_name(database: Database) -> None:
    there = psycopg.conninfo.conninfo_to_dict(database.service_url)
    name = str(there["dbname"])
    with pytest.raises(UnreachableError, match=f'{SETTING}: .*"no_{name}"'):
        reach(SETTING, database.service_url.replace(f"/{name}", f"/no_{name}"))
    with pytest.raises(UnreachableError, match=f'{SETTING}: .*"no_{there["user"]}"'):
        reach(SETTING, database.service_url.replace(f"//{there['user']}", f"//no_{there['user']}"))


def test_variables_that_libpq_went_by_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", "/nowhere/at/all")
    with Impostor("password") as server, pytest.raises(UnreachableError) as raised:
        reach(SETTING, server.url)
    assert "PGSSLMODE" in str(raised.value)
    assert "PGSSLROOTCERT" in str(raised.value)


@pytest.mark.parametrize("command", ["serve", "project", "migrate", "tenant list"])
def test_every_command_ends_with_that_line(refused: Run, command: str) -> None:
    with Impostor("28P01") as server:
        said = refused(*command.split(), settings={SETTING: server.url})
    assert f"Error: {SETTING}: " in said
    assert "Das geht so nicht" in said


def test_the_owners_credential_is_named_where_it_is_at_fault(
    refused: Run, database: Database
) -> None:
    with Impostor("28P01") as server:
        settings = {SETTING: database.service_url, "ROUNDBOOK_OWNER_URL": server.url}
        for command in ("serve", "migrate"):
            assert "Error: ROUNDBOOK_OWNER_URL: " in refused(command, settings=settings)


def test_a_store_that_is_out_of_reach_while_it_is_prepared_is_waited_for(database_url: str) -> None:
    """As a standby that becomes a primary."""
    tried = []

    def prepare(store: Store) -> None:
        tried.append(store)
        if len(tried) < 3:
            raise psycopg.errors.ReadOnlySqlTransaction("cannot execute GRANT")

    store = Store(database_url, database_url, lambda: None, is_embedded=False)
    assert wait_until_ready(store, threading.Event(), prepare)
    assert len(tried) == 3
    with connect(database_url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
