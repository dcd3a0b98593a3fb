"""What a look finds is begun with where it is still so."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from app.relay.relay import Relay
from app.relay.turns import Claimed, Due, Turns
from app.tenants import Tenant
from postgres.connections import Pool
from tests.http.service import eventually
from tests.recording.sending import logins, send
from tests.relay.conftest import Relaying, Subscribed
from tests.relay.receiver import Received, Receiver, Reply


def test_a_turn_that_ends_while_its_subscription_is_looked_at_is_followed_by_no_other(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Callable[..., Subscribed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    under_way, go_on, over = Event(), Event(), Event()
    look, claim, forget = Turns.look, Turns.claim, Relay._forget
    claimed: list[str] = []

    def answer(_: Received) -> Reply:
        under_way.set()
        assert go_on.wait(60)
        return Reply()

    def look_slowly(turns: Turns, *, now_s: float) -> list[Due]:
        is_amid = under_way.is_set() and not over.is_set()
        # What other tests left is none of this one's.
        found = [each for each in look(turns, now_s=now_s) if each.tenant_id == tenant.tenant_id]
        if found and is_amid:
            go_on.set()
            assert over.wait(60)
        return found

    def note_claim(turns: Turns, due: Due) -> Claimed | None:
        claimed.append(due.name)
        return claim(turns, due)

    def note_end(relay: Relay, due: Due, task: Any) -> None:
        forget(relay, due, task)
        over.set()

    monkeypatch.setattr(Turns, "look", look_slowly)
    monkeypatch.setattr(Turns, "claim", note_claim)
    monkeypatch.setattr(Relay, "_forget", note_end)
    receiver.answer = answer
    subscribed = subscribe(receiver)
    send(pool, tenant, logins(["a"]))
    with relaying():
        assert over.wait(60)
        eventually(subscribed.is_level)
    assert claimed == ["hook"]
