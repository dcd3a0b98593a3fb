"""A service whose logs are sealed, for all tests of a run that ask it for evidence."""

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from app.evidence.log_keys import log_keys
from app.evidence.store import newest_checkpoint
from app.log.leaves import current_log
from app.tenants import find_tenant
from domain.evidence.notes import VerifierKey, parse_verifier_key
from postgres.connections import connect
from tests.conftest import SAMPLES
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, body, counts, login

LARGE = 70_000
"""The size of the example of C2SP tlog-tiles."""


class Audited(NamedTuple):
    """A tenant of a running service, all of whose log is sealed, and a key with all scopes."""

    service: Service
    database: Database
    tenant: str
    key: str

    def client(self) -> httpx.Client:
        return self.service.client(self.key)

    def send(self, content: bytes) -> int:
        """Send a batch, and wait until it is sealed; gives the size of the log."""
        with self.client() as client:
            answer = client.post(EVENTS, content=content)
            counts(answer)
            size = int(answer.headers["log-position"])
            eventually(lambda: sealed_size(client) == size)
        return size

    def is_stated(self) -> bool:
        """Whether the heads of its streams are stated, which a bundle of a player needs."""
        with connect(self.database.service_url) as connection:
            log = current_log(connection, self.tenant_id)
            return log is not None and newest_checkpoint(connection, log, "heads") is not None

    @property
    def tenant_id(self) -> int:
        with connect(self.database.service_url) as connection:
            return find_tenant(connection, self.tenant).tenant_id

    @property
    def vkey(self) -> VerifierKey:
        """The key of the log, as it was handed over when the tenant was made."""
        with connect(self.database.service_url) as connection:
            log = current_log(connection, self.tenant_id)
            assert log is not None
            return parse_verifier_key(log_keys(connection, log)[0].vkey)


def sealed_size(client: httpx.Client) -> int:
    """How much of the log is sealed."""
    return int(client.get("/api/v1/history?limit=1").headers["evidence-size"])


def new_audited(service: Service, database: Database, tenant: str) -> Audited:
    service.new_tenant(tenant)
    return Audited(service, database, tenant, service.new_key(tenant, "ingest", "read", "audit"))


@pytest.fixture(scope="package")
def sealing(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Database]]:
    """A service of two workers, which seals often."""
    with new_database(admin_url, template=template) as database:
        settings = on(database) | {"ROUNDBOOK_SEAL_INTERVAL_S": "0.05"}
        folder = tmp_path_factory.mktemp("sealing")
        with serving(folder, "--workers", "2", settings=settings) as service:
            yield service, database


@pytest.fixture(scope="package")
def day(sealing: tuple[Service, Database]) -> Audited:
    """A tenant that has the sample day in its log, with a checkpoint after each of its batches."""
    audited = new_audited(*sealing, "day")
    for batch in sorted((SAMPLES / "casino-day").glob("batch-*.json")):
        audited.send(batch.read_bytes())
    eventually(audited.is_stated)
    return audited


@pytest.fixture(scope="package")
def large(sealing: tuple[Service, Database]) -> Audited:
    """A tenant with a log of 70,000 events."""
    audited = new_audited(*sealing, "large")
    for batch in range(0, LARGE, 10_000):
        audited.send(body(*(login(f"l-{batch + each}") for each in range(10_000))))
    return audited


@pytest.fixture
def client(day: Audited) -> Iterator[httpx.Client]:
    with day.client() as opened:
        yield opened
