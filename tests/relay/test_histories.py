"""Positions that are given again, after a restore, are of other messages; those that stay are of the same."""

from collections.abc import Iterator

import pytest

from api.tenancy import create_tenant
from app.log.histories import begin_another_history
from app.relay.reading import MESSAGES_AT_ONCE, Message, read_piece
from app.tenants import Tenant
from postgres.connections import Pool, connect, open_pool
from tests.databases import Database
from tests.recording.sending import logins, send


@pytest.fixture
def own_pool(fresh_database: Database) -> Iterator[Pool]:
    with open_pool(fresh_database.service_url, max_size=4) as pool:
        yield pool


def messages(pool: Pool, tenant: Tenant, *events: str) -> list[Message]:
    """All that would be sent."""
    found: list[Message] = []
    after, has_more = 0, True
    while has_more:
        with pool.connection() as connection:
            piece = read_piece(connection, tenant.tenant_id, tenant.name, events or None, after)
        found += piece.messages
        after, has_more = piece.until, piece.has_more
    return found


def test_ids_are_of_the_history_in_which_positions_were_given(
    own_pool: Pool, fresh_database: Database
) -> None:
    with own_pool.connection() as connection:
        tenant = create_tenant(connection, "acme")
    send(own_pool, tenant, logins(["a", "b"]))
    before = messages(own_pool, tenant)
    with connect(fresh_database.owner_url) as owner:
        begin_another_history(owner)
    send(own_pool, tenant, logins(["c"]))
    with connect(fresh_database.owner_url) as owner:
        begin_another_history(owner)
    send(own_pool, tenant, logins(["d"]))
    after = messages(own_pool, tenant)
    assert [each.id for each in after[:2]] == [each.id for each in before]
    logs = [each.id.partition("-")[0] for each in after]
    assert logs[0] == logs[1]
    assert len(set(logs)) == 3
    assert [each.id.partition("-")[2] for each in after] == ["1", "2", "3", "4"]


def test_pieces_are_of_bounded_size_and_end_at_the_head(pool: Pool, tenant: Tenant) -> None:
    number = 2 * MESSAGES_AT_ONCE + 1
    send(pool, tenant, logins([f"u{each}" for each in range(number)]))
    assert [each.position for each in messages(pool, tenant)] == list(range(1, number + 1))
    with pool.connection() as connection:
        first = read_piece(connection, tenant.tenant_id, tenant.name, None, 0)
        assert (len(first.messages), first.until, first.has_more) == (
            MESSAGES_AT_ONCE,
            MESSAGES_AT_ONCE,
            True,
        )
        none = read_piece(connection, tenant.tenant_id, tenant.name, ["game"], 0)
        assert (none.messages, none.until, none.has_more) == ([], number, False)
        beyond = read_piece(connection, tenant.tenant_id, tenant.name, None, number)
        assert beyond == ([], number, False)
