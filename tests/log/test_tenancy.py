"""A tenant has a log and read models, or there is no such tenant."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from api import tenancy
from api.tenancy import create_tenant
from app.log.append import head
from app.tenants import TenantError, find_tenant, list_tenants
from postgres.connections import Connection, connect
from projections.tracking import Live, live
from tests.databases import Database


def test_a_tenant_begins_with_an_empty_log_and_read_models_that_show_it(
    fresh_database: Database,
) -> None:
    with connect(fresh_database.service_url) as connection:
        tenant = create_tenant(connection, "t", ["BTC"])
        assert find_tenant(connection, "t") == tenant
        assert tenant.currencies == ["BTC"]
        assert head(connection, tenant.tenant_id) == 0
        assert live(connection, tenant.tenant_id) == Live(1, 0)
        assert live(connection, tenant.tenant_id + 1) is None


def test_where_read_models_can_not_begin_there_is_no_tenant(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(tenancy, "begin", fail)
    with connect(fresh_database.service_url) as connection:
        with pytest.raises(OSError, match="gone"):
            create_tenant(connection, "t")
        assert list_tenants(connection) == []


def test_tenants_that_are_created_at_once_are_all_whole(fresh_database: Database) -> None:
    names = [f"t{number}" for number in range(6)]
    together = Barrier(len(names))

    def create(name: str) -> int:
        with connect(fresh_database.service_url) as connection:
            together.wait()
            return create_tenant(connection, name).tenant_id

    with ThreadPoolExecutor(len(names)) as threads:
        created = list(threads.map(create, names))
    assert sorted(created) == [1, 2, 3, 4, 5, 6]
    with connect(fresh_database.service_url) as connection:
        assert [live(connection, each) for each in created] == [Live(1, 0)] * len(names)


def test_of_two_with_one_name_one_is_created(fresh_database: Database) -> None:
    together = Barrier(2)

    def create(_: int) -> str:
        with connect(fresh_database.service_url) as connection:
            together.wait()
            try:
                return create_tenant(connection, "t").name
            except TenantError as error:
                return str(error)

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(create, range(2))) == ["t", "tenant 't' exists already"]


def test_it_can_be_part_of_a_larger_transaction(fresh_database: Database) -> None:
    class UndoneError(Exception):
        pass

    def undo(connection: Connection) -> None:
        with connection.transaction():
            create_tenant(connection, "t")
            raise UndoneError

    with connect(fresh_database.service_url) as connection:
        with pytest.raises(UndoneError):
            undo(connection)
        assert list_tenants(connection) == []
