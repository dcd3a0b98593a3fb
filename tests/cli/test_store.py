"""Commands and the store: migrating, the embedded one, and a projector on its own."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from api.schema import SCHEMA
from postgres.connections import connect
from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Running, Service, eventually, in_folder, on, roundbook
from tests.http.wire import EVENTS, body, counts, login


def test_a_migration_applies_what_is_missing_and_then_nothing(fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    first = roundbook("migrate", settings=on(fresh_database))
    assert first.stdout.splitlines() == [
        f"applied {step.number:04d} {step.name}" for step in SCHEMA.migrations()
    ]
    again = roundbook("migrate", settings=on(fresh_database))
    assert again.stdout == "the schema is up to date\n"
    assert roundbook("tenant", "list", settings=on(fresh_database)).stdout == ""


def test_a_schema_of_a_newer_version_is_left_alone(fresh_database: Database) -> None:
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into migrations values (9999, 'from_the_future', now())")
    for command in ("migrate", "serve"):
        ended = roundbook(command, settings=on(fresh_database), check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "newer" in ended.stderr


def test_keys_can_be_made_before_anything_was_served(
    folder: Path, start: Callable[..., Service]
) -> None:
    settings = in_folder(folder / "data")
    roundbook("migrate", settings=settings)
    made = roundbook("tenant", "create", "early", settings=settings)
    assert made.stdout.startswith("early\n")
    key = roundbook("key", "create", "early", "--scope", "ingest", settings=settings).stdout.strip()
    service = start(settings=settings)
    with service.client(key) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)


@pytest.mark.parametrize(
    "words",
    [
        "tenant create a",
        "tenant list",
        "tenant allow-currency a BTC",
        "key create a --scope read",
        "key list a",
        "key revoke 1",
        "replay a",
        "rebuild a --check",
        "simulate a",
    ],
)
def test_a_mistyped_folder_is_named_and_nothing_is_made_there(
    refused: Run, folder: Path, words: str
) -> None:
    mistyped = folder / "dtaa"
    said = refused(*words.split(), settings=in_folder(mistyped))
    assert said.startswith(f"Error: there is no store in {mistyped}\n")
    assert "`roundbook serve`, `roundbook project` and `roundbook migrate` make one" in said
    assert "ROUNDBOOK_DATA_DIR" in said
    assert list(folder.iterdir()) == []


def test_a_mistyped_setting_is_named_and_nothing_is_made_in_the_current_folder(
    folder: Path,
) -> None:
    slip = {"ROUNDBOOK_DATADIR": str(folder / "data")}
    ended = roundbook("tenant", "list", settings=slip, cwd=folder, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    first, second, *_ = ended.stderr.splitlines()
    assert first == "ROUNDBOOK_DATADIR: no such setting: ignored (is ROUNDBOOK_DATA_DIR meant?)"
    assert second == f"Error: there is no store in {folder}/.roundbook"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", ["serve", "project", "migrate", "tenant list"])
def test_a_file_is_no_folder_for_a_store(refused: Run, folder: Path, words: str) -> None:
    file = folder / "file"
    file.write_text("precious")
    for data_dir in (file, file / "below"):
        said = refused(*words.split(), settings=in_folder(data_dir))
        assert f"{file} is a file: {data_dir} can't be the folder of a store" in said
    assert file.read_text() == "precious"


def test_commands_work_beside_a_service_with_the_embedded_database(embedded: Service) -> None:
    settings = embedded.settings
    roundbook("tenant", "create", "beside", settings=settings)
    assert roundbook("migrate", settings=settings).stdout == "the schema is up to date\n"
    sending = ("simulate", "beside", "--events", "100", "--url", embedded.url)
    assert roundbook(*sending, settings=settings).stdout.startswith("100 stored")
    assert len(roundbook("replay", "beside", settings=settings).stdout.splitlines()) == 100
    assert embedded.answers("/health/ready")


def position(database: Database) -> int:
    with connect(database.service_url) as connection:
        row = connection.execute("select position from tracking where live").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def project(
    fresh_database: Database, folder: Path, cleanup: ExitStack
) -> Callable[[dict[str, str]], Running]:
    """A function that starts projectors, which end with the test."""

    def run(settings: dict[str, str]) -> Running:
        running = Running(folder, "project", settings=settings)
        cleanup.callback(running.stop)
        return running

    return run


def test_projections_can_run_in_processes_of_their_own(
    fresh_database: Database,
    start: Callable[..., Service],
    project: Callable[[dict[str, str]], Running],
) -> None:
    service = start("--no-projections", settings=on(fresh_database))
    assert len(service.family()) == 2
    service.new_tenant("acme")
    with service.client(service.new_key("acme", "ingest", "read")) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        assert position(fresh_database) == 0
        one = project(on(fresh_database))
        seen = client.get("/api/v1/players?at_least=1").json()["items"]
        assert [player["player_id"] for player in seen] == ["p"]
        other = project(on(fresh_database))
        one.stop()
        assert counts(client.post(EVENTS, content=body(login("b")))) == (1, 0, 0)
        eventually(lambda: position(fresh_database) == 2)
        other.stop()


@pytest.mark.parametrize("first", ["project", "serve"])
def test_a_projector_and_a_service_share_an_embedded_database_in_any_order(
    folder: Path,
    start: Callable[..., Service],
    project: Callable[[dict[str, str]], Running],
    first: str,
) -> None:
    settings = in_folder(folder / "data")
    roundbook("migrate", settings=settings)
    roundbook("tenant", "create", "acme", settings=settings)
    if first == "project":
        project(settings)
    service = start("--no-projections", settings=settings)
    if first == "serve":
        project(settings)
    with service.client(service.new_key("acme", "ingest", "read")) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        answer = client.get("/api/v1/players?at_least=1")
        assert answer.json()["items"][0]["logins"] == 1
