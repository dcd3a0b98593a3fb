"""What is personal of a player goes, in whatever dialect it came."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from api.tenancy import create_tenant
from app.log.erasure import Why, erase
from app.recording import record
from app.wire.currencies import ISO_4217
from app.wire.forms import Form, decode_form
from postgres.connections import Connection, Pool, connect
from tests.databases import Database

NOON = "2025-01-15T12:00:00Z"


@pytest.fixture
def owner(database: Database) -> Iterator[Connection]:
    with connect(database.owner_url) as connection:
        yield connection


def sent(pool: Pool, tenant_id: int, *items: tuple[str, dict[str, Any]]) -> None:
    body = json.dumps(
        [{"event": event, "data": {"timestamp": NOON, **data}} for event, data in items]
    ).encode()
    now = datetime.now(UTC)
    form = Form("fasttrack")
    batch = decode_form(body, form, currencies=ISO_4217, now=now, max_event_bytes=10_000)
    record(pool, tenant_id, batch.items)


def test_profiles_logins_consents_and_blocks_go_and_money_stays(
    pool: Pool, owner: Connection
) -> None:
    tenant_id = create_tenant(owner, "erasing-payloads", []).tenant_id
    paid = {
        "type": "credit",
        "amount": 1,
        "currency": "EUR",
        "vendor_name": "x",
        "status": "approved",
    }
    personal = ("user", "login", "consents", "blocks")
    for user in (7, "q"):
        whose = {"user_id": user}
        sent(
            pool,
            tenant_id,
            *(
                (event, {**whose, "unique_id": f"{event}-{user}", "name": "Ada"})
                for event in personal
            ),
            ("realtime-payment", {**whose, **paid, "payment_id": f"paid-{user}"}),
        )
        # A conflict of each: other content under the same id.
        sent(
            pool,
            tenant_id,
            *(
                (event, {**whose, "unique_id": f"{event}-{user}", "name": "Eve"})
                for event in personal
            ),
        )
    erased = erase(owner, tenant_id, "7", Why("asked", "us"))
    assert (erased.record_position, erased.events, erased.conflicts) == (11, 4, 4)
    left = owner.execute(
        "select stream, topic from roundbook.events where tenant_id = %s and state is not null"
        " and key is not null order by position",
        [tenant_id],
    ).fetchall()
    assert left == [
        ("player:7", "Deposited.fasttrack"),
        ("player:q", "PlayerUpdated.fasttrack"),
        ("player:q", "LoggedIn.fasttrack"),
        ("player:q", "ConsentsUpdated.fasttrack"),
        ("player:q", "BlocksUpdated.fasttrack"),
        ("player:q", "Deposited.fasttrack"),
    ]
    kept = owner.execute(
        "select count(*) from roundbook.conflicts where tenant_id = %s and data is not null",
        [tenant_id],
    ).fetchone()
    assert kept == (4,)
    salted = owner.execute(
        "select count(*) from roundbook.events where tenant_id = %s and salt <> ''", [tenant_id]
    ).fetchone()
    assert salted == (4,)
