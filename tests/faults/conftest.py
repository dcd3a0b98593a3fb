"""Databases, services and tenants to hurt; each test has its own, unless it leaves them whole."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import Database, new_database
from tests.faults.places import Account, open_account, starting, temporary_folder
from tests.faults.proxy import Proxy
from tests.http.service import Service

_names = itertools.count(1)


@pytest.fixture(scope="session")
def shared(admin_url: str, template: Database) -> Iterator[Database]:
    """The database of all tests that do no harm to it."""
    with new_database(admin_url, template=template) as database:
        yield database


@pytest.fixture
def account(shared: Database) -> Account:
    """A tenant of the shared database."""
    return open_account(shared.service_url, f"t{next(_names)}")


@pytest.fixture
def other_account(shared: Database) -> Account:
    """Another tenant of the shared database."""
    return open_account(shared.service_url, f"t{next(_names)}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, with a short path: for databases and sockets."""
    with temporary_folder() as path:
        yield path


@pytest.fixture
def proxy(folder: Path, shared: Database) -> Iterator[Proxy]:
    """A proxy before the shared database."""
    with Proxy(folder, shared.service_url) as listening:
        yield listening


@pytest.fixture(scope="module")
def module_proxy(shared: Database) -> Iterator[Proxy]:
    """A proxy before the shared database, for services that several tests share."""
    with temporary_folder() as folder, Proxy(folder, shared.service_url) as listening:
        yield listening


@pytest.fixture
def start(tmp_path: Path, folder: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services, which end with the test; ask for a proxy of theirs before."""
    with starting(tmp_path) as function:
        yield function


@pytest.fixture(scope="module")
def module_start(
    module_proxy: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Service]]:
    """A function that starts services that several tests share."""
    with starting(tmp_path_factory.mktemp("services")) as function:
        yield function
