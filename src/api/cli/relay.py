"""`roundbook relay`: sends what is recorded to those that subscribed to it."""

import os
import secrets
import socket
import threading

import click
import structlog

from api.process.collecting import collect_rarely
from api.process.long_running import begin, loop_factory, run_beside
from api.process.schema_watch import watch_schema
from api.process.store import open_store, prepare_to_project, wait_until_ready
from app.relay.relay import CONNECTIONS, Relay
from app.relay.targets.opening import openers
from domain.relaying import KINDS, Kind
from postgres.connections import open_pool

_OTHER_CONNECTIONS = 1

# Thousands of messages are in hand, each some objects.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

log = structlog.get_logger()


@click.command("relay")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS), metavar="[KIND]...")
def relay_command(kinds: tuple[Kind, ...]) -> None:
    """Send what is recorded to those that subscribed to it (see `roundbook subscription add`).

    To targets of each KIND: webhook, nats, rabbitmq, kafka; without one, to webhooks, and to the broker of
    ROUNDBOOK_BROKER_URL if there is one. Any number of these can run beside each other and beside `serve`:
    they share the subscriptions, and take over from one another.
    """
    settings, stop = begin()
    opened_by = openers(settings, kinds)
    with open_store(settings, say=log.warning, stopped=stop.is_set) as store:
        if not wait_until_ready(store.without_owner(), stop, prepare_to_project):
            return
        with open_pool(
            store.service_url,
            max_size=CONNECTIONS + _OTHER_CONNECTIONS,
            timeout_s=settings.lock_timeout_s,
            lock_timeout_s=settings.lock_timeout_s,
            statement_timeout_s=settings.statement_timeout_s,
        ) as pool:
            relay = Relay(
                pool,
                opened_by,
                sender=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
                lease_s=settings.relay_lease_s,
                poll_interval_s=settings.poll_interval_s,
            )
            collect_rarely(_OBJECTS_BETWEEN_COLLECTIONS)
            threads = [
                threading.Thread(
                    target=relay.run, args=[stop], kwargs={"loop_factory": loop_factory()}
                ),
                threading.Thread(target=watch_schema, args=[pool, stop]),
            ]
            run_beside(store, stop, threads, "relaying ended because of an error, see the log")
