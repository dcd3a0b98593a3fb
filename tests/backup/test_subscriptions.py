"""Subscriptions after a restore: they go on where the backup's log ends, and nothing is left out."""

from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM

from app.relay.secrets import Secrets
from app.relay.subscriptions import add_subscription
from app.settings import Settings
from app.tenants import list_tenants
from postgres.connections import open_pool
from tests.databases import Database
from tests.http.service import Running, eventually, on, roundbook
from tests.recording.sending import logins, send
from tests.relay.conftest import Subscribed
from tests.relay.receiver import Receiver


def test_what_is_recorded_after_a_restore_is_sent_under_other_ids_and_nothing_twice(
    filled: Database, empty_database: Database, tmp_path: Path
) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"), private_webhooks="allowed")
    by_name = {
        "ROUNDBOOK_DATA_DIR": settings.data_dir,
        "ROUNDBOOK_PRIVATE_WEBHOOKS": settings.private_webhooks,
    }
    file = tmp_path / "acme.backup"
    with Receiver() as receiver:
        with open_pool(filled.service_url, max_size=2) as pool:
            with pool.connection() as connection:
                [tenant] = list_tenants(connection)
                add_subscription(connection, tenant, "hook", "webhook", receiver.url, first=591)
            receiver.secrets.append(Secrets(settings.webhook_path).begin(tenant.name, "hook"))
            _relayed(Subscribed(pool, tenant, "hook"), on(filled) | by_name, tmp_path)
            roundbook("backup", str(file), settings=on(filled))
            send(pool, tenant, logins(["lost-1", "lost-2"]))
            _relayed(Subscribed(pool, tenant, "hook"), on(filled) | by_name, tmp_path)
        before = list(receiver.received)
        assert sorted(each.position for each in before) == list(range(591, 603))

        roundbook("restore", str(file), settings=on(empty_database))
        with open_pool(empty_database.service_url, max_size=2) as pool:
            send(pool, tenant, logins(["anew-1", "anew-2", "anew-3"]))
            _relayed(Subscribed(pool, tenant, "hook"), on(empty_database) | by_name, tmp_path)
    after = receiver.received[len(before) :]
    assert [each.position for each in after] == [601, 602, 603]
    assert [each.message["data"]["unique_id"] for each in after] == ["anew-1", "anew-2", "anew-3"]
    assert {each.id for each in after}.isdisjoint(each.id for each in before)
    assert all(each.valid == (True,) for each in receiver.received)


def _relayed(subscribed: Subscribed, settings: dict[str, str], folder: Path) -> None:
    """Let a relay run until all is sent."""
    with ExitStack() as stack:
        relay = Running(folder, "relay", "webhook", settings=settings)
        stack.callback(relay.ended)
        stack.callback(relay.signal, SIGTERM)
        eventually(subscribed.is_level)
