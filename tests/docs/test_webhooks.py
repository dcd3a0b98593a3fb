"""The example that receives webhooks: killed at any moment, it keeps each event once."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx

from app.log.erasure import Why, erase
from app.relay.subscriptions import replay_subscription, resume_subscription
from app.tenants import Tenant
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.faults.places import free_port
from tests.http.service import eventually
from tests.recording.sending import login, send
from tests.relay.conftest import Relaying, Subscribed, relaying, secrets, settings, subscribe
from tests.relay.receiver import Receiver

__all__ = ["relaying", "secrets", "settings", "subscribe"]

RECEIVE = Path(__file__).parents[2] / "examples" / "receive.py"


@contextmanager
def receiving(port: str, path: Path, secret: str) -> Iterator[subprocess.Popen[str]]:
    """Run the example; it is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, str(RECEIVE), f"127.0.0.1:{port}", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"WEBHOOK_SECRET": secret},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Receiving on http://127.0.0.1:{port}\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def answered(port: str, length: str) -> int:
    """What is answered where a body is said to be so long, and none comes."""
    with closing(HTTPConnection("127.0.0.1", int(port), timeout=60)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("content-length", length)
        connection.endheaders()
        return connection.getresponse().status


def test_each_event_is_kept_once_whoever_is_killed_and_what_is_erased_is_forgotten(
    pool: Pool,
    database: Database,
    tenant: Tenant,
    relaying: Relaying,
    subscribe: Callable[..., Subscribed],
    tmp_path: Path,
) -> None:
    port, path, known = free_port(), tmp_path / "received.db", Receiver()
    subscribed = subscribe(known, url=f"http://127.0.0.1:{port}/")
    (secret,) = known.secrets

    def kept() -> list[tuple[int, str | None]]:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("select position, data from events order by position")
            return rows.fetchall()

    def again() -> None:
        with pool.connection() as connection:
            resume_subscription(connection, tenant, "hook")

    send(pool, tenant, [login(f"u{number}", f"p{number % 7}") for number in range(200)])
    with relaying("webhook"):
        with receiving(port, path, secret):
            eventually(lambda: len(kept()) > 50)
        with receiving(port, path, f"whsec_b3RoZXI= {secret}"):
            again()
            eventually(subscribed.is_level)
            with pool.connection() as connection:
                replay_subscription(connection, tenant, "hook", 100)
            eventually(subscribed.is_level)
            with connect(database.owner_url) as owner:
                erase(owner, tenant.tenant_id, "p3", Why("asked", "us"), before=None)
            eventually(subscribed.is_level)
            unsigned = httpx.post(
                f"http://127.0.0.1:{port}/", json={"position": 1}, trust_env=False, timeout=60
            )
            assert unsigned.status_code == 401
            claims = ["-1", "x", "+1", "9" * 5000, "99999999"]
            assert [answered(port, claim) for claim in claims] == [411, 411, 411, 413, 413]
            found = kept()
    assert [position for position, _ in found] == list(range(1, 202))
    erased = [position for position, data in found if data is None]
    assert erased == [number + 1 for number in range(200) if number % 7 == 3]
    assert json.loads(found[0][1] or "")["data"]["unique_id"] == "u0"
