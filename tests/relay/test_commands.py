"""`roundbook subscription` and `roundbook relay`, as operators type them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Run, refused, run, served
from tests.databases import Database
from tests.http.conftest import folder, service, start
from tests.http.service import Running, Service, eventually, on, roundbook
from tests.http.wire import EVENTS, body, login
from tests.relay.receiver import Receiver

__all__ = ["folder", "refused", "run", "served", "service", "start"]


@pytest.fixture
def settings(served: Database, tmp_path: Path) -> dict[str, str]:
    """Settings by which webhooks may go to this host, with their secrets in a folder of the test."""
    return on(served) | {
        "ROUNDBOOK_WEBHOOK_SECRETS": str(tmp_path / "secrets"),
        "ROUNDBOOK_PRIVATE_WEBHOOKS": "allowed",
    }


def test_a_subscription_from_its_beginning_to_its_end(
    served: Database, start: Callable[..., Service], settings: dict[str, str], tmp_path: Path
) -> None:
    service = start(settings=settings)
    service.new_tenant("acme")
    key = service.new_key("acme")

    def subscription(*arguments: str, check: bool = True) -> tuple[str, str]:
        ended = roundbook("subscription", *arguments, settings=settings, check=check)
        return ended.stdout, ended.stderr

    assert subscription("list", "acme") == ("", "tenant acme has no subscriptions\n")
    with Receiver() as receiver, service.client(key) as client:
        client.post(EVENTS, content=body(login("l1")))
        secret, said = subscription("add", "acme", "hook", "webhook", receiver.url)
        assert said == "it begins with position 2\n"
        receiver.secrets.append(secret.strip())
        _, said = subscription("add", "acme", "hook", "webhook", receiver.url, check=False)
        assert said == "Error: tenant acme has a subscription 'hook' already\n"
        subscription("add", "acme", "nats", "nats", "casino.{tenant}", "--event", "WinPaid")
        subscription("pause", "acme", "nats", "--reason", "for now")
        relay = Running(tmp_path, "relay", settings=settings)
        try:
            client.post(EVENTS, content=body(login("l2")))
            eventually(lambda: len(receiver.received) == 1)
            subscription("replay", "acme", "hook", "--from", "1")
            eventually(lambda: len(receiver.received) == 3)
            assert receiver.positions() == [2, 1, 2]
            assert all(each.valid == (True,) for each in receiver.received)
            rotated, _ = subscription("rotate-secret", "acme", "hook", "--overlap-hours", "1")
            receiver.secrets.append(rotated.strip())
            client.post(EVENTS, content=body(login("l3")))
            eventually(lambda: len(receiver.received) == 4)
            assert receiver.received[-1].valid == (True, True)
            eventually(lambda: "\tactive\t3\t0\t4\t0" in subscription("list", "acme")[0])
            listed, _ = subscription("list", "acme")
            assert listed.splitlines() == [
                f"hook\twebhook\t{receiver.url}\tall\tactive\t3\t0\t4\t0",
                "nats\tnats\tcasino.{tenant}\tWinPaid\tpaused\t1\t2\t0\t0",
            ]
            shown = subscription("show", "acme", "nats")[0]
            assert dict(line.split("\t") for line in shown.splitlines())["why paused"] == "for now"

            def told() -> str:
                return client.get("/metrics").text

            labels = '{subscription="hook",tenant="acme"}'
            eventually(lambda: f"roundbook_subscription_delivered_total{labels} 4.0" in told())
            assert f"roundbook_subscription_lag_events{labels} 0.0" in told()
            assert 'subscription_paused{subscription="nats",tenant="acme"} 1.0' in told()
            # A relay that is told to end, ends.
            relay.stop()
        finally:
            relay.process.kill()
        assert secret.strip() not in relay.log()
    assert subscription("resume", "acme", "nats") == ("", "")
    assert "goes on" in subscription("resume", "acme", "nats")[1]
    folder = Path(settings["ROUNDBOOK_WEBHOOK_SECRETS"], "acme")
    assert [file.name for file in folder.iterdir()] == ["hook"]
    subscription("remove", "acme", "hook")
    assert list(folder.iterdir()) == []
    secret, _ = subscription(
        "add", "acme", "hook", "webhook", "https://example.com/", "--from", "1"
    )
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", secret)
    roundbook("tenant", "close", "acme", "--reason", "over", settings=settings)
    roundbook(
        "tenant", "remove", "acme", "--reason", "over", "--confirm", "acme", settings=settings
    )
    assert not folder.exists()
    _, said = subscription("list", "acme", check=False)
    assert said == "Error: there is no tenant 'acme'\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["add", "T", "x y", "webhook", "https://example.com"],
            "'x y' is no name for a subscription",
        ),
        (
            ["add", "T", "x", "webhook", "https://example.com", "--from", "9"],
            "the log of T ends at 0, so it is 1 to 1",
        ),
        (["add", "nobody", "x", "webhook", "https://example.com"], "there is no tenant 'nobody'"),
        (["show", "T", "x"], "tenant T has no subscription 'x'"),
        (["pause", "T", "x"], "tenant T has no subscription 'x'"),
        (["resume", "T", "x"], "tenant T has no subscription 'x'"),
        (["replay", "T", "x", "--from", "1"], "tenant T has no subscription 'x'"),
        (["remove", "T", "x"], "tenant T has no subscription 'x'"),
        (["rotate-secret", "T", "x"], "tenant T has no subscription 'x'"),
    ],
)
def test_what_can_not_be_done_is_said(
    run: Run, refused: Run, served: Database, arguments: list[str], why: str
) -> None:
    if "T" not in roundbook("tenant", "list", settings=on(served)).stdout.split():
        run("tenant", "create", "T")
    assert why in refused("subscription", *arguments)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["subscription", "add", "T", "x", "webhook", "http://example.com"],
            "it must begin with https://",
        ),
        (["subscription", "add", "T", "x", "nats", "a.*"], "a subject is"),
        (["subscription", "add", "T", "x", "pigeon", "a"], "'pigeon' is not one of"),
        (
            ["subscription", "add", "T", "x", "nats", "a", "--event", "nothing"],
            "'nothing' is not one of",
        ),
        (["relay", "pigeon"], "'pigeon' is not one of"),
    ],
)
def test_misuse_is_said(served: Database, arguments: list[str], why: str) -> None:
    ended = roundbook(*arguments, settings=on(served), check=False)
    assert ended.returncode == 2
    assert why in ended.stderr


def test_a_relay_needs_the_broker_of_what_it_is_to_relay_to(served: Database) -> None:
    ended = roundbook("relay", "nats", settings=on(served), check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ROUNDBOOK_BROKER_URL: is not set")
