"""Commands that run until they are told to stop, outside of `serve`."""

import threading
from collections.abc import Sequence

import click

from api.process.logs import configure_logs
from api.process.store import Store
from api.process.supervisor import on_signals
from app.settings import Settings, read_settings

_TICK_S = 0.25


def begin() -> tuple[Settings, threading.Event]:
    """Read the settings, send logs where they say, and return what SIGTERM and its like set."""
    settings = read_settings()
    configure_logs(settings.log_format)
    stop = threading.Event()
    on_signals(stop)
    return settings, stop


def run_beside(
    store: Store, stop: threading.Event, threads: Sequence[threading.Thread], if_ended: str
) -> None:
    """Run threads until `stop` is set, and keep the store alive. Raises if one of them ends by itself."""
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads):
        # The embedded server may only be started from the main thread, which outlives the others.
        store.keep_alive()
        threads[0].join(_TICK_S)
    ended_by_itself = not stop.is_set()
    stop.set()
    for thread in threads:
        thread.join()
    if ended_by_itself:
        raise click.ClickException(if_ended)
