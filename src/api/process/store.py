"""The store that the settings name: a PostgreSQL by URL, or the embedded one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import click
import psycopg
import structlog

from api.schema import SCHEMA
from app.settings import Settings, ignored_settings
from postgres.connections import Connection, connect
from postgres.embedded import EmbeddedServer
from postgres.migrate import check_service_privileges, is_current, migrate

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

log = structlog.get_logger()


class SchemaMissingError(Exception):
    """The database's schema is not up to date: run `roundbook migrate`."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


class Store(NamedTuple):
    """A store to work with. `keep_alive` is for long-lived processes, twice a second."""

    service_url: str
    owner_url: str
    keep_alive: Callable[[], None]
    is_embedded: bool


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def open_store(
    settings: Settings, *, make: bool = False, say: Callable[[str], None] = _to_stderr
) -> Iterator[Store]:
    """Open the store; the embedded server is started unless another process runs it.

    Where there is no embedded server one is made only with `make`: whoever reads or changes what is there
    must not be shown an empty one for a slip of the pen. What there is to say of the settings and of the
    embedded server goes to `say`. Raises postgres.embedded.EmbeddedError.
    """
    for sentence in ignored_settings().values():
        say(sentence)
    url = settings.database_url
    if url is not None:
        yield Store(url, settings.owner_url or url, lambda: None, is_embedded=False)
        return
    with EmbeddedServer(settings.data_path, say=say, make=make) as server:
        yield Store(server.service_url, server.owner_url, server.keep_alive, is_embedded=True)


@contextmanager
def open_service(settings: Settings) -> Iterator[str]:
    """Open the store for a short command; gives the URL. The embedded store is migrated on the way.

    Raises SchemaMissingError, postgres.embedded.EmbeddedError or psycopg.OperationalError.
    """
    with open_store(settings) as store:
        if store.is_embedded:
            migrate(SCHEMA, store.owner_url, store.service_url)
        with connect(store.service_url) as connection:
            if not is_current(SCHEMA, connection):
                raise SchemaMissingError
        yield store.service_url


@contextmanager
def connect_service(settings: Settings) -> Iterator[Connection]:
    """Connect for a short command. Raises as `open_service` does."""
    with open_service(settings) as url, connect(url) as connection:
        yield connection


def wait_for(store: Store, stop: threading.Event) -> bool:
    """Wait until the database answers; gives False if `stop` was set before."""
    pause_s = _FIRST_PAUSE_S
    while not stop.is_set():
        try:
            connect(store.owner_url).close()
        except psycopg.OperationalError as error:
            log.warning("waiting for the database", error=str(error).strip())
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            store.keep_alive()
        else:
            return True
    return False


def prepare(store: Store) -> None:
    """Migrate, and make sure that the role that serves can't alter the log.

    Raises postgres.migrate.MigrationError or TooMuchPrivilegeError, and psycopg.Error.
    """
    for step in migrate(SCHEMA, store.owner_url, store.service_url):
        log.info("migrated", step=step.number, name=step.name)
    if store.owner_url == store.service_url:
        log.warning(
            "one credential owns the schema and serves: set ROUNDBOOK_OWNER_URL, and give the service"
            " a role of its own, so that it can't alter the log"
        )
    else:
        check_service_privileges(store.service_url)
