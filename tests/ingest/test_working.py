"""What is worked on at once: the next turn is that of the tenant with the least at work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from app.intake.working import WorkingBudget


def test_work_waits_for_room_and_goes_first_come_first_served() -> None:
    order: list[str] = []

    async def work(budget: WorkingBudget, name: str, size: int, gate: asyncio.Event) -> None:
        async with budget.share(1, size):
            order.append(name)
            await gate.wait()

    async def scenario() -> None:
        budget, gate, closed = WorkingBudget(10), asyncio.Event(), asyncio.Event()
        tasks = [asyncio.create_task(work(budget, "first", 8, gate))]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(work(budget, "large", 9, closed)))
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(work(budget, "small", 1, closed)))
        await settled()
        assert order == ["first"]
        gate.set()
        await settled()
        assert order == ["first", "large", "small"]
        closed.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


def test_a_request_larger_than_the_budget_has_it_for_itself() -> None:
    async def scenario() -> None:
        budget = WorkingBudget(10)
        async with budget.share(1, 1_000):
            waiting = asyncio.create_task(budget.share(1, 1).__aenter__())
            await settled()
            assert not waiting.done()
        await waiting

    asyncio.run(scenario())


def test_who_leaves_the_queue_holds_up_nobody() -> None:
    async def scenario() -> None:
        budget = WorkingBudget(10)
        async with budget.share(1, 10):
            leaving = asyncio.create_task(budget.share(1, 10).__aenter__())
            staying = asyncio.create_task(budget.share(1, 5).__aenter__())
            await settled()
            leaving.cancel()
            await settled()
        await asyncio.wait_for(staying, 60)
        assert leaving.cancelled()

    asyncio.run(scenario())


def test_a_tenant_whose_requests_use_up_the_budget_holds_up_no_other() -> None:
    async def scenario() -> None:
        budget = WorkingBudget(10)
        async with budget.share(1, 10):
            waiting = asyncio.create_task(budget.share(1, 1).__aenter__())
            await asyncio.sleep(0)
            async with budget.share(2, 10):
                second = asyncio.create_task(budget.share(2, 1).__aenter__())
                await settled()
                assert not second.done()
            await asyncio.wait_for(second, 60)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 60)

    asyncio.run(scenario())


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Work(NamedTuple):
    """A request that waits or is at work, until it is told to end."""

    tenant_id: int
    wanted: int
    end: asyncio.Event
    task: "asyncio.Task[None]"


class Place:
    """A budget, and who has come to it, in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.budget = WorkingBudget(limit)
        self.at_work: list[Work] = []
        self.waiting: list[Work] = []
        self.let_in: list[Work] = []

    async def come(self, tenant_id: int, wanted: int) -> None:
        end = asyncio.Event()

        async def work() -> None:
            async with self.budget.share(tenant_id, wanted):
                [mine] = [one for one in self.waiting if one.end is end]
                self.waiting.remove(mine)
                self.at_work.append(mine)
                self.let_in.append(mine)
                await end.wait()
                self.at_work.remove(mine)

        self.waiting.append(Work(tenant_id, wanted, end, asyncio.create_task(work())))
        await settled()

    async def end(self, which: int) -> None:
        if self.at_work:
            self.at_work[which % len(self.at_work)].end.set()
            await settled()

    async def give_up(self, which: int) -> None:
        if self.waiting:
            leaving = self.waiting.pop(which % len(self.waiting))
            leaving.task.cancel()
            await settled()

    def bytes_of(self, tenant_id: int) -> int:
        return sum(
            min(one.wanted, self.limit) for one in self.at_work if one.tenant_id == tenant_id
        )

    def check(self) -> None:
        """Nobody waits without need, and no more is at work than is allowed."""
        busy = {one.tenant_id for one in self.at_work}
        assert {one.tenant_id for one in self.waiting} <= busy
        used = sum(map(self.bytes_of, busy))
        largest = sum(
            max(min(one.wanted, self.limit) for one in self.at_work if one.tenant_id == tenant_id)
            for tenant_id in busy
        )
        assert used <= self.limit + largest
        if self.waiting:
            least = min(self.bytes_of(one.tenant_id) for one in self.waiting)
            heads = {one.tenant_id: one for one in reversed(self.waiting)}.values()
            next_ones = [one for one in heads if self.bytes_of(one.tenant_id) == least]
            assert any(min(one.wanted, self.limit) + used > self.limit for one in next_ones)


Step = Callable[[Place], Awaitable[None]]

steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda tenant, wanted: lambda place: place.come(tenant, wanted),
        st.integers(1, 4),
        st.integers(0, 15),
    ),
    st.builds(lambda which: lambda place: place.end(which), st.integers(0, 9)),
    st.builds(lambda which: lambda place: place.give_up(which), st.integers(0, 9)),
)


@given(st.lists(steps, max_size=40))
def test_whatever_comes_and_goes_turns_are_fair_and_all_end(taken: list[Step]) -> None:
    async def scenario() -> None:
        place = Place(10)
        for step in taken:
            await step(place)
            place.check()
        while place.at_work or place.waiting:
            await place.end(0)
            place.check()
        assert place.budget.at_work == 0

    asyncio.run(scenario())


def test_a_tenant_with_much_in_the_queue_does_not_delay_one_with_little() -> None:
    async def scenario() -> None:
        place = Place(10)
        for _ in range(20):
            await place.come(1, 5)
        for _ in range(3):
            await place.come(2, 1)
        await place.end(0)
        assert [one.tenant_id for one in place.let_in] == [1, 1, 2, 2, 2]
        while place.at_work:
            await place.end(0)

    asyncio.run(scenario())
