"""The `eventsourcing` library's own cases for recorders, run against ours."""

import itertools
import os
from collections.abc import Callable
from uuid import uuid4

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    OperationalError,
    StoredEvent,
    TrackingRecorder,
)
from eventsourcing.tests.persistence import (
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    NonInterleavingNotificationIDsBaseCase,
    TrackingRecorderTestCase,
)

from api.tenancy import create_tenant
from app.log.recorder import TenantLog
from app.log.snapshots import SnapshotRecorder
from app.tenants import Tenant, TenantError
from postgres.connections import Pool, connect, open_pool
from projections.tracking import GenerationTracking

_generations = itertools.count(os.getpid() * 1000)


@pytest.fixture(autouse=True)
def _attach(
    request: pytest.FixtureRequest, pool: Pool, new_tenant: Callable[..., Tenant], database_url: str
) -> None:
    """Hand the fixtures to the library's cases, which are unittest's."""
    if request.instance is not None:
        request.instance.pool = pool
        request.instance.new_tenant = new_tenant
        request.instance.database_url = database_url


class _WithDatabase:
    pool: Pool
    new_tenant: Callable[..., Tenant]
    database_url: str

    def new_originator_id(self) -> str:
        return str(uuid4())


class TestTenantLog(_WithDatabase, ApplicationRecorderTestCase[ApplicationRecorder]):
    def create_recorder(self) -> ApplicationRecorder:
        return TenantLog(self.pool, self.new_tenant().tenant_id)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestTenantLogDoesNotInterleave(_WithDatabase, NonInterleavingNotificationIDsBaseCase):
    def create_recorder(self) -> ApplicationRecorder:
        return TenantLog(self.pool, self.new_tenant().tenant_id)


class TestSnapshots(_WithDatabase, AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateRecorder:
        return SnapshotRecorder(self.pool, self.new_tenant().tenant_id)


class TestTracking(_WithDatabase, TrackingRecorderTestCase):
    def create_recorder(self) -> TrackingRecorder:
        # The library's names of applications are names of tenants here; a generation is fresh each time.
        with connect(self.database_url) as connection:
            for name in ("upstream1", "upstream2"):
                try:
                    create_tenant(connection, name)
                except TenantError:
                    continue
        return GenerationTracking(self.pool, next(_generations))


def test_a_store_that_is_away_is_the_librarys_operational_error() -> None:
    with open_pool("postgresql://nobody@127.0.0.1:1/none", max_size=1) as away:
        away.timeout = 0.2
        with pytest.raises(OperationalError):
            TenantLog(away, 1).max_notification_id()
        with pytest.raises(OperationalError):
            TenantLog(away, 1).insert_events([StoredEvent("s", 1, "t", b"")])
