"""The register of refused items: bounded, kept for 30 days, and gone with its player."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.tenancy import create_tenant
from app import refused
from app.log.erasure import Why, erase
from app.refused import KEPT, RefusedFilters, Register, find_refused, forget_old
from app.tenants import find_tenant
from app.wire.faults import Fault
from app.wire.forms import LeftOut
from postgres.connections import Connection, Pool, connect, open_pool
from tests.databases import Database

FAULT = Fault("/items/3/data/amount", "negative", "must not be negative")


def item(unique_id: str, *player_ids: str, data: bytes = b'{"amount":-1}') -> LeftOut:
    return LeftOut(3, "/items/3", "events", unique_id, "deposit", [*player_ids], data, [FAULT])


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    with open_pool(database.service_url, max_size=2) as opened:
        yield opened


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


def tenant(pool: Pool, name: str) -> int:
    with pool.connection() as connection:
        create_tenant(connection, name, [])
        return find_tenant(connection, name).tenant_id


def kept(pool: Pool, tenant_id: int) -> list[str | None]:
    with pool.connection() as connection:
        page = find_refused(connection, tenant_id, RefusedFilters(), None, 1_000)
    return [each.unique_id for each in page.items]


def grow_older(owner: Connection, tenant_id: int, unique_id: str, by: timedelta) -> None:
    owner.execute(
        "update roundbook.refused_items set last_received_at = roundbook.later(last_received_at, %s)"
        " where tenant_id = %s and unique_id = %s",
        (-by // timedelta(microseconds=1), tenant_id, unique_id),
    )


def test_the_newest_are_kept_where_there_are_too_many(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "MOST_ITEMS", 100)
    one, other = tenant(pool, "many"), tenant(pool, "few")
    register = Register(pool)
    register.add(other, [item("theirs")])
    for number in range(150):
        register.add(one, [item(f"u{number}")])
    assert kept(pool, one) == [f"u{number}" for number in range(149, 49, -1)]
    assert kept(pool, other) == ["theirs"]


def test_the_newest_are_kept_where_they_are_too_large(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "MOST_BYTES", 5_000)
    whose = tenant(pool, "large")
    register = Register(pool)
    for number in range(20):
        register.add(whose, [item(f"u{number}", data=b'"%s"' % (b"x" * 1_000))])
    assert kept(pool, whose) == ["u19", "u18", "u17", "u16"]


def test_what_was_not_sent_again_for_thirty_days_is_not_shown_and_goes(
    pool: Pool, owner: Connection
) -> None:
    whose = tenant(pool, "old")
    register = Register(pool)
    register.add(whose, [item("old"), item("again"), item("new")])
    grow_older(owner, whose, "old", KEPT)
    grow_older(owner, whose, "again", KEPT - timedelta(minutes=1))
    assert set(kept(pool, whose)) == {"again", "new"}
    forget_old(pool)
    left = owner.execute(
        "select unique_id from roundbook.refused_items where tenant_id = %s order by 1", [whose]
    )
    assert left.fetchall() == [("again",), ("new",)]
    register.add(whose, [item("again")])
    grow_older(owner, whose, "again", timedelta(days=29))
    assert set(kept(pool, whose)) == {"again", "new"}


def test_what_names_a_player_goes_with_the_player(pool: Pool, owner: Connection) -> None:
    one, other = tenant(pool, "erasing"), tenant(pool, "beside")
    register = Register(pool)
    register.add(one, [item("a", "p"), item("b", "q", "p"), item("c", "q"), item("d")])
    register.add(other, [item("e", "p")])
    erased = erase(owner, one, "p", Why("asked", "us"))
    assert (erased.record_position, erased.refused) == (None, 2)
    assert set(kept(pool, one)) == {"c", "d"}
    assert kept(pool, other) == ["e"]


def test_what_is_ignored_is_not_kept(pool: Pool) -> None:
    whose = tenant(pool, "ignoring")
    Register(pool).add(whose, [LeftOut(0, "/0", "events", "a", "x", [], b"{}", [])])
    assert kept(pool, whose) == []


def test_two_processes_register_the_same_at_once(pool: Pool) -> None:
    whose = tenant(pool, "twice")
    items = [item(f"u{number}") for number in range(500)]
    Register(pool).add(whose, items)
    Register(pool).add(whose, items[::-1])
    assert len(kept(pool, whose)) == 500
    with pool.connection() as connection:
        page = find_refused(connection, whose, RefusedFilters(unique_id="u7"), None, 10)
    [found] = page.items
    assert (found.times, found.errors) == (2, [Fault("/data/amount", FAULT.code, FAULT.detail)])
