"""Targets that hang where they are opened or closed, as brokers do that are half gone."""

import asyncio
from collections.abc import Callable

import pytest

from app.relay import relay
from app.relay.reading import Message
from app.relay.turns import Due
from app.tenants import Tenant
from postgres.connections import Pool
from tests.http.service import eventually
from tests.recording.sending import logins, send
from tests.relay.conftest import Relaying, Subscribed
from tests.relay.receiver import Receiver


class Hanging:
    """Opens nothing at first, then targets that take everything and are never closed."""

    most = 10

    def __init__(self) -> None:
        self.opened = 0
        self.taken: list[int] = []

    async def open(self, due: Due) -> "Hanging":
        self.opened += 1
        if self.opened == 1:
            await asyncio.Event().wait()
        return self

    async def send(self, message: Message) -> "asyncio.Future[None]":
        self.taken.append(message.position)
        confirmed = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed

    async def close(self) -> None:
        await asyncio.Event().wait()


def test_what_hangs_is_given_up_and_tried_again(
    pool: Pool,
    tenant: Tenant,
    subscribe: Callable[..., Subscribed],
    receiver: Receiver,
    relaying: Relaying,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "_PATIENCE_S", 0.2)
    hook, hanging = subscribe(receiver), Hanging()
    send(pool, tenant, logins(["a"]))
    with relaying(by={"webhook": lambda: hanging}):
        eventually(lambda: hook.now().failed == 1)
        assert hook.now().failure == "it did not open within 0.2 s"
        eventually(hook.is_level)
        send(pool, tenant, logins(["b"]))
        eventually(hook.is_level)
    assert hanging.taken == [1, 2]
