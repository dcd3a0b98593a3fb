"""What the tests of starting share: commands that must end with a message, and services of a test's own."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import refused
from tests.database.hostile import Victim, victim
from tests.databases import Database
from tests.http.conftest import folder, start

__all__ = ["folder", "refused", "start"]  # fixtures, the same as of the command line


@pytest.fixture
def served(fresh_database: Database) -> Iterator[Victim]:
    """A database of the test's own, and a role of its own that serves it."""
    with victim(fresh_database) as found:
        yield found
