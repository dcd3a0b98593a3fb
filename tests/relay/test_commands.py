"""`roundbook subscription` and `roundbook relay`, as operators type them."""

import itertools
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from api.cli.commands import run
from api.tenancy import create_tenant
from app.tenants import TenantError
from postgres.connections import connect
from tests.cli.conftest import Run, refused, served
from tests.databases import Database
from tests.http.conftest import folder, service, start
from tests.http.service import Running, Service, eventually, on, roundbook
from tests.http.wire import EVENTS, body, login
from tests.relay.receiver import Receiver

__all__ = ["folder", "refused", "served", "service", "start"]

Typed = Callable[..., tuple[str, str]]

_numbers = itertools.count(1)


class Acme(NamedTuple):
    """A tenant, the service that it is of, and a key to send with."""

    name: str
    service: Service
    key: str


@pytest.fixture
def settings(served: Database, tmp_path: Path) -> dict[str, str]:
    """Settings by which webhooks may go to this host, with their secrets in a folder of the test."""
    return on(served) | {
        "ROUNDBOOK_WEBHOOK_SECRETS": str(tmp_path / "secrets"),
        "ROUNDBOOK_PRIVATE_WEBHOOKS": "allowed",
    }


@pytest.fixture
def typed(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """A function that runs a command in this process, which is quicker, and gives what it wrote."""

    def command(*arguments: str) -> tuple[str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["roundbook", *arguments])
            for name in [name for name in os.environ if name.startswith("ROUNDBOOK_")]:
                patch.delenv(name)
            for name, value in settings.items():
                patch.setenv(name, value)
            run()
        return capsys.readouterr()

    return command


@pytest.fixture
def acme(start: Callable[..., Service], settings: dict[str, str]) -> Acme:
    """A tenant of a service, and a client that may send."""
    service = start(settings=settings)
    name = f"acme-{os.getpid()}-{next(_numbers)}"
    service.new_tenant(name)
    return Acme(name, service, service.new_key(name))


def test_subscriptions_are_added_shown_changed_and_removed(
    acme: Acme, typed: Typed, settings: dict[str, str], tmp_path: Path
) -> None:
    name, service, key = acme
    assert typed("subscription", "list", name) == ("", f"tenant {name} has no subscriptions\n")
    with Receiver() as receiver, service.client(key) as client:
        client.post(EVENTS, content=body(login("l1")))
        secret, said = typed("subscription", "add", name, "hook", "webhook", receiver.url)
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", secret)
        assert said == "it begins with position 2\n"
        receiver.secrets.append(secret.strip())
        _, said = typed("subscription", "add", name, "hook", "webhook", receiver.url)
        assert said == f"Error: tenant {name} has a subscription 'hook' already\n"
        nats = ("nats", "casino.{tenant}", "--event", "WinPaid")
        typed("subscription", "add", name, "wins", *nats)
        typed("subscription", "pause", name, "wins", "--reason", "for now")
        relay = Running(tmp_path, "relay", settings=settings)
        try:
            client.post(EVENTS, content=body(login("l2")))
            # Where it is sent back before what was sent is counted, that never is.
            level = f"hook\twebhook\t{receiver.url}\tall\tactive\t2\t0\t1\t0\n"
            eventually(lambda: typed("subscription", "list", name)[0].startswith(level))
            typed("subscription", "replay", name, "hook", "--from", "1")
            eventually(lambda: len(receiver.received) == 3)
            assert receiver.positions() == [2, 1, 2]
            rotated, _ = typed("subscription", "rotate-secret", name, "hook")
            receiver.secrets.append(rotated.strip())
            client.post(EVENTS, content=body(login("l3")))
            eventually(lambda: len(receiver.received) == 4)
            assert [each.valid for each in receiver.received] == [*[(True,)] * 3, (True, True)]

            def metrics() -> str:
                return client.get("/metrics").text

            hook = f'{{subscription="hook",tenant="{name}"}}'
            eventually(lambda: f"roundbook_subscription_delivered_total{hook} 4.0" in metrics())
            assert f"roundbook_subscription_lag_events{hook} 0.0" in metrics()
            assert f'subscription_paused{{subscription="wins",tenant="{name}"}} 1.0' in metrics()
            relay.stop()  # in good order, when it is told to
        finally:
            relay.process.kill()
        assert secret.strip() not in relay.log()
        listed, _ = typed("subscription", "list", name)
        assert listed.splitlines() == [
            f"hook\twebhook\t{receiver.url}\tall\tactive\t3\t0\t4\t0",
            "wins\tnats\tcasino.{tenant}\tWinPaid\tpaused\t1\t2\t0\t0",
        ]
    shown, _ = typed("subscription", "show", name, "wins")
    assert dict(line.split("\t") for line in shown.splitlines())["why paused"] == "for now"
    assert typed("subscription", "resume", name, "wins") == ("", "")
    unchanged = "nothing was changed: subscription wins goes on\n"
    assert typed("subscription", "resume", name, "wins") == ("", unchanged)
    typed("subscription", "remove", name, "hook")
    assert list(Path(settings["ROUNDBOOK_WEBHOOK_SECRETS"], name).iterdir()) == []


def test_they_go_with_their_tenant(acme: Acme, typed: Typed, settings: dict[str, str]) -> None:
    name, service, _ = acme
    typed("subscription", "add", name, "hook", "webhook", "https://example.com/", "--from", "1")
    folder = Path(settings["ROUNDBOOK_WEBHOOK_SECRETS"], name)
    assert [file.name for file in folder.iterdir()] == ["hook"]
    typed("tenant", "close", name, "--reason", "over")
    _, said = typed("subscription", "add", name, "late", "webhook", "https://example.com/")
    why = "is closed: nothing is recorded for it that could be sent"
    assert said == f"Error: tenant {name!r} {why}\n"
    typed("tenant", "remove", name, "--reason", "over", "--confirm", name)
    assert not folder.exists()
    said = f"Error: there is no tenant {name!r}\n"
    assert typed("subscription", "list", name) == ("", said)
    with connect(service.store_url) as connection:
        left = connection.execute(
            "select 1 from subscriptions where tenant_id not in (select tenant_id from tenants)"
        ).fetchall()
    assert left == []


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
    refused: Run, served: Database, arguments: list[str], why: str
) -> None:
    with connect(served.service_url) as connection, suppress(TenantError):
        create_tenant(connection, "T")
    assert why in refused("subscription", *arguments)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["subscription", "add", "T", "x", "webhook", "ftp://example.com"],
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
def test_misuse_is_said(typed: Typed, arguments: list[str], why: str) -> None:
    out, err = typed(*arguments)
    assert out == ""
    assert why in " ".join(err.split())


def test_a_relay_needs_the_broker_of_what_it_is_to_relay_to(served: Database) -> None:
    ended = roundbook("relay", "nats", settings=on(served), check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: ROUNDBOOK_BROKER_URL: is not set")
