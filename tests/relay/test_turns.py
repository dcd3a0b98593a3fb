"""Whose turn it is where a subscription is removed, and one of its name is added."""

import time

import pytest

from app.relay.subscriptions import add_subscription, remove_subscription
from app.relay.turns import SQL, Due, LostError, Turns
from app.tenants import Tenant
from postgres.connections import Pool
from postgres.rows import fetch_all
from tests.recording.sending import login, send
from tests.relay.conftest import Subscribed


class Turn:
    """A look at a subscription that was replaced since by one to another target."""

    def __init__(self, pool: Pool, tenant: Tenant) -> None:
        self.pool = pool
        self.tenant = tenant
        self.turns = Turns(pool, "test", ["webhook"], lease_s=60)
        self.subscribed = Subscribed(pool, tenant, "hook")
        self.add("https://old.example/")
        send(pool, tenant, [login("u1", "p")])

    def add(self, target: str) -> None:
        with self.pool.connection() as connection:
            add_subscription(connection, self.tenant, "hook", "webhook", target, first=1)

    def replace(self) -> None:
        with self.pool.connection() as connection:
            remove_subscription(connection, self.tenant, "hook")
        self.add("https://new.example/")

    def look(self) -> Due:
        """Look at all, as each look does now and then."""
        found = Turns(self.pool, "test", ["webhook"], lease_s=60).look(now_s=time.monotonic())
        return next(each for each in found if each.tenant_id == self.tenant.tenant_id)


@pytest.fixture
def turn(pool: Pool, tenant: Tenant) -> Turn:
    return Turn(pool, tenant)


def test_what_was_looked_at_is_not_what_took_its_name(turn: Turn) -> None:
    old = turn.look()
    turn.replace()
    assert turn.turns.claim(old) is None
    new = turn.look()
    assert new.target == "https://new.example/"
    assert turn.turns.claim(new) is not None


def test_what_was_sent_of_one_is_not_kept_of_what_took_its_name(turn: Turn) -> None:
    old = turn.look()
    assert turn.turns.claim(old) is not None
    turn.replace()
    assert turn.turns.claim(turn.look()) is not None
    with pytest.raises(LostError):
        turn.turns.advance(old, 0, 1, 1)
    turn.turns.fail(old, "it failed", 60)
    turn.turns.give_up(old, "it is gone")
    turn.turns.release(old)
    now = turn.subscribed.now()
    assert (now.position, now.failed, now.state) == (0, 0, "active")
    # It is claimed still.
    assert Turns(turn.pool, "other", ["webhook"], lease_s=60).claim(turn.look()) is None


def test_one_tenant_that_is_asked_for_alone_has_the_same_turns(turn: Turn) -> None:
    """As where a node of a cluster is away: then the tenants of the others are asked for one by one."""

    def alone(tenant_id: int, sender: str) -> list[Due]:
        asked = {"tenant_id": tenant_id, "kinds": ["webhook"], "sender": sender}
        with turn.pool.connection() as connection:
            return fetch_all(connection, SQL.due_alone, asked, Due)

    due = turn.look()
    assert alone(turn.tenant.tenant_id, "test") == [due]
    assert alone(turn.tenant.tenant_id, "other") == [due]
    assert turn.turns.claim(due) is not None
    assert alone(turn.tenant.tenant_id, "test") == [due]
    assert alone(turn.tenant.tenant_id, "other") == []
    turn.turns.advance(due, 0, 1, 1)
    assert alone(turn.tenant.tenant_id, "test") == []
