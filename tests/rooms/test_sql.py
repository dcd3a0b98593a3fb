"""No statement of one room touches another room's tables, but by a door that ROOMS names."""

import shutil
from pathlib import Path

import pytest

from api.schema import SCHEMA
from postgres.connections import connect
from postgres.rows import fetch_all
from projections.engine.generations import SQL as GENERATIONS
from projections.engine.generations import table_shape
from projections.models.registry import READ_MODELS, tables
from tests.databases import Database
from tests.rooms.ownership import ROOMS, Fault, faults, known_tables

SRC = Path(__file__).parents[2] / "src"

# Where, what is added to the file there, and what must be found.
PLANTED = {
    "a read": (
        "projections/models/activity.sql",
        "\n-- name: peek(tenant_id)\nselect 1 from balances where tenant_id = :tenant_id;\n",
        Fault("projections/models/activity.sql", "peek", "balances"),
    ),
    "a read of the second table in a list": (
        "projections/models/games.sql",
        "\n-- name: peek()\nselect 1 from games g, only roundbook.players as p;\n",
        Fault("projections/models/games.sql", "peek", "players"),
    ),
    "a read in a join": (
        "projections/models/players.sql",
        "\n-- name: peek()\nselect 1 from players join events on true;\n",
        Fault("projections/models/players.sql", "peek", "events"),
    ),
    "a write": (
        "app/tenants.sql",
        "\n-- name: start()!\ninsert into tracking (tenant_id) values (1);\n",
        Fault("app/tenants.sql", "start", "tracking"),
    ),
    "a write by a door for reading": (
        "projections/reading.sql",
        "\n-- name: events_at()!\ndelete\n  from events;\n",
        Fault("projections/reading.sql", "events_at", "events"),
    ),
    "a write in a data-modifying query": (
        "app/log/statements.sql",
        "\n-- name: both()\nwith gone as (update rounds set status = '') select 1 from events;\n",
        Fault("app/log/statements.sql", "both", "rounds"),
    ),
    "a step that alters another room's table": (
        "projections/models/rounds.sql",
        "\n-- name: step_9999_wider()#\nalter table activity add column more int;\n",
        Fault("projections/models/rounds.sql", "step_9999_wider", "activity"),
    ),
    "a copy": (
        "projections/models/transactions.sql",
        "\n-- name: more()!\ncopy rounds (tenant_id) from stdin;\n",
        Fault("projections/models/transactions.sql", "more", "rounds"),
    ),
    "SQL in Python": (
        "app/settings.py",
        '\n_Q = """\n    select max(position) from events\n"""\n',
        Fault("app/settings.py", "line {}", "events"),
    ),
    "SQL in Python, with something put in": (
        "api/process/store.py",
        '\n_Q = f"delete from {1} where x in (select 1 from api_keys)"\n',
        Fault("api/process/store.py", "line {}", "api_keys"),
    ),
    "a statement of another room": (
        "projections/models/games.py",
        "\nfrom projections.models import activity\n_Q = activity.SQL.find_activity\n",
        Fault("projections/models/games.py", "SQL of projections.models.activity", ""),
    ),
    "statements of another room": (
        "api/schema.py",
        "\nfrom app.tenants import SQL\n",
        Fault("api/schema.py", "SQL of app.tenants", ""),
    ),
}


def test_no_statement_touches_another_rooms_tables_unseen() -> None:
    assert faults(SRC) == []


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Fault]:
    """What is found in a copy of the source in which all of them are planted."""
    copy = tmp_path_factory.mktemp("planted") / "src"
    shutil.copytree(SRC, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file, added, _ in PLANTED.values():
        (copy / file).write_text((copy / file).read_text() + added)
    return faults(copy)


@pytest.mark.parametrize("way", PLANTED)
def test_a_statement_that_does_is_found(way: str, found: list[Fault]) -> None:
    file, _, fault = PLANTED[way]
    line = (SRC / file).read_text().count("\n") + 2
    assert fault._replace(statement=fault.statement.format(line)) in found


def test_nothing_else_is_found(found: list[Fault]) -> None:
    assert len(found) == len(PLANTED)


def test_each_table_has_one_owner() -> None:
    owned = sorted(table for room in ROOMS.values() for table in room.tables)
    assert owned == sorted(known_tables(SRC))


def test_the_service_may_write_what_the_registry_lists_and_tracking() -> None:
    assert set(SCHEMA.derived) == {"tracking"}.union(
        *(each.tables for each in READ_MODELS.values())
    )


def test_rows_of_each_read_model_belong_to_a_tenant_and_a_generation(database: Database) -> None:
    """Comparing, switching and sweeping generations tell them apart by the primary key."""
    with connect(database.service_url) as connection:
        for table in tables():
            assert table_shape(connection, table).key
            keyed = fetch_all(connection, GENERATIONS.primary_key, {"table": table}, str)
            assert keyed[0] == "tenant_id"
            assert "generation" in keyed


def test_doors_are_used() -> None:
    texts = {file.relative_to(SRC).as_posix(): file.read_text() for file in SRC.rglob("*.sql")}
    for room in ROOMS.values():
        own = "\n".join(text for file, text in texts.items() if file.startswith(tuple(room.files)))
        for door in room.doors:
            assert f"-- name: {door}(" in own
