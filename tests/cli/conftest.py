"""A database for the commands of a folder, and a service on it."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.cli import main
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


@pytest.fixture(scope="package")
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
def refused(
    served: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """A function that runs a command, which must end with an error, and gives what it says about it.

    In this process, as there are many; `serve` and `project`, which set up logs, in one of their own.
    """

    def command(*arguments: str, settings: dict[str, str] | None = None) -> str:
        given = settings or on(served)
        status: object
        if arguments[0] in {"serve", "project"}:
            ended = roundbook(*arguments, settings=given, check=False)
            status, out, err = ended.returncode, ended.stdout, ended.stderr
        else:
            status, out, err = run_here(*arguments, settings=given)
        assert status == 1, err
        assert out == ""
        assert "Traceback" not in err
        assert re.search("^Error: ", err, re.MULTILINE)
        return err

    def run_here(*arguments: str, settings: dict[str, str]) -> tuple[object, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["roundbook", *arguments])
            for name in [name for name in os.environ if name.startswith("ROUNDBOOK_")]:
                patch.delenv(name)
            for name, value in settings.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        return ended.value.code, *capsys.readouterr()

    return command
