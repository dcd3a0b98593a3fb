"""`roundbook rebuild` where nobody else keeps the read models up to date, or nobody can."""

from collections.abc import Callable

import pytest

from api.tenancy import create_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import on, roundbook

Log = Callable[..., int]


@pytest.fixture
def log(fresh_database: Database) -> Log:
    """A function that makes a tenant with a log of logins, some of them no events of this version."""

    def make(name: str, length: int, *, unknown: int = 0) -> int:
        with connect(fresh_database.owner_url) as owner:
            tenant_id = create_tenant(owner, name).tenant_id
            for position in range(1, length + 1):
                topic = "Future" if position == unknown else "LoggedIn"
                state = '{"unique_id": "%d", "timestamp": "2025-01-01T00:00:00Z", "player_id": "p"}'
                owner.execute(
                    "insert into events values"
                    " (%s, now(), now(), %s, %s, decode(lpad(%s::text, 32, '0'), 'hex'),"
                    " 'player:p', %s, %s)",
                    [position, tenant_id, position, position, topic, state % position],
                )
        return tenant_id

    return make


def check(database: Database, *arguments: str) -> tuple[int, list[str], str]:
    """Exit status, what was found, and what was wrong."""
    ended = roundbook("rebuild", *arguments, settings=on(database), check=False)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stdout.splitlines(), ended.stderr


def test_what_queries_read_is_brought_to_the_end_of_the_log_before_it_is_compared(
    fresh_database: Database, log: Log
) -> None:
    """A check of read models at position 0 said that 0 rows were the same."""
    log("behind", 3)
    status, found, said = check(fresh_database, "behind", "--check")
    assert (status, found[0], found[-1]) == (
        0,
        "players\t1 rows\tthe same",
        "compared up to position 3",
    ), said
    with connect(fresh_database.service_url) as connection:
        row = connection.execute("select position from tracking where live").fetchone()
    assert row == (3,)


@pytest.mark.parametrize("options", [["--check"], []])
@pytest.mark.parametrize("unknown", [1, 3])
def test_read_models_that_stand_still_are_no_success(
    fresh_database: Database, log: Log, options: list[str], unknown: int
) -> None:
    log("poisoned", 4, unknown=unknown)
    status, found, said = check(fresh_database, "poisoned", *options)
    assert status == 1
    last = unknown - 1
    assert f"Error: the read models end at position {last} of 4: the event at position" in said
    assert f"position {unknown} can't be projected: UnknownTopicError" in said
    compared = "compared" if last else "nothing was compared"
    assert found[-1] == f"{compared} up to position {last} of 4"
    assert [line for line in found if line.endswith("the same")] == (
        ["players\t1 rows\tthe same"] if last else []
    )


def test_read_models_that_are_false_and_stand_still_are_told_of_twice(
    fresh_database: Database, log: Log
) -> None:
    log("both", 4, unknown=3)
    check(fresh_database, "both")
    with connect(fresh_database.owner_url) as owner:
        owner.execute("update players set logins = 7")
    status, found, said = check(fresh_database, "both", "--check")
    assert status == 1
    assert "players\t1 rows\t1 different" in found
    first, second = said.splitlines()[-2:]
    assert first == "Error: 1 row was not what the log says; left as it is (--check)"
    assert second.startswith(
        "       the read models end at position 2 of 4: the event at position 3"
    )


@pytest.mark.parametrize("options", [["--check"], [], ["--check", "players"]])
def test_of_an_empty_log_it_is_said_that_nothing_was_compared(
    fresh_database: Database, log: Log, options: list[str]
) -> None:
    log("empty", 0)
    status, found, _ = check(fresh_database, "empty", *options)
    assert (status, found) == (0, ["nothing was compared: the log is empty"])


def test_rows_beside_an_empty_log_are_found(fresh_database: Database, log: Log) -> None:
    tenant_id = log("haunted", 0)
    with connect(fresh_database.owner_url) as owner:
        owner.execute(
            "insert into players (tenant_id, generation, player_id, logins, first_seen, last_seen)"
            " values (%s, 1, 'nobody', 1, now(), now())",
            [tenant_id],
        )
    status, found, said = check(fresh_database, "haunted", "--check")
    assert status == 1
    assert found[0] == "players\t0 rows\t1 unexpected"
    assert "1 row was not what the log says" in said


def test_read_models_of_newer_code_are_left_alone_and_not_taken_for_compared(
    fresh_database: Database, log: Log
) -> None:
    tenant_id = log("newer", 2)
    check(fresh_database, "newer")
    with connect(fresh_database.owner_url) as owner:
        owner.execute(
            "update tracking set versions ="
            " (select jsonb_object_agg(key, 999) from jsonb_each(versions)) where tenant_id = %s",
            [tenant_id],
        )
    status, found, said = check(fresh_database, "newer", "--check")
    assert status == 1
    assert [line for line in found if "the same" in line] == []
    assert "Error: nothing was compared: name each PROJECTION that shall be" in said
    with connect(fresh_database.owner_url) as owner:
        owner.execute("update tracking set position = 1 where tenant_id = %s", [tenant_id])
    status, _, said = check(fresh_database, "newer", "--check", "players")
    assert status == 1
    assert "the read models end at position 1 of 2: they are of a newer version" in said
    # On the way back to this version the new ones take over, and go on to the end.
    status, _, said = check(fresh_database, "newer")
    assert status == 0, said
    with connect(fresh_database.service_url) as connection:
        row = connection.execute("select position from tracking where live").fetchone()
    assert row == (2,)
