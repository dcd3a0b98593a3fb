"""Tenants with subscriptions, and relays that run in a thread of the test."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from app.log.append import head
from app.relay.relay import Relay
from app.relay.secrets import Secrets
from app.relay.subscriptions import Subscription, add_subscription, find_subscription
from app.relay.targets.opening import openers
from app.relay.targets.target import Opens
from app.settings import Settings
from app.tenants import Tenant
from domain.relaying import Kind
from postgres.connections import Pool
from tests.http.conftest import folder, service, start
from tests.relay.receiver import Receiver

__all__ = ["folder", "service", "start"]

_numbers = itertools.count(1)

LEASE_S = 2.0

Relaying = Callable[..., AbstractContextManager[None]]


class Subscribed:
    """A subscription of a tenant, as tests see it."""

    def __init__(self, pool: Pool, tenant: Tenant, name: str) -> None:
        self.pool = pool
        self.tenant = tenant
        self.name = name

    def now(self) -> Subscription:
        with self.pool.connection() as connection:
            return find_subscription(connection, self.tenant, self.name)

    def is_level(self) -> bool:
        """Whether it has all that is recorded."""
        with self.pool.connection() as connection:
            return self.now().position == head(connection, self.tenant.tenant_id)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings by which webhooks may go to this host."""
    return Settings(data_dir=str(tmp_path), private_webhooks="allowed", relay_lease_s=LEASE_S)


@pytest.fixture
def secrets(settings: Settings) -> Secrets:
    return Secrets(settings.webhook_path)


@pytest.fixture
def relaying(pool: Pool, settings: Settings) -> Relaying:
    """A function that lets a relay run while its block does."""

    @contextmanager
    def run(
        *kinds: Kind,
        settings: Settings = settings,
        by: Mapping[Kind, Callable[[], Opens]] | None = None,
    ) -> Iterator[None]:
        stop, failed = threading.Event(), []
        relay = Relay(
            pool,
            by or openers(settings, kinds),
            sender=f"test-{os.getpid()}-{next(_numbers)}",
            lease_s=settings.relay_lease_s,
            poll_interval_s=0.01,
        )

        def work() -> None:
            try:
                relay.run(stop)
            except BaseException as error:
                failed.append(error)
                raise

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
        assert failed == []

    return run


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that knows no secret yet."""
    with Receiver() as one:
        yield one


@pytest.fixture
def subscribe(pool: Pool, tenant: Tenant, secrets: Secrets) -> Callable[..., Subscribed]:
    """A function that subscribes a webhook to the tenant's whole log, and tells the receiver its secret."""

    def add(
        receiver: Receiver, *events: str, name: str = "hook", url: str = "", of: Tenant = tenant
    ) -> Subscribed:
        with pool.connection() as connection:
            add_subscription(
                connection,
                of,
                name,
                "webhook",
                url or receiver.url,
                events=events or None,
                first=1,
            )
        receiver.secrets.append(secrets.begin(of.name, name))
        return Subscribed(pool, of, name)

    return add
