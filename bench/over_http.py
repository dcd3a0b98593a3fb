"""(b) Ingest over HTTP into a running service, in batches of different sizes over several connections."""

import itertools
from typing import NamedTuple

import click

from api.tenancy import create_tenant
from app.evidence.log_keys import begin_signing
from app.log.append import head
from app.log.leaves import current_log
from app.tenants import SCOPES, create_key, find_tenant
from bench.cells import Sample
from bench.orders import LoadClient, Order
from bench.processes import Memory, PeakMemory
from bench.server import Database
from bench.service import Service
from postgres.connections import connect

BATCHES = (10_000, 1_000, 100, 1)
CONNECTIONS = (1, 2, 16)

_numbers = itertools.count(1)


class NewTenant(NamedTuple):
    """A tenant with an empty log, its key for everything, and its name."""

    tenant_id: int
    key: str
    name: str


def new_tenant(database: Database) -> NewTenant:
    """Make a tenant, and the key that signs its log."""
    with connect(database.service_url) as connection:
        tenant = create_tenant(connection, f"bench-{next(_numbers)}")
        log = current_log(connection, tenant.tenant_id)
        assert log is not None
        begin_signing(connection, log, database.settings())
        key = create_key(connection, tenant, SCOPES).key
        return NewTenant(tenant.tenant_id, key, tenant.name)


def more_keys(database: Database, tenant: NewTenant, number: int) -> list[str]:
    """Make more keys for everything."""
    with connect(database.service_url) as connection:
        owner = find_tenant(connection, tenant.name)
        return [create_key(connection, owner, SCOPES).key for _ in range(number)]


def check_log(database: Database, tenant_id: int, events: int) -> None:
    """Make sure that the log holds what was acknowledged. Raises click.ClickException."""
    with connect(database.service_url) as connection:
        stored = head(connection, tenant_id)
    if stored != events:
        raise click.ClickException(f"{events:,} events were acknowledged and {stored:,} are stored")


class OverHttp:
    """One size of batch over some connections; each round into a tenant of its own.

    `peaks` has the most memory that the service's processes held in each round.
    """

    def __init__(
        self,
        database: Database,
        service: Service,
        client: LoadClient,
        *,
        batch: int,
        connections: int,
        seconds: float,
        name: str = "",
        stores: bool = True,
    ) -> None:
        self.batch = batch
        self.connections = connections
        self.peaks: list[Memory] = []
        self.name = name or f"HTTP, {batch:,} by {connections}"
        self._database = database
        self._service = service
        self._client = client
        self._seconds = seconds
        self._stores = stores

    def run(self) -> Sample:
        tenant = new_tenant(self._database)
        order = Order(
            host=self._service.host,
            port=self._service.port,
            key=tenant.key,
            batch=self.batch,
            connections=self.connections,
            seconds=self._seconds,
        )
        cpu_before = self._service.cpu_s()
        with PeakMemory(self._service.pids()) as watched:
            load = self._client.send(order)
        cpu_after = self._service.cpu_s()
        if watched.peak is not None:
            self.peaks.append(watched.peak)
        if self._stores:
            check_log(self._database, tenant.tenant_id, load.events)
        service_cpu_s = None
        if cpu_before is not None and cpu_after is not None:
            service_cpu_s = cpu_after - cpu_before
        return Sample(load.events, load.elapsed_s, load.answers_s, load.cpu_s, service_cpu_s)
