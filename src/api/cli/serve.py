"""`roundbook serve`, `project`, `seal` and `migrate`."""

import os
import socket
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec

import click
import structlog

from api.cli.demo import introduce_demo
from api.process.heartbeat import Heart
from api.process.lifeline import follow_parent
from api.process.listening import listen, listen_for_operators, url_of
from api.process.long_running import begin, run_beside
from api.process.projecting import open_projector
from api.process.schema_watch import watch_schema
from api.process.service_account import REMEDY, Choice, choose_account, find_named
from api.process.store import (
    Store,
    check_direct,
    migrate_now,
    open_store,
    prepare,
    prepare_to_project,
    prepare_to_read,
    prepare_to_seal,
    wait_until_ready,
)
from api.process.supervisor import Supervisor
from app.evidence.anchoring import begin_anchoring
from app.evidence.anchors.opening import open_anchor
from app.evidence.attester import Attester
from app.evidence.existing import begin_signing_existing
from app.evidence.keys import KeyFileError
from app.evidence.sealer import Sealer
from app.fitting import fitting
from app.log.histories import HistoryWatch
from app.settings import Settings, SettingsError, read_settings
from postgres.connections import Pool, connect, open_pool
from postgres.memory import memory_limit_bytes, share_of_plenty
from postgres.watchdog import Watchdog
from projections.engine.upkeep import Upkeep

_SEALING_CONNECTIONS = 3

log = structlog.get_logger()


def _address(_context: click.Context, _option: click.Parameter, host: str) -> str:
    """Refuse what can't be the name or the address of a host."""
    try:
        if host.encode("idna").strip():
            return host
    except UnicodeError:
        pass
    raise click.BadParameter(f"{host!r} is neither an address nor the name of a host")


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_address,
    help="The address to serve on.",
)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to serve on; 0 is any that is free.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that serve.",
)
@click.option(
    "--projections/--no-projections",
    default=True,
    show_default=True,
    help="Keep the read models up to date and seal the logs too; without, `roundbook project` and"
    " `roundbook seal` do it elsewhere.",
)
@click.option(
    "--read-only",
    is_flag=True,
    help="Answer queries alone, from a database that may be a standby; what would be written is 503.",
)
@click.option(
    "--demo", is_flag=True, help="At the first start make a tenant `demo` and show its key."
)
def serve(
    host: str, port: int, workers: int, *, projections: bool, read_only: bool, demo: bool
) -> None:
    """Serve the API, keep the read models up to date and seal the logs.

    Waits for its database and migrates it; meanwhile it answers /health/live, and all else 503. Ends
    cleanly on SIGTERM, SIGINT and SIGHUP: what was begun is finished.
    """
    # The other commands need nothing of what HTTP is made of, and are quick to start without it.
    from api.process.starting import answering  # noqa: PLC0415

    cut = fitting(os.environ, share_of_plenty())
    os.environ |= cut  # for the processes that it starts, too
    settings, stop = begin()
    if read_only and (demo or settings.database_url is None):
        raise click.UsageError("--read-only needs ROUNDBOOK_DATABASE_URL, and goes without --demo")
    _check_tracing(settings)
    find_named(settings)  # before a store is made in vain
    if cut:
        log.info("defaults are cut to the memory that there is", bytes=memory_limit_bytes(), **cut)
    with (
        listen(host, port) as listener,
        _for_operators(settings, listener) as for_operators,
        answering(listener, for_operators, head_timeout_s=settings.head_timeout_s) as early,
        open_store(settings, make=True, say=log.warning, stopped=stop.is_set) as opened,
    ):
        store = opened.without_owner() if read_only else opened
        choice = Choice(None)

        def prepare_all(store: Store) -> None:
            nonlocal choice
            if read_only:
                prepare_to_read(store)
            else:
                if projections:
                    check_direct(store, "sealing (else --no-projections)")
                prepare(store)
            choice = choose_account(settings, store)

        if not wait_until_ready(store, stop, prepare_all, writes=not read_only):
            return
        _drop(store, choice)

        def announce() -> None:
            url = url_of(listener)
            click.echo(f"Roundbook serves on {url}, its documentation on {url}/schema")
            if for_operators is not None:
                click.echo(f"Health and metrics are on {url_of(for_operators)} alone")
            if demo:
                with connect(store.service_url) as connection:
                    introduce_demo(connection, url, settings)

        Supervisor(
            store,
            listener,
            for_operators=for_operators,
            workers=workers,
            work="reading" if read_only else "all" if projections else "serving",
            account=choice.account,
            settings=settings,
        ).run(stop, make_way=early.end, when_open=announce)


def _check_tracing(settings: Settings) -> None:
    """Raise SettingsError where traces are wanted, and what makes them is not installed."""
    if settings.traces_url is not None and find_spec("opentelemetry") is None:
        raise SettingsError(
            "ROUNDBOOK_TRACES_URL: needs the packages of the extra `tracing`:"
            " pip install 'roundbook[tracing]'"
        )


def _drop(store: Store, choice: Choice) -> None:
    """Let the account that serves get to the store, or say that there is none."""
    if choice.account is not None:
        if store.server is not None:
            store.server.let_in(choice.account)
        log.info("workers and the projector run as another account", account=choice.account.name)
    elif choice.why_not is not None:
        log.warning("workers and the projector run as root", reason=choice.why_not, remedy=REMEDY)


def _for_operators(
    settings: Settings, beside: socket.socket
) -> AbstractContextManager[socket.socket | None]:
    address = settings.ops_address
    return nullcontext() if address is None else listen_for_operators(address, beside=beside)


@click.command()
def project() -> None:
    """Keep the read models up to date, without serving the API.

    Any number of these can run beside each other and beside `serve`, on any number of hosts.
    """
    is_child = follow_parent()
    heart = Heart()
    settings, stop = begin()
    with open_store(settings, make=True, say=log.warning, stopped=stop.is_set) as store:
        with heart.beating():
            if not wait_until_ready(
                store.without_owner(), stop, prepare_to_project, outlasts_newer=is_child
            ):
                return
        _project(settings, store, stop, heart)


@click.command()
def seal() -> None:
    """Seal the logs: sign again and again what they hold, so that a later change is found out.

    Once a day, where a log grew, it is stated which event of each stream is the last one, and signed.

    Needs the keys (ROUNDBOOK_SIGNING_KEYS, or ROUNDBOOK_SIGN_COMMAND). Any number of these can run beside
    each other and beside `serve`, where they share the keys.
    """
    is_child = follow_parent()
    heart = Heart()
    settings, stop = begin()
    with open_store(settings, make=True, say=log.warning, stopped=stop.is_set) as store:
        with heart.beating():
            if not wait_until_ready(
                store.without_owner(), stop, prepare_to_seal, outlasts_newer=is_child
            ):
                return
        with open_pool(
            store.service_url,
            max_size=_SEALING_CONNECTIONS + len(settings.anchor_specs),
            timeout_s=settings.lock_timeout_s,
            lock_timeout_s=settings.lock_timeout_s,
            statement_timeout_s=settings.statement_timeout_s,
        ) as pool:
            with heart.beating():
                _begin_signing_existing(pool, settings)
                anchors = [open_anchor(spec) for spec in settings.anchor_specs]
                # Before anything is signed: what an anchor knows may contradict a log.
                anchoring = begin_anchoring(
                    pool, anchors, stop, seal_interval_s=settings.seal_interval_s
                )
            threads = [
                threading.Thread(target=each.run, args=[stop], kwargs={"clock": time.monotonic})
                for each in (Sealer(pool, settings, beat=heart.beat), Attester(pool, settings))
            ]
            threads.append(threading.Thread(target=watch_schema, args=[pool, stop]))
            run_beside(
                store,
                stop,
                [*threads, *anchoring],
                "the sealer ended because of an error, see the log",
            )


@click.command()
def migrate() -> None:
    """Bring the schema of the database up to date.

    The service goes on meanwhile. Who uses what is to be changed, or migrates too, is waited for, and named.
    """
    done, newer = migrate_now(read_settings())
    for step in done:
        click.echo(f"applied {step.number:04d} {step.name}")
    if newer is not None:
        click.echo(f"the schema is newer, at step {newer:04d}; this version goes on with it")
    elif not done:
        click.echo("the schema is up to date")


def _begin_signing_existing(pool: Pool, settings: Settings) -> None:
    """Make the keys of logs that are older than evidence, and say so. What can't be is said of each log."""
    try:
        with pool.connection() as connection:
            made = begin_signing_existing(connection, settings)
    except (KeyFileError, OSError) as error:
        log.error("no keys are made", reason=str(error))  # noqa: TRY400 (it tells all)
        return
    for vkey in made:
        log.info("made the key of a log that is older than evidence", vkey=str(vkey))


def _project(settings: Settings, store: Store, stop: threading.Event, heart: Heart) -> None:
    with open_projector(store.service_url, settings, beat=heart.beat) as (pool, projector):
        watchdog = Watchdog(stalled_s=settings.stalled_writer_s)
        upkeep = Upkeep(pool, projector, events_per_s=settings.rebuild_rate)
        threads = [
            threading.Thread(target=projector.run, args=[stop], kwargs={"clock": time.monotonic}),
            threading.Thread(target=upkeep.run, args=[stop]),
            threading.Thread(target=watchdog.run, args=[pool, stop]),
            threading.Thread(target=HistoryWatch().run, args=[pool, stop]),
            threading.Thread(target=watch_schema, args=[pool, stop]),
        ]
        run_beside(store, stop, threads, "the projections ended because of an error, see the log")
