"""Of each stream one message is under way at a time, whatever is confirmed or fails, in any order."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.relay.in_order import InOrder
from app.relay.reading import Message


class RefusedError(Exception):
    """A message was refused."""


def message(position: int, stream: str) -> Message:
    return Message(f"id-{position}", "acme", position, stream, "login", "LoggedIn", b"{}", 0.0)


class Target:
    """Confirms in any order, and refuses one message."""

    def __init__(self, seed: int, refused: int | None) -> None:
        self.random = Random(seed)
        self.refused = refused
        self.begun: list[Message] = []
        self.confirmed: list[int] = []
        self.under_way: list[tuple[Message, asyncio.Future[None]]] = []
        self.most_under_way = 0

    async def send(self, sent: Message) -> "asyncio.Future[None]":
        assert sent.stream not in [each.stream for each, _ in self.under_way]
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.begun.append(sent)
        self.under_way.append((sent, future))
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        return future

    async def confirm_all(self) -> None:
        """Confirm for ever, one of those that are under way after the other."""
        while True:
            await asyncio.sleep(0)
            if self.under_way and self.random.random() < 0.7:
                sent, future = self.under_way.pop(self.random.randrange(len(self.under_way)))
                if sent.position == self.refused:
                    future.set_exception(RefusedError())
                else:
                    self.confirmed.append(sent.position)
                    future.set_result(None)


async def sent_by(
    target: Target, streams: Sequence[str], most: int, *, cautious: bool = False
) -> tuple[InOrder, bool]:
    """Send a message of each of these streams, with gaps; gives whether it went well."""
    in_order = InOrder(target.send, most=most, position=0, cautious=cautious)
    confirming = asyncio.create_task(target.confirm_all())
    try:
        for number, stream in enumerate(streams, 1):
            await in_order.put(message(2 * number, stream))
            in_order.pass_over(2 * number + 1)
        await in_order.drain()
    except RefusedError:
        await in_order.stop()
        return in_order, False
    finally:
        confirming.cancel()
    return in_order, True


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(0, 2**32),
    st.booleans(),
)
def test_all_is_sent_in_the_order_of_each_stream(
    streams: list[str], most: int, seed: int, cautious: bool
) -> None:
    target = Target(seed, None)
    in_order, went_well = asyncio.run(sent_by(target, streams, most, cautious=cautious))
    assert went_well
    assert in_order.confirmed == 2 * len(streams) + 1
    assert in_order.delivered == len(streams)
    assert target.most_under_way <= most
    for stream in "abcd":
        positions = [each.position for each in target.begun if each.stream == stream]
        assert positions == sorted(positions)


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(0, 2**32),
    st.data(),
)
def test_nothing_of_a_stream_goes_after_what_failed_and_it_is_known_what_is_confirmed(
    streams: list[str], most: int, seed: int, data: st.DataObject
) -> None:
    refused = 2 * data.draw(st.integers(1, len(streams)))
    target = Target(seed, refused)
    in_order, went_well = asyncio.run(sent_by(target, streams, most))
    assert not went_well
    stream = streams[refused // 2 - 1]
    assert not [each for each in target.begun if each.stream == stream and each.position > refused]
    all_positions = range(2, 2 * len(streams) + 1, 2)
    reached = [each for each in all_positions if each <= in_order.confirmed]
    assert set(reached) <= set(target.confirmed)
    assert in_order.delivered == len(reached)
    # The first one after them is not confirmed: it is known no less than that.
    assert all_positions[len(reached)] not in target.confirmed


def test_who_is_cautious_sends_the_first_message_alone() -> None:
    async def run() -> None:
        target = Target(1, None)
        in_order = InOrder(target.send, most=9, position=0, cautious=True)
        putting = asyncio.create_task(in_order.put(message(1, "a")))
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(target.begun) == 1
        assert not putting.done()
        target.under_way.pop()[1].set_result(None)
        await putting
        for position in range(2, 6):
            await in_order.put(message(position, str(position)))
        assert target.most_under_way == 4

    asyncio.run(run())


def test_what_can_not_be_handed_over_ends_it() -> None:
    async def refuse(_: Message) -> "asyncio.Future[None]":
        raise RefusedError

    async def run() -> None:
        in_order = InOrder(refuse, most=2, position=5)
        with pytest.raises(RefusedError):
            await in_order.put(message(6, "a"))
        await in_order.stop()
        assert in_order.confirmed == 5

    asyncio.run(run())
