"""Buckets in the store, which are what the model of them is."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.limits.buckets import Ask, take
from app.limits.limits import (
    WHOLE_TENANT,
    Bucket,
    Limit,
    buckets_of,
    list_limits,
    remove_limit,
    set_limit,
)
from app.tenants import Tenant
from domain.rate_limits import Rate
from postgres.connections import Pool
from tests.limits.hosts import Clock, Store

SLOW = Rate(per_s=1, burst_s=3_600)
"""What comes in while a test runs doesn't count."""


@pytest.fixture
def bucket(tenant: Tenant) -> Bucket:
    return Bucket(tenant.tenant_id, WHOLE_TENANT, "items", SLOW)


def pass_time(pool: Pool, bucket: Bucket, seconds: float) -> None:
    """Let a bucket be as it is some seconds later."""
    with pool.connection() as connection:
        connection.execute(
            "update rate_buckets set full_at = roundbook.later(full_at, %s) where tenant_id = %s",
            [round(-seconds * 1_000_000), bucket.tenant_id],
        )


def test_the_store_answers_as_the_model_does(pool: Pool, bucket: Bucket) -> None:
    clock = Clock()
    model = Store(clock)
    # Each by a margin of some seconds, as the store's clock goes on.
    asked = [1_000, 2_000, 700, 599, 1, 1, 0, 5_000, 1, 20, 3_599, 3_600, 7_000, 1]
    pauses = [0, 0, 0, 10, 0, 0, 500, 0, 4_000, 9_000, 0, 3_599, 3_000, 3_500]
    for amount, pause_s in zip(asked, pauses, strict=True):
        pass_time(pool, bucket, pause_s)
        clock.go_on(pause_s)
        [answer] = take(pool, [Ask(bucket, amount)])
        [expected] = model.take([Ask(bucket, amount)])
        assert answer.granted == expected.granted
        assert answer.level == pytest.approx(expected.level, abs=10)


def test_each_bucket_answers_for_itself_in_the_order_asked(pool: Pool, bucket: Bucket) -> None:
    others = [bucket._replace(what="requests"), bucket._replace(key_id=7), bucket]
    take(pool, [Ask(bucket, 3_000)])
    answers = take(pool, [Ask(others[0], 3_599), Ask(others[1], 5), Ask(others[2], 3_000)])
    assert [answer.granted for answer in answers] == [True, True, False]
    assert [answer.level for answer in answers] == pytest.approx([0, 3_595, 599], abs=10)


def test_takers_at_the_same_time_get_no_more_than_there_is(pool: Pool, bucket: Bucket) -> None:
    both = [bucket, bucket._replace(key_id=3)]

    def take_often(number: int) -> int:
        turned = both if number % 2 else both[::-1]  # which must not lock each other out
        answers = [take(pool, [Ask(each, 39) for each in turned]) for _ in range(30)]
        return sum(answer.granted for pair in answers for answer in pair)

    began = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        granted = sum(threads.map(take_often, range(8)))
    came_in = time.monotonic() - began + 1
    assert 2 * (3_599 // 39) <= granted <= 2 * ((3_599 + came_in) // 39)


def test_a_limit_is_set_found_with_its_key_and_removed(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    tenant, other = new_tenant().tenant_id, new_tenant().tenant_id
    whole = Limit(WHOLE_TENANT, 5, None, 1_000, 10)
    of_key = Limit(4, None, 50, None, 2)
    with pool.connection() as connection:
        assert buckets_of(connection, tenant, 4) == ()
        set_limit(connection, tenant, of_key)
        set_limit(connection, tenant, whole)
        set_limit(connection, other, Limit(WHOLE_TENANT, 1, 1, 1, 1))
        assert list_limits(connection, tenant) == [whole, of_key]
        found = [
            Bucket(tenant, 0, "requests", Rate(5, 10)),
            Bucket(tenant, 0, "bytes", Rate(1_000, 10)),
            Bucket(tenant, 4, "items", Rate(50, 2)),
        ]
        assert buckets_of(connection, tenant, 4) == tuple(found)
        assert buckets_of(connection, tenant, 5) == tuple(found[:2])
        assert remove_limit(connection, tenant, WHOLE_TENANT)
        assert not remove_limit(connection, tenant, WHOLE_TENANT)
        assert list_limits(connection, tenant) == [of_key]


def test_a_limit_that_is_set_anew_begins_with_a_full_bucket(pool: Pool, bucket: Bucket) -> None:
    limit = Limit(WHOLE_TENANT, None, SLOW.per_s, None, SLOW.burst_s)
    assert take(pool, [Ask(bucket, 10_000)])[0].level < 0
    with pool.connection() as connection:
        set_limit(connection, bucket.tenant_id, limit)
    assert take(pool, [Ask(bucket, 100)])[0].level == pytest.approx(3_499, abs=10)
