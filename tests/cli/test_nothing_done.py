"""A command that changed or showed nothing says so, lest it be taken for one that did."""

from collections.abc import Callable

import pytest

from api.tenancy import create_tenant
from app.tenants import find_tenant
from postgres.connections import connect
from tests.databases import Database
from tests.http.service import on, roundbook

Said = Callable[..., tuple[str, str]]


@pytest.fixture
def said(fresh_database: Database) -> Callable[..., tuple[str, str]]:
    """A function that runs a command, which ends well, and gives what it says on stdout and stderr."""

    def run(*arguments: str) -> tuple[str, str]:
        ended = roundbook(*arguments, settings=on(fresh_database))
        return ended.stdout, ended.stderr

    return run


def test_a_replay_of_nothing_says_so(said: Said, fresh_database: Database) -> None:
    assert said("tenant", "list") == ("", "there are no tenants\n")
    with connect(fresh_database.owner_url) as owner:
        for name in ("none", "short"):
            tenant_id = create_tenant(owner, name).tenant_id
        owner.execute(
            "insert into events values (1, now(), now(), %s, 1, '\\x00', 'player:p', 'LoggedIn', '{}')",
            [tenant_id],
        )
    assert said("replay", "none") == ("", "nothing was replayed: the log of none is empty\n")
    told = "nothing was replayed: the log of short, which ends at position 1, has no such event\n"
    assert said("replay", "short", "--from-position", "2") == ("", told)
    assert said("replay", "short", "--event", "deposit") == ("", told)
    assert said("replay", "short", "--from-position", "1")[1] == ""


def test_what_there_is_none_of_or_is_done_already_is_told(
    said: Said, fresh_database: Database
) -> None:
    said("tenant", "create", "idle")
    assert said("key", "list", "idle") == ("", "tenant idle has no keys\n")
    said("key", "create", "idle", "--scope", "read")
    key_id = said("key", "list", "idle")[0].split("\t")[0]
    assert said("key", "revoke", key_id) == ("", "")
    again = said("key", "revoke", key_id)
    assert again[1].startswith(f"nothing was changed: key {key_id} is revoked since 2")
    assert said("key", "revoke", key_id) == again
    assert said("tenant", "allow-currency", "idle", "BTC") == ("", "")
    assert said("tenant", "allow-currency", "idle", "BTC") == (
        "",
        "nothing was changed: tenant idle may send BTC already\n",
    )
    with connect(fresh_database.service_url) as connection:
        assert find_tenant(connection, "idle").currencies == ["BTC"]
