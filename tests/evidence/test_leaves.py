"""What is appended is hashed, by one place: each leaf is that of its row, and told in the receipt."""

from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from hypothesis import given

from app.log import append
from app.log.append import head, locked_log
from app.log.heads import StreamHeads
from app.log.recorder import TenantLog
from app.recording import commit, prepare
from app.tenants import Tenant
from domain.evidence.leaves import commitment, content, leaf, leaf_hashes
from postgres.connections import Pool, connect
from tests.databases import Database
from tests.evidence.reading import expected_hashes, recorded_hashes, rows_of
from tests.recording.sending import decoded, login, logins, send
from tests.strategies import WireItem, batches

_TO_2000 = 946_684_800_000_000


class Example(NamedTuple):
    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    occurred_at: int | None
    key: str | None
    salt: str
    state: bytes
    leaf_hash: str


EXAMPLES = [
    Example(
        1,
        "player:StQ-1",
        1,
        "BetPlaced",
        1736942400123456,
        1736942400000000,
        "c8cc2e9f9e93211bfa00f8cf8c66cc45",
        "",
        b'{"unique_id":"bet-1","timestamp":"2025-01-15T12:00:00Z","player_id":"StQ-1",'
        b'"game_id":"btg/bonanza","round_id":"r1","amount":0.50,"currency":"EUR","is_win":false,'
        b'"is_bonus":false}',
        "fdeab125f98c5c4adcde79f5446f33ad752712087245296dab7ec2ebe7ec9d93",
    ),
    Example(
        2,
        "player:StQ-1",
        2,
        "PlayerUpdated",
        1736942400123456,
        1736942401000000,
        "7083e30344774110508e4736d10d3bc2",
        "000102030405060708090a0b0c0d0e0f",
        b'{"unique_id":"p-1","timestamp":"2025-01-15T12:00:01Z","player_id":"StQ-1","country":"SE"}',
        "b799610259de71933773e915c429a235923b4363cfea42a672bb6a5350e9f7eb",
    ),
    Example(
        3,
        "game:btg/bonanza",
        1,
        "GameUpdated",
        1736942400223456,
        None,
        None,
        "",
        b"{}",
        "a3db8424e2091abdfaceaf5dd91c555a1178a0b296177e012b02fd5a39000b68",
    ),
]
LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.topic)
def test_leaves_are_those_of_the_documented_examples(example: Example) -> None:
    committed = content(
        example.stream,
        example.topic,
        None if example.key is None else bytes.fromhex(example.key),
        None if example.occurred_at is None else example.occurred_at - _TO_2000,
        commitment(bytes.fromhex(example.salt), example.state),
    )
    place = (example.position, example.recorded_at - _TO_2000, example.version)
    assert leaf_hashes(LOG_ID, [place], [committed]).hex() == example.leaf_hash
    assert len(leaf(LOG_ID, *place, committed)) == 69


@given(sent=batches())
def test_each_leaf_is_that_of_its_row_and_the_one_in_the_receipt(
    pool: Pool, new_tenant: Callable[..., Tenant], sent: list[WireItem]
) -> None:
    tenant = new_tenant("BTC", "USDT")
    receipts = [send(pool, tenant, sent), send(pool, tenant, sent)]
    with pool.connection() as connection:
        expected = expected_hashes(connection, tenant.tenant_id)
        salts = [row["salt"] for row in rows_of(connection, tenant.tenant_id)]
        assert recorded_hashes(connection, tenant.tenant_id) == expected
    for item in (item for receipt in receipts for item in receipt.items):
        if item.outcome == "stored":
            assert b64decode(str(item.leaf_hash)) == expected[item.position - 1]
            assert (item.salt or "") == salts[item.position - 1].hex()


@pytest.mark.parametrize("events", [1, append._PIECE, append._PIECE + 1])
def test_few_and_many_are_hashed_alike(
    pool: Pool, new_tenant: Callable[..., Tenant], events: int
) -> None:
    tenant = new_tenant()
    send(pool, tenant, logins(map(str, range(events))))
    with pool.connection() as connection:
        hashes = recorded_hashes(connection, tenant.tenant_id)
        assert hashes == expected_hashes(connection, tenant.tenant_id)
    assert len(set(hashes)) == events


def test_appending_nothing_leaves_room_for_what_comes_next(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    assert not TenantLog(pool, tenant.tenant_id).insert_events([])
    send(pool, tenant, [login("a")])
    with pool.connection() as connection:
        hashes = recorded_hashes(connection, tenant.tenant_id)
        assert hashes == expected_hashes(connection, tenant.tenant_id)
    assert len(hashes) == 1


def test_only_what_can_be_erased_has_a_salt_and_no_two_have_the_same(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    game = WireItem("game", '{"unique_id":"g","timestamp":"2025-01-15T12:00:00Z","game_id":"g"}')
    send(pool, tenant, [*logins("ab"), game])
    with pool.connection() as connection:
        salts = [row["salt"] for row in rows_of(connection, tenant.tenant_id)]
    assert [len(salt) for salt in salts] == [16, 16, 0]
    assert salts[0] != salts[1]


def test_what_shared_a_transaction_has_its_own_hashes(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    send(pool, tenant, [login("b")])
    batch = prepare(decoded(tenant, [*logins("ab"), *logins("bcd")]))
    recorded = commit(pool, tenant.tenant_id, batch, StreamHeads())
    first, second = (part.receipt().items for part in recorded.split([2, 3]))
    with pool.connection() as connection:
        expected = expected_hashes(connection, tenant.tenant_id)
    told = [
        None if item.outcome != "stored" else b64decode(str(item.leaf_hash))
        for item in [*first, *second]
    ]
    assert told == [expected[1], None, None, expected[2], expected[3]]


def test_events_of_the_library_are_hashed_too(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    log = TenantLog(pool, tenant.tenant_id)
    log.insert_events([StoredEvent("free", version, "Any", b"\x00\xff") for version in range(3)])
    with pool.connection() as connection:
        hashes = recorded_hashes(connection, tenant.tenant_id)
        assert hashes == expected_hashes(connection, tenant.tenant_id)
        assert len(hashes) == 3


def test_times_of_recording_never_decrease_though_the_clock_goes_back(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant = new_tenant()
    with pool.connection() as connection, locked_log(connection, tenant.tenant_id) as log:
        ahead = log.now + timedelta(minutes=4)
        batch = prepare(decoded(tenant, logins("a")))
        append.copy(connection, log._replace(now=ahead), [1], batch.rows, batch.contents)
    send(pool, tenant, logins("b"))
    TenantLog(pool, tenant.tenant_id).insert_events([StoredEvent("free", 1, "Any", b"{}")])
    with pool.connection() as connection:
        times = [row["recorded_at"] for row in rows_of(connection, tenant.tenant_id)]
    assert times[0] == ahead
    assert all(one <= other for one, other in pairwise(times))


def test_a_tenant_of_an_older_version_gets_a_log_with_its_first_event(
    fresh_database: Database,
) -> None:
    with connect(fresh_database.owner_url) as owner:
        owner.execute("insert into tenants values (1, 'older', now())")
    with connect(fresh_database.service_url) as connection:
        with locked_log(connection, 1) as log:
            assert len(log.log_id) == 16
        with locked_log(connection, 1) as again:
            assert again._replace(now=log.now) == log
        assert head(connection, 1) == 0


@pytest.mark.parametrize(
    "change",
    [
        "update logs set log_id = log_id",
        "update leaf_runs set hashes = hashes",
        "delete from logs",
        "delete from leaf_runs",
        "truncate logs",
        "truncate leaf_runs",
    ],
)
def test_neither_the_service_nor_the_owner_changes_hashes(database: Database, change: str) -> None:
    for url in (database.service_url, database.owner_url):
        with (
            connect(url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(change.encode())
