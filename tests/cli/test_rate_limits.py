"""`roundbook tenant limit` and `limits`."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import cli
from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import on

Say = Callable[..., Result]


@pytest.fixture
def say(served: Database) -> Say:
    """A function that runs a command in this process, which must end well."""

    def command(*arguments: str) -> Result:
        ended = CliRunner(env=on(served)).invoke(cli, arguments)
        assert ended.exit_code == 0, ended.output
        return ended

    return command


def test_limits_are_set_listed_replaced_and_taken_away(say: Say) -> None:
    say("tenant", "create", "limited")
    say("key", "create", "limited", "--scope", "ingest")
    key_id = say("key", "list", "limited").stdout.split("\t")[0]
    none_yet = say("tenant", "limits", "limited")
    assert (none_yet.stdout, none_yet.stderr) == ("", "tenant limited has no limits\n")
    limit = ("tenant", "limit", "limited")
    assert (
        say(*limit, "--key", key_id, "--requests-per-second", "5", "--burst-s", "60").output == ""
    )
    say(*limit, "--items-per-second", "1000", "--bytes-per-second", "9999")
    assert say("tenant", "limits", "limited").stdout.splitlines() == [
        "-\t\t1000\t9999\t10",
        f"{key_id}\t5\t\t\t60",
    ]
    say(*limit, "--requests-per-second", "7", "--burst-s", "3")
    say(*limit, "--key", key_id, "--none")
    assert say("tenant", "limits", "limited").stdout == "-\t7\t\t\t3\n"
    assert say(*limit, "--none").output == ""
    assert say("tenant", "limits", "limited").stdout == ""
    again = say(*limit, "--none").stderr
    assert again == "nothing was changed: tenant limited has no limit\n"


def test_a_tenant_or_key_that_is_not_there_is_named(say: Say, refused: Run) -> None:
    say("tenant", "create", "unlimited")
    say("tenant", "create", "neighbour")
    say("key", "create", "neighbour", "--scope", "ingest")
    foreign = say("key", "list", "neighbour").stdout.split("\t")[0]
    limit, some = ("tenant", "limit"), ("--items-per-second", "1")
    assert "there is no tenant 'nobody'" in refused(*limit, "nobody", *some)
    assert f"has no key {foreign}" in refused(*limit, "unlimited", "--key", foreign, *some)
    assert "there is no tenant 'nobody'" in refused("tenant", "limits", "nobody")
