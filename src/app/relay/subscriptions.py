"""Subscriptions: where a tenant's log is relayed to. This is what operators do with them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from app.log.append import head
from app.tenants import Tenant
from domain.relaying import Kind, topics_of
from postgres.connections import Connection
from postgres.rows import fetch_all, fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Adding, changing and showing subscriptions."""

    add_subscription: Statement
    list_subscriptions: Statement
    pause: Statement
    resume: Statement
    set_position: Statement
    remove_subscription: Statement
    how_subscriptions_are: Statement


SQL = Sql(__file__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


class SubscriptionError(ValueError):
    """What was asked for a subscription can't be done; the message says why."""


class Subscription(Struct, frozen=True):
    """A subscription: all up to `position` was confirmed, and the log ends at `head`.

    `events`: what it is for, None for all. `failures`: how often it failed since something was confirmed;
    `failure` and `failed_at` are of the last time, also where it goes on since. `delivered` and `failed`
    count all messages that were confirmed, and all attempts that were not.
    """

    name: str
    kind: Kind
    target: str
    events: list[str] | None
    position: int
    created_at: datetime
    paused_at: datetime | None
    pause_reason: str | None
    failures: int
    failure: str | None
    failed_at: datetime | None
    not_before: datetime | None
    delivered: int
    failed: int
    head: int

    @property
    def state(self) -> str:
        """Return `paused`, `failing` or `active`."""
        if self.paused_at is not None:
            return "paused"
        return "failing" if self.failures else "active"

    @property
    def lag(self) -> int:
        """Return how many events of the log it has yet to look at."""
        return max(self.head - self.position, 0)


class Health(NamedTuple):
    """How a subscription is, for metrics."""

    tenant: str
    name: str
    paused: bool
    failing: bool
    lag: int
    delivered: int
    failed: int


def add_subscription(
    connection: Connection,
    tenant: Tenant,
    name: str,
    kind: Kind,
    target: str,
    *,
    events: Sequence[str] | None = None,
    first: int | None = None,
) -> int:
    """Add a subscription from the event at position `first` on, by default the next one; gives that position.

    The target is taken as it is. Raises SubscriptionError.
    """
    if not _NAME.fullmatch(name):
        raise SubscriptionError(
            f"{name!r} is no name for a subscription: up to 63 letters, digits, dots, hyphens and underscores"
        )
    if tenant.closed_at is not None:
        raise SubscriptionError(
            f"tenant {tenant.name!r} is closed: nothing is recorded for it that could be sent"
        )
    topics_of(events)
    position = _before(connection, tenant, first)
    row = {
        "tenant_id": tenant.tenant_id,
        "name": name,
        "kind": kind,
        "target": target,
        "events": None if events is None else list(events),
        "position": position,
        "now": datetime.now(UTC),
    }
    if fetch_one(connection, SQL.add_subscription, row, str) is None:
        raise SubscriptionError(f"tenant {tenant.name} has a subscription {name!r} already")
    return position + 1


def list_subscriptions(connection: Connection, tenant: Tenant) -> list[Subscription]:
    """List the subscriptions of a tenant by name."""
    whose = {"tenant_id": tenant.tenant_id}
    return fetch_all(connection, SQL.list_subscriptions, whose, Subscription)


def find_subscription(connection: Connection, tenant: Tenant, name: str) -> Subscription:
    """Find a subscription. Raises SubscriptionError if there is none."""
    for each in list_subscriptions(connection, tenant):
        if each.name == name:
            return each
    raise SubscriptionError(f"tenant {tenant.name} has no subscription {name!r}")


def pause_subscription(connection: Connection, tenant: Tenant, name: str, reason: str) -> bool:
    """Let nothing be sent any more; False where it is paused already. Raises SubscriptionError."""
    find_subscription(connection, tenant, name)
    row = {"tenant_id": tenant.tenant_id, "name": name, "reason": reason}
    return fetch_one(connection, SQL.pause, row, str) is not None


def resume_subscription(connection: Connection, tenant: Tenant, name: str) -> bool:
    """Let it go on where it was, at once; False where it goes on anyhow. Raises SubscriptionError."""
    find_subscription(connection, tenant, name)
    row = {"tenant_id": tenant.tenant_id, "name": name}
    return fetch_one(connection, SQL.resume, row, str) is not None


def replay_subscription(connection: Connection, tenant: Tenant, name: str, first: int) -> None:
    """Let it go on from the event at position `first`. Raises SubscriptionError."""
    position = _before(connection, tenant, first)
    row = {"tenant_id": tenant.tenant_id, "name": name, "position": position}
    if fetch_one(connection, SQL.set_position, row, str) is None:
        raise SubscriptionError(f"tenant {tenant.name} has no subscription {name!r}")


def remove_subscription(connection: Connection, tenant: Tenant, name: str) -> None:
    """Remove a subscription. Raises SubscriptionError."""
    row = {"tenant_id": tenant.tenant_id, "name": name}
    if fetch_one(connection, SQL.remove_subscription, row, str) is None:
        raise SubscriptionError(f"tenant {tenant.name} has no subscription {name!r}")


def how_subscriptions_are(connection: Connection) -> list[Health]:
    """List how the subscriptions of all tenants are."""
    return fetch_all(connection, SQL.how_subscriptions_are, None, Health)


def _before(connection: Connection, tenant: Tenant, first: int | None) -> int:
    """Return the position before the first event that is to be sent. Raises SubscriptionError."""
    last = head(connection, tenant.tenant_id)
    if first is None:
        return last
    if not 1 <= first <= last + 1:
        raise SubscriptionError(
            f"there is no position {first} to begin at: the log of {tenant.name} ends at {last},"
            f" so it is 1 to {last + 1}"
        )
    return first - 1
