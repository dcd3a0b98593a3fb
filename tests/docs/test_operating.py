"""What an operator is told of is what there is: settings, commands, metrics."""

import re
import shlex
from typing import cast

import click
import pytest
from msgspec.structs import FieldInfo, fields
from prometheus_client import REGISTRY

import api.asgi  # noqa: F401  # what it imports makes the metrics of the workers,
import projections.engine.upkeep  # noqa: F401  # and this those of the projector
from api.cli.commands import cli
from api.querying.staleness import Staleness
from app.settings import Settings, file_variables
from postgres.connections import Pool
from tests.docs.pages import PAGES, Page, page

OPERATING = page("docs/operating.md")
SETTINGS = {field.encode_name: field for field in fields(Settings)}

_ROW = re.compile(r"^\| `(ROUNDBOOK_\w+)` \| .* \| (.*) \|$", re.MULTILINE)
_VARIABLE = re.compile(r"\bROUNDBOOK_[A-Z_]*[A-Z]")
# By itself, by a path, or in a container.
_TYPED = re.compile(r"(?:^|bin/|exec service )(roundbook [^|;)>]*)")
_METRIC = re.compile(r"^\| `(roundbook_\w+)` \|", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=str)


def test_every_setting_is_described_and_nothing_else() -> None:
    assert sorted(name for name, _ in _ROW.findall(OPERATING.text)) == sorted(SETTINGS)


def test_defaults_are_those_of_the_code() -> None:
    told = dict(_ROW.findall(OPERATING.text))
    known = {name: default(field) for name, field in SETTINGS.items() if field.default is not None}
    assert {name: told[name] for name in known} == known


def default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, str):
        return f"`{value}`"
    return f"{value:g}" if isinstance(value, float) else str(value)


@each_page
def test_settings_that_are_named_anywhere_exist(page: Page) -> None:
    known = {*SETTINGS, *file_variables().values()}
    assert set(_VARIABLE.findall(page.text)) - known == set()


def commands(group: click.Group = cli, path: str = "roundbook") -> dict[str, click.Command]:
    """All commands by what one types."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        typed = f"{path} {name}"
        found |= commands(command, typed) if isinstance(command, click.Group) else {typed: command}
    return found


def test_every_command_is_described() -> None:
    assert [command for command in commands() if f"| `{command}` |" not in OPERATING.text] == []


@each_page
def test_commands_that_are_named_anywhere_exist_with_their_options(page: Page) -> None:
    lines = [line for line in page.code() if line.startswith("roundbook ")]
    lines += [line for shell in page.shell() for line in _TYPED.findall(shell)]
    assert [line for line in lines if not is_command(line)] == []


def is_command(line: str) -> bool:
    """Whether a line begins with a command and has only options of it, or names a group of commands."""
    words = shlex.split(line, comments=True)
    options = {word.partition("=")[0] for word in words if word.startswith("-")} - {"--help"}
    for typed, command in commands().items():
        if words[: len(typed.split())] == typed.split():
            return options <= {each for known in command.params for each in _spellings(known)}
    named = " ".join(word for word in words if not word.startswith("-"))
    return options <= {"--version"} and any(
        f"{typed} ".startswith(f"{named} ") for typed in commands()
    )


def _spellings(parameter: click.Parameter) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def test_every_metric_is_described_and_nothing_else() -> None:
    read_from_the_store = Staleness(cast("Pool", None)).collect()
    ours = {
        metric.name + "_total" * (metric.type == "counter")
        for metric in [*REGISTRY.collect(), *read_from_the_store]
        if metric.name.startswith("roundbook_")
    }
    assert set(_METRIC.findall(OPERATING.text)) == ours
