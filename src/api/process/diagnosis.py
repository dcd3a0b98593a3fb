"""What `roundbook doctor` asks, in order: settings, keys, each credential, and the database by them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg

from api.process.service_account import REMEDY, ServiceUserError, choose_account
from api.process.store import Store, open_store
from api.schema import SCHEMA
from app.evidence.key_rights import key_rights
from app.lives.removing import list_unfinished
from app.settings import Settings, ignored_settings
from postgres.connections import Connection
from postgres.doctor import Finding, access, asking, disk, server, upkeep
from postgres.doctor.server import database_size
from postgres.embedded import EmbeddedError, in_words
from postgres.embedded.place import find_place
from postgres.migrate import MigrationError, check_same_database
from postgres.pooling import PoolerError
from postgres.reaching import UnreachableError, unreachable

# As docs/operating.md tells: what each worker keeps beyond its pool, a projector, a sealer but for its
# anchors, and two short commands.
_BESIDE_POOL = 6
_PROJECTING = 9
_SEALING = 3
_SHORT = 2


def diagnose(settings: Settings, *, workers: int, say: Callable[[str], None]) -> Iterator[Finding]:
    """Check everything that the settings name, for a host that serves with so many workers.

    Nothing is written, but that the embedded server is started where none runs. Ends with the first part that
    can't be asked, which is a finding too. What there is to say meanwhile goes to `say`.
    """
    ignored = ignored_settings().values()
    for sentence in ignored:
        yield Finding("settings", "warning", sentence, "correct its name, or remove it")
    if not ignored:
        yield Finding("settings", "ok", "all that are set are known")
    yield from key_rights(settings)
    try:
        with open_store(settings, say=lambda line: None if line in ignored else say(line)) as store:
            yield from _database(settings, store, workers)
    except EmbeddedError as error:
        yield Finding("embedded database", "wrong", in_words(error))


def _database(settings: Settings, store: Store, workers: int) -> Iterator[Finding]:
    with ExitStack() as stack:
        sessions: dict[str, Connection] = {}
        for role, setting, url in _credentials(store):
            try:
                session = stack.enter_context(asking(url))
            except PoolerError as error:
                remedy = "ask with the URL of the server; `serve --no-projections` may go through the pooler"
                yield Finding(f"credential of the {role}", "warning", str(error), remedy)
                continue
            except psycopg.Error as error:
                yield Finding(
                    f"credential of the {role}", "wrong", str(unreachable(setting, error))
                )
                continue
            sessions[role] = session
            where = f"{session.info.user!r} reaches the database {session.info.dbname!r}"
            yield Finding(f"credential of the {role}", "ok", where)
        service, owner = sessions.get("service"), sessions.get("owner")
        if service is not None and owner is not None:
            try:
                check_same_database(owner, service)
            except MigrationError as error:
                yield Finding("credential of the owner", "wrong", str(error), "correct one of them")
        if service is None:
            return
        try:
            needed = _connections_needed(settings, workers)
            yield _accounts(settings, store)
            yield from server(service, connections_needed=needed)
            yield _disk(settings, service)
            one = store.has_one_credential
            yield from access(SCHEMA, service, store.service_url, has_one_credential=one)
            yield from _removals(service)
            yield from upkeep(list(sessions.values()))
        except (psycopg.Error, UnreachableError) as error:
            remedy = "what comes after it was not checked: mend this first"
            yield Finding("database", "wrong", in_words(error), remedy)


def _removals(service: Connection) -> Iterator[Finding]:
    """Tell of which tenants, on record as removed, there are rows still."""
    try:
        unfinished = list_unfinished(service)
    except psycopg.ProgrammingError:  # `schema` and `needed rights` tell of it
        return
    for each in unfinished:
        what = f"the removal of tenant {each.name}, begun {each.removed_at:%Y-%m-%d %H:%M} UTC, is not done"
        remedy = f"unless it goes on, run `roundbook tenant remove {each.name}` again"
        yield Finding("removals", "warning", what, remedy)
    if not unfinished:
        yield Finding("removals", "ok", "none is left half done")


def _accounts(settings: Settings, store: Store) -> Finding:
    """Tell who runs what, where this user starts the service."""
    try:
        choice = choose_account(settings, store)
    except ServiceUserError as error:
        return Finding("accounts", "wrong", str(error), "correct it, or remove it")
    own = f"uid {os.geteuid()}"
    who = f"workers and the projector: {choice.account.name if choice.account else own}; sealer: {own}"
    if store.server is not None:
        who += f"; PostgreSQL: {store.server.account.name}"
    if choice.why_not is not None:
        return Finding("accounts", "warning", f"{who}. Nobody else can: {choice.why_not}", REMEDY)
    return Finding("accounts", "ok", who)


def _credentials(store: Store) -> list[tuple[str, str, str]]:
    """List whose credentials there are: the role, the setting it comes from, the URL."""
    of = (
        ["ROUNDBOOK_DATA_DIR"] * 2
        if store.is_embedded
        else ["ROUNDBOOK_DATABASE_URL", "ROUNDBOOK_OWNER_URL"]
    )
    found = [("service", of[0], store.service_url), ("owner", of[1], store.owner_url)]
    return found[:1] if store.has_one_credential else found


def _connections_needed(settings: Settings, workers: int) -> int:
    sealing = _SEALING + len(settings.anchor_specs)
    of_worker = settings.pool_size + _BESIDE_POOL + settings.max_long_answers
    return workers * of_worker + _PROJECTING + sealing + _SHORT


def _disk(settings: Settings, service: Connection) -> Finding:
    if settings.database_url is not None:
        return database_size(service)
    return disk(find_place(settings.data_path, lambda _: None, make=False).home)
