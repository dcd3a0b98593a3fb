"""What a command needs of the database, and what it says where that is missing."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import pq, sql

from api.schema import SCHEMA
from postgres.connections import connect
from postgres.migrate import MigrationError, migrate
from postgres.session import SessionError
from tests.cli.conftest import Run
from tests.database.hostile import ROLE, Victim
from tests.databases import OWNER_ROLE, SERVICE_ROLE, Database, new_database
from tests.http.service import Service, in_folder, roundbook
from tests.http.wire import EVENTS, body, counts, login

Start = Callable[..., Service]

COMMANDS = ["serve", "project", "migrate", "tenant list"]


def alone(url: str) -> dict[str, str]:
    """The settings of a service that has one credential."""
    return {"ROUNDBOOK_DATABASE_URL": url}


def both(service_url: str, owner_url: str) -> dict[str, str]:
    return alone(service_url) | {"ROUNDBOOK_OWNER_URL": owner_url}


def run(database: Database, statements: str) -> None:
    """Run statements as the server's master."""
    name = urlsplit(database.owner_url).path.removeprefix("/")
    with psycopg.connect(database.admin_url, dbname=name, autocommit=True) as admin:
        admin.execute(statements.encode())


def test_on_a_schema_that_is_up_to_date_the_role_that_serves_is_all_it_takes(
    served: Victim, start: Start
) -> None:
    settings = alone(served.url)
    assert roundbook("migrate", settings=settings).stdout == "the schema is up to date\n"
    service = start(settings=settings)  # with a projector in a process of its own
    roundbook("tenant", "create", "acme", settings=settings)
    with service.client(service.new_key("acme", "ingest", "read")) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        assert client.get("/api/v1/players?at_least=1").json()["items"][0]["logins"] == 1
    service.stop()
    assert "one credential" not in service.log()


OUT_OF_DATE = {
    "there is none": "drop schema roundbook cascade",
    "it is empty": f"drop schema roundbook cascade; create schema roundbook authorization {OWNER_ROLE}",
    "a step is missing": "delete from roundbook.migrations where number = 2",
    "the role was granted nothing": f"revoke all on schema roundbook from {SERVICE_ROLE}",
    "the role may not read it": f"revoke all on all tables in schema roundbook from {SERVICE_ROLE}",
}


@pytest.mark.parametrize("how", OUT_OF_DATE)
def test_where_the_schema_can_not_be_used_as_it_is_the_remedy_is_named(
    how: str, fresh_database: Database, refused: Run
) -> None:
    run(fresh_database, OUT_OF_DATE[how])
    commands = COMMANDS if how == "there is none" else ["migrate", "tenant list"]
    for command in commands:
        said = refused(*command.split(), settings=alone(fresh_database.service_url))
        assert "`roundbook migrate`" in said
        assert "ROUNDBOOK_OWNER_URL" in said
    settings = both(fresh_database.service_url, fresh_database.owner_url)
    if how != "a step is missing":  # whose tables are there
        roundbook("migrate", settings=settings)
        listed = roundbook("tenant", "list", settings=alone(fresh_database.service_url))
        assert listed.stdout == ""


def test_an_owner_of_the_schema_alone_may_migrate(fresh_database: Database) -> None:
    """It may not make a schema, but one was made for it."""
    run(
        fresh_database,
        f"drop schema roundbook cascade; create schema roundbook authorization {SERVICE_ROLE};"
        f" grant usage on schema roundbook to {SERVICE_ROLE}",
    )
    url = fresh_database.service_url
    assert [step.number for step in migrate(SCHEMA, url, url)] == [
        step.number for step in SCHEMA.migrations()
    ]
    assert migrate(SCHEMA, url, url) == []


def test_a_newer_schema_is_left_alone(fresh_database: Database, refused: Run) -> None:
    run(fresh_database, "insert into roundbook.migrations values (9999, 'of the future', now())")
    for command in ("project", "migrate", "tenant list"):
        said = refused(*command.split(), settings=alone(fresh_database.service_url))
        assert "newer" in said


def tables_granted(url: str) -> list[tuple[str, ...]]:
    """List what the test's own role may do."""
    with connect(url) as connection:
        return connection.execute(
            "select table_name, privilege_type from information_schema.role_table_grants"
            " where grantee = %s and table_schema = 'roundbook' order by 1, 2",
            [ROLE],
        ).fetchall()


def test_an_owner_of_another_database_is_refused_before_anything_is_done(
    served: Victim, admin_url: str, template: Database, refused: Run
) -> None:
    with new_database(admin_url, template=template) as other:
        before = tables_granted(other.owner_url)
        for command in ("serve", "migrate"):
            said = refused(*command.split(), settings=both(served.url, other.owner_url))
            assert "ROUNDBOOK_OWNER_URL" in said
            assert "ROUNDBOOK_DATABASE_URL" in said
            for url in (served.url, other.owner_url):
                assert repr(urlsplit(url).path.removeprefix("/")) in said
        assert tables_granted(other.owner_url) == before == []
        run(other, "drop schema roundbook cascade")
        with pytest.raises(MigrationError, match="nothing was done"):
            migrate(SCHEMA, other.owner_url, served.url)
        with connect(other.owner_url) as owner:
            assert owner.execute("select to_regnamespace('roundbook')").fetchone() == (None,)


def test_hosts_that_migrate_and_grant_at_once_do_not_meet(served: Victim) -> None:
    def migrated(_: int) -> int:
        return len(migrate(SCHEMA, served.database.owner_url, served.url))

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(migrated, range(24))) == {0}


@pytest.mark.parametrize(
    "grant",
    ["grant update on roundbook.events to {role}", "alter role {role} superuser"],
)
def test_a_lone_credential_that_can_alter_the_log_and_does_not_own_it_is_refused(
    grant: str, served: Victim, refused: Run
) -> None:
    name = sql.Identifier(ROLE)
    with psycopg.connect(served.database.admin_url, dbname=served.name) as admin:
        admin.execute(sql.SQL(grant).format(role=name))
    for command in ("serve", "project"):
        said = refused(command, settings=alone(served.url))
        assert f"{ROLE!r} of ROUNDBOOK_DATABASE_URL can change roundbook.events" in said


def test_a_lone_credential_that_owns_the_log_serves_with_a_warning(
    fresh_database: Database, start: Start
) -> None:
    service = start(settings=alone(fresh_database.owner_url))
    service.stop()
    assert service.log().count("one credential owns the schema") == 1
    assert OWNER_ROLE in fresh_database.owner_url


ENCODINGS = ["SQL_ASCII", "LATIN1", "EUC_JP"]


@pytest.fixture
def encoded(admin_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of another encoding, by its master's URL."""
    name = f"roundbook_test_{os.getpid()}_{request.param.lower()}"
    create = sql.SQL(
        "create database {} encoding {} lc_collate 'C' lc_ctype 'C' locale_provider libc"
        " template template0"
    ).format(sql.Identifier(name), sql.Literal(request.param))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(create)
        try:
            yield urlsplit(admin_url)._replace(path=f"/{name}").geturl()
        finally:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.mark.parametrize("encoded", ENCODINGS, indirect=True)
def test_a_database_that_can_not_hold_every_character_is_refused_by_name(
    encoded: str, refused: Run
) -> None:
    name = urlsplit(encoded).path.removeprefix("/")
    with pytest.raises(SessionError) as raised:
        connect(encoded)
    told = str(raised.value)
    assert f"{name!r} has server_encoding = " in told
    assert "encoding 'UTF8'" in told
    for command in ("serve", "migrate", "tenant list") if "latin1" in name else ["migrate"]:
        assert told in refused(*command.split(), settings=alone(encoded))


MEANT_FOR_ANOTHER_SERVER = {
    "PGHOST": "192.0.2.1",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "none",
    "PGUSER": "somebody",
    "PGDATABASE": "elsewhere",
    "PGPASSWORD": "secret",
    "PGPASSFILE": "/nowhere/at/all",
    "PGSERVICE": "none-such",
    "PGSERVICEFILE": "/nowhere/at/all",
    "PGOPTIONS": "-c there.is no",
    "PGAPPNAME": "another",
    "PGCLIENTENCODING": "none-such",
    "PGDATESTYLE": "none-such",
    "PGTZ": "Nowhere/At_all",
    "PGGEQO": "none-such",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "none-such",
    "PGCONNECT_TIMEOUT": "soon",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "somebody",
    "PGCHANNELBINDING": "require",
    "PGSSLMODE": "verify-full",
    "PGREQUIRESSL": "1",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLCOMPRESSION": "1",
    "PGSSLCERT": "/nowhere/at/all",
    "PGSSLKEY": "/nowhere/at/all",
    "PGSSLCERTMODE": "require",
    "PGSSLROOTCERT": "system",
    "PGSSLCRL": "/nowhere/at/all",
    "PGSSLCRLDIR": "/nowhere/at/all",
    "PGSSLSNI": "0",
    "PGSSLMINPROTOCOLVERSION": "none-such",
    "PGSSLMAXPROTOCOLVERSION": "none-such",
    "PGMINPROTOCOLVERSION": "none-such",
    "PGMAXPROTOCOLVERSION": "none-such",
    "PGGSSENCMODE": "require",
    "PGKRBSRVNAME": "none-such",
    "PGGSSLIB": "none-such",
    "PGGSSDELEGATION": "1",
}


def test_the_embedded_database_starts_whatever_libpq_is_told(
    folder: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    assert known <= MEANT_FOR_ANOTHER_SERVER.keys()
    settings = in_folder(folder / "data")
    with monkeypatch.context() as patch:
        for variable, value in MEANT_FOR_ANOTHER_SERVER.items():
            patch.setenv(variable, value)
        service = start(settings=settings)
        assert roundbook("tenant", "create", "acme", settings=settings).stdout.startswith("acme\n")
        key = roundbook("key", "create", "acme", "--scope", "ingest", settings=settings).stdout
    with service.client(key.strip()) as client:
        assert counts(client.post(EVENTS, content=body(login("a", player_id="Åsa")))) == (1, 0, 0)
    assert roundbook("replay", "acme", settings=settings).stdout.count("player:Åsa") == 1
