"""Budgets of bytes: refused at once beyond what is held, in order of arrival for what is worked on."""

import asyncio

import pytest

from app.intake.budgets import Holding, HoldingBudget, OverBudgetError, WorkingBudget


def test_a_request_beyond_the_budget_is_refused_and_what_it_held_is_given_back() -> None:
    budget = HoldingBudget(10)
    one, two = Holding(budget), Holding(budget)
    one.add(6)
    two.add(4)
    with pytest.raises(OverBudgetError):
        two.add(1)
    two.release()
    one.add(4)
    one.release()
    assert budget.held_bytes == 0


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
        await asyncio.sleep(0.01)
        assert order == ["first"]
        gate.set()
        await asyncio.sleep(0.01)
        assert order == ["first", "large", "small"]
        closed.set()
        await asyncio.gather(*tasks)

    asyncio.run(scenario())


def test_a_request_larger_than_the_budget_has_it_for_itself() -> None:
    async def scenario() -> None:
        budget = WorkingBudget(10)
        async with budget.share(1, 1_000):
            waiting = asyncio.create_task(budget.share(1, 1).__aenter__())
            await asyncio.sleep(0.01)
            assert not waiting.done()
        await waiting

    asyncio.run(scenario())


def test_who_leaves_the_queue_holds_up_nobody() -> None:
    async def scenario() -> None:
        budget = WorkingBudget(10)
        async with budget.share(1, 10):
            leaving = asyncio.create_task(budget.share(1, 10).__aenter__())
            staying = asyncio.create_task(budget.share(1, 5).__aenter__())
            await asyncio.sleep(0.01)
            leaving.cancel()
            await asyncio.sleep(0.01)
        await asyncio.wait_for(staying, 1)
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
                await asyncio.sleep(0.01)
                assert not second.done()
            await asyncio.wait_for(second, 1)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 1)

    asyncio.run(scenario())
