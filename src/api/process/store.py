"""The store that the settings name: a PostgreSQL by URL, or the embedded one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import click
import structlog

from api.schema import SCHEMA
from app.log.histories import notice_history
from app.settings import Settings, ignored_settings
from postgres.connections import Connection, connect
from postgres.embedded import EmbeddedServer
from postgres.errors import UNAVAILABLE, is_out_of_reach
from postgres.migrate import Migration, SchemaNewerError, check_current, look, migrate
from postgres.migration_turn import MigrationBusyError
from postgres.pooling import require_session
from postgres.privileges import check_service_privileges, needless_privileges, owns_schema
from postgres.reaching import connect_as, reach
from postgres.recovery import check_recovered

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_MIGRATION_WAIT_S = 5.0

log = structlog.get_logger()


class Store(NamedTuple):
    """A store to work with. `keep_alive` is for long-lived processes, twice a second."""

    service_url: str
    owner_url: str
    keep_alive: Callable[[], None]
    is_embedded: bool
    server: EmbeddedServer | None = None

    @property
    def has_one_credential(self) -> bool:
        """Whether who serves is all that is known: it may or may not be the owner."""
        return self.owner_url == self.service_url

    def without_owner(self) -> "Store":
        """Return the store for who does not migrate. The embedded one is migrated by whoever opens it."""
        return self if self.is_embedded else self._replace(owner_url=self.service_url)

    def urls(self) -> dict[str, str]:
        """Return the URLs by the settings that they come from."""
        if self.is_embedded:
            return {"ROUNDBOOK_DATA_DIR": self.service_url}
        serving = {"ROUNDBOOK_DATABASE_URL": self.service_url}
        return (
            serving
            if self.has_one_credential
            else serving | {"ROUNDBOOK_OWNER_URL": self.owner_url}
        )


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def open_store(
    settings: Settings,
    *,
    make: bool = False,
    say: Callable[[str], None] = _to_stderr,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Store]:
    """Open the store; the embedded server is started unless another process runs it.

    Where there is no embedded server one is made only with `make`: whoever reads or changes what is there
    must not be shown an empty one for a slip of the pen. What there is to say of the settings and of the
    embedded server goes to `say`. Raises postgres.embedded.EmbeddedError, and StoppedError where `stopped`
    says true while that server is waited for.
    """
    for sentence in ignored_settings().values():
        say(sentence)
    url = settings.database_url
    if url is not None:
        yield Store(url, settings.owner_url or url, lambda: None, is_embedded=False)
        return
    with EmbeddedServer(settings.data_path, say=say, make=make, stopped=stopped) as server:
        urls = (server.service_url, server.owner_url)
        yield Store(*urls, server.keep_alive, is_embedded=True, server=server)


@contextmanager
def open_service(settings: Settings) -> Iterator[str]:
    """Open the store for a short command; gives the URL. The embedded store is migrated on the way.

    Raises postgres.migrate.MigrationError, postgres.embedded.EmbeddedError,
    postgres.session.SessionError or postgres.reaching.UnreachableError.
    """
    with open_store(settings) as store:
        if store.is_embedded:
            migrate(SCHEMA, store.owner_url, store.service_url, say=_to_stderr)
        with connect_as("ROUNDBOOK_DATABASE_URL", store.service_url) as connection:
            check_current(SCHEMA, connection)
        yield store.service_url


class OwnerNeededError(Exception):
    """What is asked for needs the credential that owns the database: set ROUNDBOOK_OWNER_URL."""

    def __str__(self) -> str:
        """Say it in the docstring's words."""
        return self.__doc__ or ""


@contextmanager
def open_as_owner(settings: Settings) -> Iterator[Store]:
    """Open the store for a short command that needs the owner's credential beside the service's.

    Raises OwnerNeededError where there is none, and as `open_service` does.
    """
    with open_store(settings) as store:
        if store.is_embedded:
            migrate(SCHEMA, store.owner_url, store.service_url, say=_to_stderr)
        for setting, url in store.urls().items():
            with connect_as(setting, url) as connection:
                check_current(SCHEMA, connection)
        if not owns_schema(store.owner_url):
            raise OwnerNeededError
        yield store


@contextmanager
def connect_service(settings: Settings) -> Iterator[Connection]:
    """Connect for a short command. Raises as `open_service` does."""
    with open_service(settings) as url, connect(url) as connection:
        yield connection


def migrate_now(settings: Settings) -> tuple[list[Migration], int | None]:
    """Bring the schema up to date; gives what was applied, and the newest step beyond this version if any.

    Raises as `open_service` does.
    """
    with open_store(settings, make=True) as store:
        for setting, url in store.urls().items():
            connect_as(setting, url).close()
        applied = migrate(SCHEMA, store.owner_url, store.service_url, say=_to_stderr)
        with connect(store.service_url) as service:
            return applied, look(SCHEMA, service).newer


def wait_until_ready(
    store: Store,
    stop: threading.Event,
    prepare: Callable[[Store], None],
    *,
    writes: bool = True,
    outlasts_newer: bool = False,
) -> bool:
    """Wait until the database answers, and prepare it; False if `stop` was set before.

    It must take writes, unless nobody `writes`.

    With `outlasts_newer` it also waits, to be replaced, where the schema is of a newer version that this one
    can't go on with: whoever is started again when it ends would only begin anew.

    Raises postgres.reaching.UnreachableError and postgres.session.SessionError for what does not mend
    itself, and what `prepare` raises, unless that says that the store is out of reach.
    """
    pause_s = _FIRST_PAUSE_S
    while not stop.is_set():
        try:
            for setting, url in store.urls().items():
                reach(setting, url)
                if writes:
                    with connect(url) as connection:
                        check_recovered(setting, connection)
            prepare(store)
        except MigrationBusyError as error:
            log.warning("waiting for a migration", reason=str(error))
        except SchemaNewerError as error:
            if not outlasts_newer:
                raise
            log.error("waiting to be replaced", reason=str(error))  # noqa: TRY400 (it tells all)
        except UNAVAILABLE as error:
            if not is_out_of_reach(error):
                raise
            log.warning("waiting for the database", error=str(error).strip())
        else:
            return True
        stop.wait(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        store.keep_alive()
    return False


def prepare(store: Store) -> None:
    """Migrate, and make sure that the role that serves can't alter the log.

    Where there is one credential, and it owns the schema, that is only warned of. Raises
    postgres.migrate.MigrationError, postgres.migration_turn.MigrationBusyError,
    postgres.privileges.TooMuchPrivilegeError, and psycopg.Error.
    """
    steps = migrate(
        SCHEMA,
        store.owner_url,
        store.service_url,
        wait_s=_MIGRATION_WAIT_S,
        say=lambda why: log.warning("waiting for a migration", reason=why),
    )
    for step in steps:
        log.info("migrated", step=step.number, name=step.name)
    if store.has_one_credential and owns_schema(store.service_url):
        log.warning(
            "one credential owns the schema and serves: set ROUNDBOOK_OWNER_URL, and give the service"
            " a role of its own, so that it can't alter the log"
        )
    else:
        check_service_privileges(store.service_url)
        with connect(store.service_url) as service:
            for needless in needless_privileges(service):
                log.warning(
                    "the role that serves may do what it needs not",
                    may=needless.may,
                    remedy=needless.remedy,
                )
    with connect(store.service_url) as service:
        newer = look(SCHEMA, service).newer
    if newer is not None:
        log.warning(
            "the schema is of a newer version, with which this one goes on: replace it soon",
            newest_step=newer,
        )
    _look_where_the_log_is(store)


def prepare_to_project(store: Store) -> None:
    """Make sure that the schema is there, and that the role that serves can't alter the log.

    The embedded store is migrated on the way. Raises as `prepare` does.
    """
    if store.is_embedded:
        prepare(store)
        return
    with connect(store.service_url) as connection:
        check_current(SCHEMA, connection)
    if not owns_schema(store.service_url):
        check_service_privileges(store.service_url)
    _look_where_the_log_is(store)


def prepare_to_read(store: Store) -> None:
    """Make sure of the same on a standby, where nothing can be written. Raises as `prepare` does."""
    with connect(store.service_url) as connection:
        check_current(SCHEMA, connection)
    if not owns_schema(store.service_url):
        check_service_privileges(store.service_url)


def prepare_to_seal(store: Store) -> None:
    """Do the same for who seals, in sessions of its own. Raises postgres.pooling.PoolerError, too."""
    check_direct(store, "sealing")
    prepare_to_project(store)


def check_direct(store: Store, what: str) -> None:
    """Make sure that no pooler is between. Raises postgres.pooling.PoolerError, and psycopg.Error."""
    with connect(store.service_url) as service:
        require_session(service, what)


def _look_where_the_log_is(store: Store) -> None:
    """Let another history begin before anybody reads or writes, where the log was restored."""
    with connect(store.service_url) as service:
        notice_history(service)
