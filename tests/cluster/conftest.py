"""These tests are about a cluster, and are there where one is given (tests/clusters.py)."""

from collections.abc import Iterator

import psycopg
import pytest

from postgres.connections import Connection
from tests import clusters
from tests.databases import Database

collect_ignore_glob = [] if clusters.is_given() else ["test_*.py"]


@pytest.fixture
def superuser(database: Database) -> Iterator[Connection]:
    """A superuser's session on the coordinator, in the database that the tests share."""
    name = database.service_url.rpartition("/")[2]
    with psycopg.connect(database.admin_url, dbname=name, autocommit=True) as admin:
        yield admin
