"""Spending within limits, by several processes that know nothing of each other."""

import asyncio
import math
import time
from fractions import Fraction
from itertools import cycle

from hypothesis import given
from hypothesis import strategies as st

from app.limits.limiter import Amounts
from domain.rate_limits import LEASE_S
from tests.limits.hosts import Hosts, bucket

HOSTS = 3

moments = st.one_of(
    st.just(Fraction(0)),
    st.integers(0, 30).map(lambda ms: Fraction(ms, 1000)),
    st.integers(0, 3).map(Fraction),
)
requests = st.tuples(st.integers(0, HOSTS - 1), moments, st.integers(1, 30))


@given(
    per_s=st.integers(1, 200),
    burst_s=st.integers(1, 5),
    trip=st.integers(0, 400).map(lambda ms: Fraction(ms, 1000)),
    sent=st.lists(requests, max_size=60),
)
def test_all_processes_together_never_spend_more_than_the_limit_says(
    per_s: int, burst_s: int, trip: Fraction, sent: list[tuple[int, Fraction, int]]
) -> None:
    """In any stretch of time: the burst, what comes in meanwhile, and one request larger than the bucket."""

    async def scenario() -> None:
        hosts, limit = Hosts(HOSTS), bucket(per_s, burst_s)
        hosts.store.trip_s = trip
        spent: list[tuple[Fraction, Fraction, int]] = []
        for host, pause, amount in sent:
            hosts.clock.go_on(pause)
            began = hosts.clock.now
            if not await hosts.spend(host, {"items": amount}, limit):
                spent.append((began, hosts.clock.now, amount))
        largest = max([0, *(amount for *_, amount in spent if amount > limit.rate.full)])
        for first, (began, _, _) in enumerate(spent):
            together = 0
            for _, ended, amount in spent[first:]:
                together += amount
                # What is on its way for long was granted when it was asked for, at the earliest.
                assert together <= per_s * (burst_s + ended - began) + largest

    asyncio.run(scenario())


@given(
    per_s=st.integers(1, 500),
    burst_s=st.integers(1, 5),
    trip=st.integers(0, 300).map(lambda ms: Fraction(ms, 1000)),
    before=st.lists(requests, max_size=20),
    amount=st.integers(1, 3000),
    host=st.integers(0, HOSTS - 1),
)
def test_who_comes_again_when_it_was_told_to_is_let_in_if_nobody_else_was(
    per_s: int,
    burst_s: int,
    trip: Fraction,
    before: list[tuple[int, Fraction, int]],
    amount: int,
    host: int,
) -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(HOSTS), bucket(per_s, burst_s)
        hosts.store.trip_s = trip
        for other, pause, size in before:
            hosts.clock.go_on(pause)
            await hosts.spend(other, {"items": size}, limit)
        # What others have taken since this process last heard of the bucket, it hears when it asks.
        for _ in range(2):
            wait_s = await hosts.spend(host, {"items": amount}, limit)
            hosts.clock.go_on(math.ceil(wait_s))
        assert wait_s == 0 or not await hosts.spend(host, {"items": amount}, limit)

    asyncio.run(scenario())


def test_what_is_told_is_true_of_the_whole_request() -> None:
    """Its bytes were spent when its items were too many: they are spent again when it is sent again."""

    async def scenario() -> None:
        hosts = Hosts(1)
        limits = (bucket(1, 5, "items"), bucket(10, 10, "bytes"))
        whole: Amounts = {"items": 4, "bytes": 90}
        await hosts.spend(0, {"items": 3}, *limits)
        assert not await hosts.spend(0, {"bytes": 90}, *limits)
        wait_s = await hosts.spend(0, {"items": 4}, *limits, again=whole)
        assert wait_s > 2.2 + 5
        hosts.clock.go_on(math.ceil(wait_s))
        assert not await hosts.spend(0, {"bytes": 90}, *limits)
        assert not await hosts.spend(0, {"items": 4}, *limits, again=whole)

    asyncio.run(scenario())


def test_a_request_larger_than_the_bucket_goes_through_once_it_is_full_and_is_paid_for() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(2), bucket(10, 2)
        assert not await hosts.spend(0, {"items": 100}, limit)
        assert math.ceil(await hosts.spend(1, {"items": 1}, limit)) == 9
        assert math.ceil(await hosts.spend(0, {"items": 100}, limit)) == 10
        hosts.clock.go_on(10)
        assert not await hosts.spend(1, {"items": 100}, limit)

    asyncio.run(scenario())


def test_many_that_wait_together_share_a_trip_and_no_debt() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(1), bucket(10, 5)
        assert await hosts.spend_at_once(0, [{"items": 1}] * 200, limit) == limit.rate.full == 48
        assert hosts.store.trips <= 10
        assert hosts.store.full_at[limit[:3]] <= hosts.clock.now + 5

    asyncio.run(scenario())


def test_many_that_wait_together_lose_nothing_where_an_answer_takes_long() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(1), bucket(10, 20)
        hosts.store.trip_s = Fraction(1)  # and all that is taken in advance is stale
        taken = 0
        for _ in range(20):
            taken += await hosts.spend_at_once(0, [{"items": 1}] * 20, limit)
        assert taken >= limit.rate.full
        passed_s = hosts.clock.now - 1_000
        assert taken >= min(400, limit.rate.full + 10 * float(passed_s) - 20)

    asyncio.run(scenario())


def test_a_flood_is_refused_at_once_beyond_what_may_wait_and_costs_little_for_each() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(1), bucket(100_000, 10)
        hosts.store.trip_s = Fraction(1, 10)
        flood = [hosts.spend(0, {"items": 1}, limit) for _ in range(5_000)]
        began_s = time.process_time()
        waits = await asyncio.gather(*flood)
        # Each that waits looks at no other but when the store answers: 5 s where each looks at all.
        assert time.process_time() - began_s < 3
        assert waits.count(0) == 1_000
        assert sum(wait_s == 1 for wait_s in waits) == 4_000

    asyncio.run(scenario())


def test_a_load_within_the_limit_is_never_refused_and_most_of_it_costs_no_trip() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(2), bucket(1_000, 2)
        for _, host in zip(range(60_000), cycle([0, 1, 1]), strict=False):
            assert not await hosts.spend(host, {"items": 1}, limit)
            hosts.clock.go_on(1 / 950)
        assert hosts.store.trips < 60_000 / 20

    asyncio.run(scenario())


def test_batches_that_come_seldom_lose_nothing_that_was_taken_in_advance() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(1), bucket(10_000, 2)
        for pause in [0.9 * LEASE_S, 1.1 * LEASE_S] * 300:
            assert not await hosts.spend(0, {"items": round(10_000 * LEASE_S * 0.98)}, limit)
            hosts.clock.go_on(pause)

    asyncio.run(scenario())


def test_who_is_refused_all_the_time_costs_the_store_next_to_nothing() -> None:
    async def scenario() -> None:
        hosts, limit = Hosts(1), bucket(1_000, 1)
        spent = 0
        for _ in range(20_000):  # of 10 s
            spent += 5 * (not await hosts.spend(0, {"items": 5}, limit))
            hosts.clock.go_on(1 / 2_000)
        assert 0.9 * 10_000 < spent <= 11_000
        assert hosts.store.trips < 3 * 10 / 0.02

    asyncio.run(scenario())


def test_a_key_that_is_refused_takes_nothing_from_its_tenant_and_a_tenant_holds_all_its_keys() -> (
    None
):
    async def scenario() -> None:
        hosts = Hosts(1)
        tenant, first, second = bucket(100, 2), bucket(10, 2, key_id=1), bucket(200, 2, key_id=2)
        for _ in range(500):
            await hosts.spend(0, {"items": 1}, tenant, first)
        # Of 180: 18 went to the first key, and what was taken beside its last ones went stale.
        left = hosts.limiters[0].left(tenant)
        assert 150 <= left <= 162
        hosts.clock.go_on(0.1)
        through = sum([not await hosts.spend(0, {"items": 1}, tenant, second) for _ in range(500)])
        assert 150 <= through <= 172

    asyncio.run(scenario())


def test_another_limit_holds_at_once() -> None:
    async def scenario() -> None:
        hosts = Hosts(1)
        assert not await hosts.spend(0, {"items": 8}, bucket(10, 1))
        assert await hosts.spend(0, {"items": 8}, bucket(10, 1))
        hosts.store.full_at.clear()  # as whoever sets one does
        assert not await hosts.spend(0, {"items": 800}, bucket(1_000, 1))

    asyncio.run(scenario())
