"""A command that fails ends with 1, says why on stderr, and prints nothing on stdout."""

from urllib.parse import urlsplit

import psycopg
import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, on


@pytest.fixture(scope="module", autouse=True)
def acme(served: Database) -> None:
    with connect(served.service_url) as connection:
        create_tenant(connection, "errors")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tenant", "create", "errors"], "'errors' exists already"),
        (["tenant", "create", ""], "'' is no name"),
        (["tenant", "create", "a b"], "'a b' is no name"),
        (["tenant", "create", "üa"], "'üa' is no name"),
        (["tenant", "create", "x" * 64], "is no name"),
        (["tenant", "create", "new", "--currency", "B TC"], "'B TC' is no currency"),
        (["tenant", "create", "new", "--currency", ""], "'' is no currency"),
        (["tenant", "allow-currency", "errors", "B/TC"], "'B/TC' is no currency"),
        (["tenant", "allow-currency", "nobody", "BTC"], "no tenant 'nobody'"),
        (["key", "create", "nobody", "--scope", "read"], "no tenant 'nobody'"),
        (
            ["key", "create", "errors", "--scope", "read", "--expires", "2020-01-01T00:00:00Z"],
            "expired already",
        ),
        (["key", "list", "nobody"], "no tenant 'nobody'"),
        (["key", "revoke", "999999"], "no key 999999"),
        (["key", "revoke", "99999999999999999999"], "no key 99999999999999999999"),
        (["key", "revoke", "0"], "no key 0"),
        (["replay", "nobody"], "no tenant 'nobody'"),
        (["simulate", "nobody"], "no tenant 'nobody'"),
        (["simulate", "errors", "--output", "/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_what_can_not_be_done_is_told(refused: Run, words: list[str], said: str) -> None:
    assert said in refused(*words)


def test_a_tenant_that_was_refused_is_not_there(refused: Run, run: Run) -> None:
    refused("tenant", "create", "half-made", "--currency", "BTC", "--currency", "B TC")
    assert "half-made" not in run("tenant", "list")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ROUNDBOOK_DATABASE_URL", "mysql://localhost/db"),
        ("ROUNDBOOK_OWNER_URL", "localhost"),
        ("ROUNDBOOK_MAX_BODY_BYTES", "16M"),
        ("ROUNDBOOK_MAX_BODY_BYTES", "0"),
        ("ROUNDBOOK_POOL_SIZE", "-1"),
        ("ROUNDBOOK_POOL_SIZE", "2.5"),
        ("ROUNDBOOK_LOCK_TIMEOUT_S", "0"),
        ("ROUNDBOOK_AT_LEAST_TIMEOUT_S", "nan"),
        ("ROUNDBOOK_AT_LEAST_TIMEOUT_S", "inf"),
        ("ROUNDBOOK_KEY_CACHE_S", "6"),
        ("ROUNDBOOK_POLL_INTERVAL_S", "soon"),
        ("ROUNDBOOK_CHUNK_EVENTS", "0"),
        ("ROUNDBOOK_LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_setting_is_named(refused: Run, served: Database, variable: str, value: str) -> None:
    assert variable in refused("tenant", "list", settings=on(served) | {variable: value})


@pytest.mark.parametrize(
    "command",
    [
        *("serve", "project", "migrate", "replay errors", "rebuild errors"),
        *("tenant list", "tenant create a", "key list a", "key revoke 1", "simulate a"),
    ],
)
def test_bad_settings_stop_every_command_and_are_all_named_at_once(
    refused: Run, served: Database, command: str
) -> None:
    settings = on(served) | {"ROUNDBOOK_POOL_SIZE": "many", "ROUNDBOOK_LOG_FORMAT": "xml"}
    assert refused(*command.split(), settings=settings) == (
        "Error: ROUNDBOOK_LOG_FORMAT: must be json or console, not 'xml'\n"
        "       ROUNDBOOK_POOL_SIZE: must be a whole number from 1 to 1,000,000,000,000, not 'many'\n"
    )


def test_an_owner_without_a_database_is_named(refused: Run, served: Database) -> None:
    said = refused("migrate", settings={"ROUNDBOOK_OWNER_URL": served.owner_url})
    assert "ROUNDBOOK_OWNER_URL" in said
    assert "ROUNDBOOK_DATABASE_URL" in said


@pytest.mark.parametrize("command", ["tenant list", "migrate", "replay errors", "rebuild errors"])
def test_a_database_out_of_reach_is_told(refused: Run, command: str) -> None:
    settings = {"ROUNDBOOK_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/nothing"}
    said = refused(*command.split(), settings=settings)
    assert "127.0.0.1" in said
    assert "secret" not in said


def test_a_database_that_was_never_migrated_is_told(
    refused: Run, served: Database, fresh_database: Database
) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    for command in ("tenant list", "key list a", "replay a", "rebuild a"):
        assert "roundbook migrate" in refused(*command.split(), settings=on(fresh_database))


def test_a_credential_that_can_alter_the_log_is_refused(refused: Run, served: Database) -> None:
    strong = urlsplit(served.owner_url)
    other_words = strong._replace(query="&".join(filter(None, [strong.query, "sslmode=prefer"])))
    settings = on(served) | {"ROUNDBOOK_DATABASE_URL": other_words.geturl()}
    said = refused("serve", settings=settings)
    assert "ROUNDBOOK_DATABASE_URL" in said
    assert "for-tests-only" not in said


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "http://host.invalid"])
def test_a_service_out_of_reach_is_told(refused: Run, url: str) -> None:
    assert "--seed" not in refused("simulate", "errors", "--key", "rb_x", "--url", url)


@pytest.mark.parametrize("key", ["rb_unknown", "null"])
def test_a_service_that_refuses_the_key_is_told(refused: Run, service: Service, key: str) -> None:
    said = refused("simulate", "errors", "--key", key, "--url", service.url)
    assert "--seed" not in said, "how to do it again is for what was done"
