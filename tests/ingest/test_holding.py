"""What is held at once: most of it by one alone, and yet room for who comes next."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.holding import Holder, Holding, HoldingBudget, OverBudgetError

LIMIT = 900_000

asks = st.lists(
    st.tuples(
        st.builds(Holder, st.integers(1, 4), st.integers(1, 3)),
        st.integers(0, 300_000),
        st.booleans(),
    ),
    max_size=60,
)


def most(holder: Holder, budget: HoldingBudget) -> int:
    """How much more could be held."""
    low, high = 0, LIMIT + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if budget.can_hold(holder, middle) else (low, middle)
    return low


def after(
    asked: list[tuple[Holder, int, bool]],
) -> tuple[HoldingBudget, list[tuple[Holder, Holding]]]:
    """Ask for all of it, one after the other; some are let go of again."""
    budget = HoldingBudget(LIMIT)
    held = []
    for holder, size, goes in asked:
        holding = Holding(budget, holder)
        try:
            holding.add(size)
        except OverBudgetError:
            continue
        finally:
            if goes:
                holding.release()
        held.append((holder, holding))
    return budget, held


def test_one_alone_holds_two_thirds_and_its_key_two_thirds_of_that() -> None:
    budget = HoldingBudget(LIMIT)
    one, two = Holding(budget, Holder(1, 1)), Holding(budget, Holder(1, 2))
    one.add(400_000)
    with pytest.raises(OverBudgetError):
        one.add(1)
    two.add(133_333)
    with pytest.raises(OverBudgetError):
        two.add(1)
    one.release()
    two.add(200_000)
    two.release()
    assert budget.held_bytes == 0


@given(asks)
def test_no_more_is_ever_held_than_the_limit_and_all_is_given_back(
    asked: list[tuple[Holder, int, bool]],
) -> None:
    budget, held = after(asked)
    assert budget.held_bytes <= LIMIT
    for _, holding in held:
        holding.release()
    assert budget.held_bytes == 0
    assert most(Holder(9, 9), budget) == LIMIT * 4 // 9


@given(asks)
def test_whatever_the_others_hold_a_tenant_that_holds_nothing_has_room(
    asked: list[tuple[Holder, int, bool]],
) -> None:
    budget, held = after(asked)
    tenants = len({holder.tenant_id for holder, _ in held})
    # Each that came takes two thirds of what it finds at most, and leaves a third.
    assert most(Holder(9, 9), budget) >= LIMIT * 4 // 9 // 3**tenants - 10


@given(asks, st.integers(1, 100_000))
def test_who_holds_more_is_refused_before_who_holds_less(
    asked: list[tuple[Holder, int, bool]], size: int
) -> None:
    budget, held = after(asked)
    of_tenants: Counter[int] = Counter()
    for holder, holding in held:
        of_tenants[holder.tenant_id] += holding._bytes
    new_keys = [Holder(tenant_id, 9) for tenant_id in range(1, 5)]
    granted = [of_tenants[new.tenant_id] for new in new_keys if budget.can_hold(new, size)]
    refused = [of_tenants[new.tenant_id] for new in new_keys if not budget.can_hold(new, size)]
    assert max(granted, default=0) <= min(refused, default=LIMIT)


def test_each_of_many_requests_counts_so_that_one_key_can_not_open_them_all() -> None:
    budget = HoldingBudget(LIMIT)
    opened = 0
    while budget.can_hold(Holder(1, 1), 1_000):
        Holding(budget, Holder(1, 1)).add(1_000)
        opened += 1
    assert opened == 400
    assert budget.can_hold(Holder(2, 2), 200_000)
