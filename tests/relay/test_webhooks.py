"""Webhooks as their receivers see them: what comes, in which order, and what becomes of answers."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest

from app.log.erasure import Erased
from app.log.history import HistoryFilters
from app.log.history_lines import replay
from app.relay import sending
from app.relay.secrets import Secrets
from app.relay.subscriptions import (
    pause_subscription,
    remove_subscription,
    replay_subscription,
    resume_subscription,
)
from app.settings import Settings
from app.tenants import Tenant
from postgres.connections import Pool
from tests.databases import Database
from tests.erasure.conftest import erased, owner
from tests.http.service import eventually, on
from tests.recording.sending import login, send
from tests.relay.conftest import Relaying, Subscribed
from tests.relay.killing import relay_while_some_are_killed
from tests.relay.receiver import Received, Receiver, Reply, in_order_of_streams
from tests.strategies import WireItem

__all__ = ["erased", "owner"]

Subscribe = Callable[..., Subscribed]

DEPOSIT = WireItem(
    "deposit",
    '{"unique_id":"d","timestamp":"2025-06-15T12:00:00Z","player_id":"p","amount":1,"currency":"EUR","method":"card"}',
)


def logins(first: int, last: int, players: int = 5) -> list[WireItem]:
    """Logins with these numbers, of some players in turn."""
    return [login(f"u{number}", f"p{number % players}") for number in range(first, last + 1)]


def history(pool: Pool, tenant: Tenant) -> list[dict[str, object]]:
    lines = b"".join(replay(pool, tenant.tenant_id, HistoryFilters())).splitlines()
    return [json.loads(line) for line in lines]


def test_each_event_comes_once_signed_in_order_as_history_shows_it(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    send(pool, tenant, logins(1, 150))
    subscribed = subscribe(receiver)
    with relaying("webhook"):
        eventually(subscribed.is_level)
        send(pool, tenant, logins(151, 160))
        eventually(lambda: len(receiver.received) == 160)
        eventually(subscribed.is_level)
    assert all(each.valid == (True,) for each in receiver.received)
    messages = [each.message for each in receiver.received]
    assert in_order_of_streams(messages)
    told = sorted(messages, key=lambda message: message["position"])
    shown = history(pool, tenant)
    of_both = zip(shown, told, strict=True)
    assert [
        {"id": message["id"], "tenant": tenant.name, **entry} for entry, message in of_both
    ] == told
    assert len({each.id for each in receiver.received}) == 160
    assert all(each.id == each.message["id"] for each in receiver.received)
    now = subscribed.now()
    assert (now.position, now.lag, now.delivered, now.failed, now.state) == (
        160,
        0,
        160,
        0,
        "active",
    )


def test_whoever_is_killed_when_all_arrives_signed_in_order_and_repeats_have_the_same_ids(
    pool: Pool,
    database: Database,
    tenant: Tenant,
    receiver: Receiver,
    subscribe: Subscribe,
    settings: Settings,
) -> None:
    subscribed = subscribe(receiver)

    def recording() -> None:
        for first in range(1, 1_001, 50):
            send(pool, tenant, logins(first, first + 49, players=20))

    relay_while_some_are_killed(
        "webhook",
        subscribed,
        recording,
        goals=[150, 400, 650, 900],
        settings=on(database)
        | {
            "ROUNDBOOK_DATA_DIR": settings.data_dir,
            "ROUNDBOOK_PRIVATE_WEBHOOKS": settings.private_webhooks,
            "ROUNDBOOK_RELAY_LEASE_S": "1",
        },
    )
    assert all(each.valid == (True,) for each in receiver.received)
    firsts = receiver.first_arrivals()
    assert sorted(each.position for each in firsts) == list(range(1, 1_001))
    assert in_order_of_streams([each.message for each in firsts])
    assert len({(each.id, each.position) for each in receiver.received}) == 1_000


def test_filters_leave_out_what_is_not_asked_for_and_the_position_goes_on(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribed = subscribe(receiver, "Deposited")
    none = subscribe(receiver, "game", name="none")
    send(pool, tenant, [*logins(1, 3), DEPOSIT, *logins(4, 6)])
    with relaying():
        eventually(subscribed.is_level)
        eventually(none.is_level)
    assert [each.message["type"] for each in receiver.received] == ["Deposited"]
    assert receiver.received[0].valid == (True, False)
    assert (subscribed.now().delivered, none.now().delivered) == (1, 0)


def test_what_is_refused_is_sent_again_later_alone_first_and_nothing_is_passed_over(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    send(pool, tenant, logins(1, 40))
    refusals = [Reply(503, body=b"not now"), Reply(302, {"location": "/"})]
    subscribed = subscribe(receiver)

    def answer(got: Received) -> Reply:
        return refusals.pop(0) if got.position == 7 and refusals else Reply(200, body=b"ok")

    receiver.answer = answer
    with relaying():
        eventually(subscribed.is_level)
    assert refusals == []
    firsts = receiver.first_arrivals()
    assert sorted(each.position for each in firsts) == list(range(1, 41))
    assert in_order_of_streams([each.message for each in firsts])
    tries = [nth for nth, each in enumerate(receiver.received) if each.position == 7]
    assert len(tries) == 3
    # While it fails nothing else is tried.
    assert tries[1] + 1 == tries[2]
    assert len({receiver.received[nth].id for nth in tries}) == 1
    now = subscribed.now()
    assert (now.failed, now.failures, now.failure) == (
        2,
        0,
        "answered 302: redirects are not followed",
    )


def test_a_target_says_how_long_it_wants_to_be_left_alone(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    send(pool, tenant, logins(1, 1))
    receiver.answer = lambda _: Reply(429, {"retry-after": "1000"}, b"later")
    subscribed = subscribe(receiver)
    with relaying():
        eventually(lambda: subscribed.now().failures == 1)
        now = subscribed.now()
    assert now.state == "failing"
    assert now.failure == "answered 429: later"
    assert now.failed_at is not None
    assert now.not_before is not None
    assert now.not_before - now.failed_at == timedelta(seconds=1000)
    receiver.answer = lambda _: Reply()
    with pool.connection() as connection:
        assert resume_subscription(connection, tenant, "hook")
    with relaying():
        eventually(subscribed.is_level)


def test_who_is_gone_is_sent_nothing_more_until_somebody_resumes_it(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    send(pool, tenant, logins(1, 1))
    receiver.answer = lambda _: Reply(410)
    subscribed = subscribe(receiver)
    with relaying():
        eventually(lambda: subscribed.now().state == "paused")
        assert (
            subscribed.now().pause_reason == "answered 410: it is gone, and wants nothing any more"
        )
        send(pool, tenant, logins(2, 9))
        assert subscribed.now().position == 0
        receiver.answer = lambda _: Reply()
        with pool.connection() as connection:
            assert resume_subscription(connection, tenant, "hook")
        eventually(subscribed.is_level)
    # Of several players, and so in any order.
    assert receiver.positions()[0] == 1
    assert sorted(receiver.positions()[1:]) == list(range(1, 10))


@pytest.mark.parametrize("status", [410, 500])
def test_an_answer_forges_nothing_that_operators_see(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    status: int,
) -> None:
    send(pool, tenant, logins(1, 1))
    body = "a\r\nstate\tactive\x1b[2J\0\x9b\u2028\u202eb".encode()
    receiver.answer = lambda _: Reply(status, body=body)
    subscribed = subscribe(receiver)
    with relaying():
        eventually(lambda: subscribed.now().failures > 0)
    now = subscribed.now()
    said = f"answered {status}: a state active\ufffd[2J\ufffd\ufffd \ufffdb"
    assert (now.failure or "").startswith(said)
    assert now.pause_reason == (now.failure if status == 410 else None)


def test_a_target_that_is_away_gets_all_when_it_is_back_and_others_do_not_wait(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    with Receiver() as away:
        gone, there = subscribe(away, name="away"), subscribe(receiver, name="there")
        away.go_away()
        with relaying():
            for first in range(1, 100, 10):
                send(pool, tenant, logins(first, first + 9))
            eventually(there.is_level)
            eventually(lambda: gone.now().failures > 0)
            assert gone.now().position == 0
            away.come_back()
            with pool.connection() as connection:
                resume_subscription(connection, tenant, "away")
            eventually(gone.is_level)
        firsts = away.first_arrivals()
        assert sorted(each.position for each in firsts) == list(range(1, 101))
        assert in_order_of_streams([each.message for each in firsts])
    assert len(receiver.received) == 100


def test_who_hangs_holds_up_neither_who_records_nor_other_targets(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    begun, go_on = Event(), Event()

    def hang(_: Received) -> Reply:
        begun.set()
        assert go_on.wait(60)
        return Reply()

    with Receiver() as hanging:
        hanging.answer = hang
        hung, level = subscribe(hanging, name="hanging"), subscribe(receiver, name="level")
        with relaying():
            send(pool, tenant, logins(1, 10))
            assert begun.wait(60)
            for first in range(11, 60, 10):
                send(pool, tenant, logins(first, first + 9))
            eventually(level.is_level)
            assert hung.now().position == 0
            go_on.set()
            eventually(hung.is_level)
        assert sorted(each.position for each in hanging.first_arrivals()) == list(range(1, 61))


def test_what_is_paused_is_not_sent_and_what_is_replayed_comes_again_with_the_same_ids(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribed = subscribe(receiver)
    send(pool, tenant, logins(1, 10))
    with relaying():
        eventually(subscribed.is_level)
        with pool.connection() as connection:
            assert pause_subscription(connection, tenant, "hook", "for repairs")
            assert not pause_subscription(connection, tenant, "hook", "again")
        send(pool, tenant, logins(11, 12))
        assert (subscribed.now().state, subscribed.now().pause_reason) == ("paused", "for repairs")
        assert len(receiver.received) == 10
        with pool.connection() as connection:
            replay_subscription(connection, tenant, "hook", 4)
            assert resume_subscription(connection, tenant, "hook")
            assert not resume_subscription(connection, tenant, "hook")
        eventually(subscribed.is_level)
    assert sorted(receiver.positions()[10:]) == list(range(4, 13))
    assert len({each.id for each in receiver.received}) == 12


def test_replaying_takes_a_subscription_out_of_the_hands_of_who_sends(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribed = subscribe(receiver)
    send(pool, tenant, logins(1, 30, players=1))
    halfway, go_on = Event(), Event()

    def answer(got: Received) -> Reply:
        if got.position == 15 and not halfway.is_set():
            halfway.set()
            assert go_on.wait(60)
        return Reply()

    receiver.answer = answer
    with relaying():
        assert halfway.wait(60)
        with pool.connection() as connection:
            replay_subscription(connection, tenant, "hook", 1)
        go_on.set()
        eventually(lambda: receiver.positions().count(30) > 0 and subscribed.is_level())
    assert receiver.positions().count(1) == 2
    assert in_order_of_streams([each.message for each in receiver.first_arrivals()])


def test_both_secrets_sign_until_the_older_one_ends(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    secrets: Secrets,
) -> None:
    subscribed = subscribe(receiver)
    receiver.secrets.append(secrets.rotate(tenant.name, "hook", overlap=timedelta(hours=1)))
    with relaying():
        send(pool, tenant, logins(1, 1))
        eventually(subscribed.is_level)
        receiver.secrets.append(secrets.rotate(tenant.name, "hook", overlap=timedelta(0)))
        send(pool, tenant, logins(2, 2))
        eventually(subscribed.is_level)
    assert [each.valid for each in receiver.received] == [(True, True), (False, False, True)]
    signatures = receiver.received[0].headers["webhook-signature"].split(" ")
    assert [each.partition(",")[0] for each in signatures] == ["v1", "v1"]


def test_of_an_erased_player_nothing_comes_out_any_more(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    erased: Callable[..., Erased],
) -> None:
    send(pool, tenant, [login("u1", "p", username='"Maria"'), login("u2", "q", username='"Olga"')])
    # It failed before, and is left alone since: what was read then must not be sent now.
    receiver.answer = lambda _: Reply(503, {"retry-after": "1000"})
    subscribed = subscribe(receiver)
    with relaying():
        eventually(lambda: subscribed.now().failures > 0)
        seen = len(receiver.received)
        record = erased(tenant, "p")
        receiver.answer = lambda _: Reply()
        with pool.connection() as connection:
            resume_subscription(connection, tenant, "hook")
        eventually(subscribed.is_level)
    messages = {each.position: each.message for each in receiver.received[seen:]}
    assert messages[1]["data"] is None
    assert messages[1]["erased"] == 3
    assert messages[2]["data"]["username"] == "Olga"
    assert messages[3]["event"] == "erased"
    assert messages[3]["data"]["positions"] == [1]
    assert record is not None
    assert all("Maria" not in json.dumps(message) for message in messages.values())


@pytest.mark.parametrize("players", [1, 200])
def test_what_is_erased_while_a_target_hangs_does_not_come_out_of_memory(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    erased: Callable[..., Erased],
    monkeypatch: pytest.MonkeyPatch,
    players: int,
) -> None:
    """With one player the others wait for the first, with many they wait to be put in."""
    monkeypatch.setattr(sending, "_OLD_S", -1.0)
    others = [login(f"o{each}", f"o{each}") for each in range(players - 1)]
    marias = [login(f"u{each}", "p", username='"Maria"') for each in range(50)]
    send(pool, tenant, [login("u", "p"), *others, *marias])
    begun, go_on = Event(), Event()

    def hang(_: Received) -> Reply:
        begun.set()
        assert go_on.wait(60)
        return Reply()

    receiver.answer = hang
    subscribed = subscribe(receiver)
    with relaying():
        assert begun.wait(60)
        assert erased(tenant, "p") is not None
        go_on.set()
        eventually(subscribed.is_level)
    messages = [each.message for each in receiver.received]
    assert sorted(each["position"] for each in messages) == list(range(1, len(messages) + 1))
    assert len(messages) == 1 + len(others) + len(marias) + 1
    assert "Maria" not in json.dumps(messages)


def test_what_was_removed_is_sent_nothing(
    pool: Pool, tenant: Tenant, relaying: Relaying, receiver: Receiver, subscribe: Subscribe
) -> None:
    subscribed, other = subscribe(receiver), subscribe(receiver, name="other")
    with relaying():
        send(pool, tenant, logins(1, 1))
        eventually(subscribed.is_level)
        eventually(other.is_level)
        with pool.connection() as connection:
            remove_subscription(connection, tenant, "hook")
        send(pool, tenant, logins(2, 2))
        eventually(other.is_level)
    assert sorted(receiver.positions()) == [1, 1, 2]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/", "it must begin with https://"),
        ("https://127.0.0.1:9/", "127.0.0.1 is 127.0.0.1, which is not public"),
        ("https://localhost:9/", "which is not public"),
        ("https://169.254.169.254/latest/meta-data", "which is not public"),
        ("https://[::ffff:10.0.0.1]/", "which is not public"),
    ],
)
def test_webhooks_go_nowhere_within_unless_that_is_allowed(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    settings: Settings,
    url: str,
    why: str,
) -> None:
    send(pool, tenant, logins(1, 1))
    subscribed = subscribe(receiver, url=url)
    with relaying(settings=Settings(data_dir=settings.data_dir)):
        eventually(lambda: subscribed.now().failures > 0)
    assert why in (subscribed.now().failure or "")
    assert receiver.received == []


def test_without_its_secret_nothing_is_sent(
    pool: Pool,
    tenant: Tenant,
    relaying: Relaying,
    receiver: Receiver,
    subscribe: Subscribe,
    secrets: Secrets,
) -> None:
    subscribed = subscribe(receiver)
    secrets.remove(tenant.name, "hook")
    send(pool, tenant, logins(1, 1))
    with relaying():
        eventually(lambda: subscribed.now().failures > 0)
    assert "there is no secret" in (subscribed.now().failure or "")
    assert receiver.received == []
