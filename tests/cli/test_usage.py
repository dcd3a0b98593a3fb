"""Every command explains itself, and tells misuse from failure."""

from collections.abc import Iterator
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner

from api.cli.commands import cli
from tests.http.service import roundbook

UNREACHABLE = {"ROUNDBOOK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}


def commands(group: click.Group, *words: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*words, name)
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)


ALL = [(), *commands(cli)]


def test_the_commands_are_those_of_the_contract() -> None:
    assert {" ".join(words) for words in ALL} >= {
        *("serve", "project", "migrate", "tenant create", "tenant list", "tenant allow-currency"),
        *("key create", "key list", "key revoke", "replay", "rebuild", "simulate"),
    }


@pytest.mark.parametrize("words", ALL, ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_command_explains_itself(words: tuple[str, ...], option: str) -> None:
    shown = CliRunner().invoke(cli, [*words, option], prog_name="roundbook")
    assert shown.exit_code == 0
    assert shown.stdout.startswith(f"Usage: {' '.join(['roundbook', *words])} ")
    assert len(shown.stdout.split("\n\n")[1].strip()) > 10
    assert shown.stderr == ""


def test_the_version_is_told() -> None:
    told = roundbook("--version", settings={}).stdout
    assert told.endswith(f", version {version('roundbook')}\n")


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "tenant",
        "tenant create",
        "tenant create a b",
        "tenant list a",
        "tenant allow-currency a",
        "key create a",
        "key create a --scope everything",
        "key create a --scope read --expires tomorrow",
        "key revoke one",
        "key revoke",
        "serve --port 65536",
        "serve --workers 0",
        "serve --nonsense",
        "serve --port -1",
        "serve --port http",
        "serve --host=",
        "serve --host=a..b",
        f"serve --host={'x' * 64}",
        "replay",
        "replay a --from-position -1",
        "replay a --from yesterday",
        "replay a --event spin",
        "replay a --player p --game g",
        "replay a --player=",
        f"replay a --game={'x' * 256}",
        f"replay a --to-position {2**63}",
        "replay a --to 9999-12-31T23:59:59-23:59",
        "rebuild",
        "rebuild a everything",
        "rebuild a --nonsense",
        "erase a",
        "erase a p",
        "erase a p --reason=",
        "erase a p --reason=a\nb",
        f"erase a {'x' * 256} --reason r",
        "erase a p --reason r --before yesterday",
        "erase a p --reason r --before 9999-01-01",
        "hold a",
        "hold a p",
        "hold a --reason r",
        "hold a p --list",
        "simulate a --events 0",
        "simulate a --batch 10001",
        "tenant limit a",
        "tenant limit a --none --items-per-second 5",
        "tenant limit a --items-per-second 0",
        "tenant limit a --requests-per-second 1.5",
        "tenant limit a --bytes-per-second 5 --burst-s 0",
        "simulate a --rate 0",
        "simulate a --rate nan",
        "simulate a --rate inf",
        "simulate a --url nonsense",
        "simulate a --url=",
        "simulate a --url ftp://127.0.0.1",
        "simulate a --url http://",
        "simulate a --url http://127.0.0.1:port",
        "simulate a --key ü",
        "simulate a --from yesterday",
        "simulate a --to 2999-01-01T00:00:00Z",
        "simulate a --to 0001-01-02T00:00:00Z",
        "simulate a --from 2026-01-02T00:00:00Z --to 2026-01-01T00:00:00Z",
        "simulate a --from 2999-01-01T00:00:00Z",
        "simulate a --late 1.01",
        "simulate a --late nan",
        "simulate a --repeated -1",
        "simulate a --repeated 0.4 --conflicting 0.4",
        "simulate a --players 2 --events 1000000 --output -",
    ],
)
def test_misuse_ends_with_2_and_says_what_is_wrong_on_stderr(words: str) -> None:
    ended = CliRunner(env=UNREACHABLE).invoke(cli, words.split())
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("Usage: ")
    assert "\nError: " in ended.stderr or words == "tenant"  # which shows its help
    assert "`$" not in ended.stderr


def test_misuse_is_the_same_for_the_process() -> None:
    ended = roundbook("tenant", "create", settings=UNREACHABLE, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Usage: ")


@pytest.mark.parametrize(
    "words",
    [
        [b"tenant", b"create", b"\xff"],
        [b"key", b"create", b"a", b"--scope", b"read", b"--label", b"\xff"],
        [b"replay", b"a", b"--player", b"\xff"],
        [b"simulate", b"\xff"],
    ],
    ids=repr,
)
def test_arguments_that_are_no_text_are_misuse(words: list[bytes]) -> None:
    ended = roundbook(*words, settings=UNREACHABLE, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Error: the arguments must be UTF-8\n"
