"""While hosts are upgraded one by one, those of the version before go on, where the newer schema says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.schema import SCHEMA
from postgres.connections import connect
from postgres.migrate import (
    MigrationError,
    Schema,
    SchemaNewerError,
    check_current,
    look,
    migrate,
)
from postgres.privileges import needless_privileges
from tests.databases import Database
from tests.faults.places import projectors
from tests.http.service import Service, eventually, on, roundbook
from tests.http.wire import EVENTS, body, counts, login

Start = Callable[..., Service]

_KNOWN = SCHEMA.migrations()[-1].number
_FIRST_THAT_SAYS = 14
"""The first step that older code looks at: what tells of it is step 13."""


def migrated_by_a_newer_version(database: Database, *, since: int | None) -> None:
    """Leave what a newer version's step leaves, with which code goes on that knows the step `since`."""
    with connect(database.owner_url) as owner:
        owner.execute(
            "insert into migrations values (9999, 'of the future', now(), %s)"
            " on conflict (number) do update set compatible_since = excluded.compatible_since",
            [since],
        )


def readiness(service: Service) -> tuple[int, Any]:
    answer = httpx.get(service.url + "/health/ready", timeout=60)
    return answer.status_code, answer.json()


def reason_to_wait(service: Service) -> str:
    """Why the service is not ready; nothing where it is. A store that is slow for a moment is one, too."""
    status, said = readiness(service)
    assert (status, said["status"]) in {(200, "ready"), (503, "waiting")}
    return str(said.get("reason", ""))


def test_the_version_before_goes_on_as_long_as_it_may(
    fresh_database: Database, start: Start
) -> None:
    settings = on(fresh_database)
    service = start(settings=settings)
    service.new_tenant("acme")
    [projector] = projectors(service)
    migrated_by_a_newer_version(fresh_database, since=_KNOWN)
    eventually(lambda: readiness(service)[0] == 200)
    with service.client(service.new_key("acme")) as client:
        assert counts(client.post(EVENTS, content=body(login("a")))) == (1, 0, 0)
        made = roundbook("tenant", "create", "later", settings=settings)
        assert made.stdout.startswith("later\n")
        assert roundbook("migrate", settings=settings).stdout == (
            "the schema is newer, at step 9999; this version goes on with it\n"
        )
        # One that is started again meanwhile, too.
        start("--no-projections", settings=settings)
        assert projectors(service) == [projector]

        migrated_by_a_newer_version(fresh_database, since=9999)
        newer = "schema-newer: the schema is newer than this version"
        eventually(lambda: reason_to_wait(service).startswith(newer))
        for command in (["migrate"], ["tenant", "create", "x"], ["serve"], ["project"]):
            refused = roundbook(*command, settings=settings, check=False)
            assert (refused.returncode, refused.stdout) == (1, "")
            assert "step 9999" in refused.stderr
            assert "run `roundbook migrate`" not in refused.stderr
        # What writes by itself stops, and waits for who replaces it.
        eventually(lambda: projectors(service) not in ([], [projector]))
        eventually(lambda: service.log().count("waiting to be replaced") > 1)
        migrated_by_a_newer_version(fresh_database, since=_KNOWN)
        eventually(lambda: readiness(service)[0] == 200)
        assert counts(client.post(EVENTS, content=body(login("a"), login("b")))) == (1, 1, 0)


def test_an_older_version_does_not_take_back_what_a_newer_one_granted(
    fresh_database: Database,
) -> None:
    migrated_by_a_newer_version(fresh_database, since=_KNOWN)
    with connect(fresh_database.owner_url) as owner, connect(fresh_database.service_url) as service:
        owner.execute("grant update on tenants to roundbook_test_service")
        assert migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url) == []
        assert len(needless_privileges(service)) == 1


@pytest.mark.parametrize("since", [_KNOWN + 1, 9999, None])
def test_code_that_knows_less_than_a_step_needs_is_refused(
    fresh_database: Database, since: int | None
) -> None:
    migrated_by_a_newer_version(fresh_database, since=since)
    with (
        connect(fresh_database.service_url) as service,
        pytest.raises(SchemaNewerError, match=rf"up to {_KNOWN:04d}, can't go on with it"),
    ):
        look(SCHEMA, service)


def test_a_step_of_ours_that_a_newer_version_left_out_is_not_put_beneath_its_steps(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated_by_a_newer_version(fresh_database, since=1)
    with connect(fresh_database.owner_url) as owner:
        owner.execute("delete from migrations where number = %s", [_KNOWN])
        with pytest.raises(SchemaNewerError):
            migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)


def test_what_a_step_says_of_older_code_is_kept(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file of its own, and in the SQL beside a module."""
    says = f"-- Code that knows step {_KNOWN:04d} goes on.\n"
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / f"newer_{tmp_path.name}"
    (package / "migrations").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "migrations/9990_first.sql").write_text(f"{says}create table roundbook.a ();")
    (package / "more.sql").write_text(
        f"-- name: step_9991_second()#\n{says}create table roundbook.b ();\n\n"
        "-- name: step_9992_third()#\n-- Says nothing.\ncreate table roundbook.c ();\n"
    )
    newer = Schema((*SCHEMA.packages, package.name), SCHEMA.derived)
    with connect(fresh_database.service_url) as service:
        compatible = newer.migrations()[:-1]
        with monkeypatch.context() as patched:
            patched.setattr(Schema, "migrations", lambda _: compatible)
            migrate(newer, fresh_database.owner_url, fresh_database.service_url)
        assert look(SCHEMA, service).newer == 9991
        check_current(SCHEMA, service)
        migrate(newer, fresh_database.owner_url, fresh_database.service_url)
        with pytest.raises(MigrationError, match="step 9992"):
            check_current(SCHEMA, service)


def test_each_step_says_which_older_code_goes_on() -> None:
    """One with which none can names itself. It is not seen before it is released."""
    for step in SCHEMA.migrations():
        if step.number >= _FIRST_THAT_SAYS:
            assert step.compatible_since, f"{step.name}: which older code goes on with it?"
            assert step.compatible_since <= step.number
