"""More subscriptions than are sent at once: each has its turn, also beside one that is never level."""

import asyncio
from collections.abc import Callable

import pytest

from app.relay import relay
from app.relay.reading import Message
from app.relay.turns import Due
from app.tenants import Tenant
from postgres.connections import Pool
from tests.http.service import eventually
from tests.recording.sending import login, send
from tests.relay.conftest import Relaying, Subscribed
from tests.relay.receiver import Receiver


class Endless:
    """Opens targets of which the first has something recorded for each message, until the other has one."""

    def __init__(self, pool: Pool, tenant: Tenant) -> None:
        self.pool = pool
        self.tenant = tenant
        self.sent: list[str] = []

    async def open(self, due: Due) -> "_Target":
        return _Target(self, due.name)

    async def close(self) -> None:
        pass


class _Target:
    most = 1

    def __init__(self, all_: Endless, name: str) -> None:
        self.all = all_
        self.name = name

    async def send(self, message: Message) -> "asyncio.Future[None]":
        self.all.sent.append(self.name)
        if "other" not in self.all.sent:
            more = login(f"after-{message.position}", "p")
            await asyncio.to_thread(send, self.all.pool, self.all.tenant, [more])
        confirmed = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed

    async def close(self) -> None:
        pass


def test_who_never_is_level_makes_room_for_who_waits(
    pool: Pool,
    tenant: Tenant,
    subscribe: Callable[..., Subscribed],
    receiver: Receiver,
    relaying: Relaying,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "_MOST_AT_ONCE", 1)
    monkeypatch.setattr(relay, "_TURN_S", 0.0, raising=False)
    endless = Endless(pool, tenant)
    first = subscribe(receiver, name="first")
    other = subscribe(receiver, name="other")
    # More than are read at once, so that there always is more.
    send(pool, tenant, [login(f"u{number}", "p") for number in range(20)])
    with relaying(by={"webhook": lambda: endless}):
        eventually(lambda: "other" in endless.sent)
        eventually(other.is_level)
        eventually(first.is_level)
    assert endless.sent.count("other") == endless.sent.count("first") == other.now().delivered
