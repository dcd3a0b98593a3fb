"""A running service, and its commands in this process, as there are many."""

from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.commands import cli
from tests.cli.conftest import Run, refused, served
from tests.databases import Database
from tests.http.conftest import folder, service, start
from tests.http.service import on

__all__ = ["Run", "folder", "refused", "served", "service", "start"]  # fixtures of the commands

SCOPES = [word for scope in ("ingest", "read", "audit") for word in ("--scope", scope)]


@pytest.fixture(scope="package")
def run(served: Database) -> Run:
    """A function that runs a command, which must end well, and gives its stdout."""

    def command(*arguments: str, **options: Any) -> str:
        ended = CliRunner().invoke(
            cli, arguments, env=on(served), catch_exceptions=False, **options
        )
        assert ended.exit_code == 0, ended.stderr
        return ended.stdout

    return command
