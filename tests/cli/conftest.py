"""A database for the commands of a run, and a service on it."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.databases import Database, new_database
from tests.http.conftest import embedded, folder, service, start
from tests.http.service import on, roundbook

__all__ = [
    "embedded",
    "folder",
    "service",
    "start",
]  # fixtures, the same as of the served application

Run = Callable[..., str]


@pytest.fixture(scope="session")
def served(admin_url: str, template: Database) -> Iterator[Database]:
    """The database that the commands work on, and `service` serves."""
    with new_database(admin_url, template=template) as database:
        yield database


@pytest.fixture
def run(served: Database) -> Run:
    """A function that runs a command, which must end well, and gives its stdout."""

    def command(*arguments: str, **options: Any) -> str:
        return roundbook(*arguments, settings=on(served), **options).stdout

    return command


@pytest.fixture
def refused(served: Database) -> Run:
    """A function that runs a command, which must end with an error, and gives what it says about it."""

    def command(*arguments: str | bytes, settings: dict[str, str] | None = None) -> str:
        ended = roundbook(*arguments, settings=settings or on(served), check=False)
        assert ended.returncode == 1, ended.stderr
        assert ended.stdout == ""
        assert "Traceback" not in ended.stderr
        assert re.search("^(roundbook|Error): ", ended.stderr, re.MULTILINE)
        return ended.stderr

    return command
