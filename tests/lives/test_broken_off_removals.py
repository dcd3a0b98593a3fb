"""A removal that was broken off is finished, also where the name is another tenant's by then."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from api.cli import tenant_lives
from api.cli.commands import cli
from api.process.diagnosis import diagnose
from api.tenancy import create_tenant
from app.lives.closing import set_closed
from app.lives.removing import begin_removal
from app.settings import Settings
from app.tenants import TenantError, create_key, find_tenant, list_keys, revoke_key
from postgres.connections import Connection, connect, open_pool
from tests.databases import Database
from tests.http.service import on
from tests.recording.sending import logins, send

WHY = {"reason": "the contract ended", "by": "an officer"}


@pytest.fixture
def owner(fresh_database: Database) -> Iterator[Connection]:
    with connect(fresh_database.owner_url) as connection:
        yield connection


@pytest.fixture
def remove(fresh_database: Database) -> Callable[[], Result]:
    def run() -> Result:
        arguments = ["tenant", "remove", "gone", "--reason", "r", "--confirm", "gone"]
        return CliRunner().invoke(cli, arguments, env=on(fresh_database))

    return run


def new_gone(owner: Connection, database: Database) -> int:
    """A closed tenant of that name, with events."""
    tenant = create_tenant(owner, "gone")
    with open_pool(database.service_url, max_size=1) as pool:
        send(pool, tenant, logins(["a", "b"]))
    set_closed(owner, "gone", closed=True, **WHY)
    return tenant.tenant_id


def events(owner: Connection) -> list[int]:
    """Whose events there are."""
    return [row[0] for row in owner.execute("select distinct tenant_id from events order by 1")]


def warned(database: Database) -> list[str]:
    asked = Settings(database_url=database.service_url, owner_url=database.owner_url)
    found = diagnose(asked, workers=1, say=pytest.fail)
    return [each.remedy for each in found if each.check == "removals" and each.verdict != "ok"]


def test_what_was_begun_is_finished_and_who_has_the_name_now_stays(
    fresh_database: Database, owner: Connection, remove: Callable[[], Result]
) -> None:
    assert warned(fresh_database) == []
    keys = Path(on(fresh_database)["ROUNDBOOK_SIGNING_KEYS"])
    files = []
    for _ in range(2):
        new_gone(owner, fresh_database)
        # Killed when it was on record.
        record = begin_removal(owner, find_tenant(owner, "gone"), **WHY)
        files.append(keys / f"{record.log_ids[0].hex()}.1.key")
        files[-1].write_text("a secret")
    third = new_gone(owner, fresh_database)
    set_closed(owner, "gone", closed=False, **WHY)
    assert events(owner) == [1, 2, third]
    remedy = "unless it goes on, run `roundbook tenant remove gone` again"
    assert warned(fresh_database) == [remedy, remedy]

    ended = remove()
    assert ended.exit_code == 0, ended.output
    assert [line.split("\t")[:2] for line in ended.stdout.splitlines()] == [["gone", "2"]] * 2
    assert "the tenant gone that is there now is as it was" in ended.stderr
    assert [file for file in files if file.exists()] == []
    assert events(owner) == [third]
    assert warned(fresh_database) == []
    assert find_tenant(owner, "gone").tenant_id == third

    # Of one whose rows are gone the files are removed too, where a closed tenant has the name by now.
    set_closed(owner, "gone", closed=True, **WHY)
    files[0].write_text("a secret")
    ended = remove()
    assert (ended.exit_code, len(ended.stdout.splitlines())) == (0, 1), ended.output
    assert not files[0].exists()
    assert events(owner) == [third]

    # Once more it is about that one.
    set_closed(owner, "gone", closed=False, **WHY)
    ended = remove()
    assert isinstance(ended.exception, TenantError)
    assert "is open: close it first" in str(ended.exception)
    set_closed(owner, "gone", closed=True, **WHY)
    assert remove().exit_code == 0
    assert events(owner) == []


def test_keys_are_waited_for_by_the_clock_of_the_database_and_said_to_be_revoked(
    fresh_database: Database,
    owner: Connection,
    remove: Callable[[], Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new_gone(owner, fresh_database)
    tenant = find_tenant(owner, "gone")
    revoke_key(owner, create_key(owner, tenant, ["read"]).key_id)
    create_key(owner, tenant, ["read"])

    class HourAhead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(hours=1)

    waited: list[float] = []

    def reopened(seconds: float) -> None:
        waited.append(seconds)
        set_closed(owner, "gone", closed=False, **WHY)

    monkeypatch.setattr(tenant_lives, "datetime", HourAhead, raising=False)
    monkeypatch.setattr(tenant_lives, "time", SimpleNamespace(sleep=reopened))
    ended = remove()
    assert waited == [10]
    assert "its keys are revoked; waiting 10 s" in ended.stderr
    assert isinstance(ended.exception, TenantError)
    assert str(ended.exception) == (
        "tenant 'gone' can't be removed: the tenant is not closed; nothing was removed but its keys, which"
        " are revoked for good: `roundbook key create` makes others"
    )
    assert all(key.revoked_at for key in list_keys(owner, tenant))
    assert events(owner) == [tenant.tenant_id]

    # Long since revoked, by that clock: nothing to wait for.
    owner.execute("update api_keys set revoked_at = roundbook.later(revoked_at, -11000000)")
    set_closed(owner, "gone", closed=True, **WHY)
    assert remove().exit_code == 0
    assert waited == [10]
