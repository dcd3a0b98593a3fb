"""Whose request begins when many are sent at once."""

import asyncio
import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from litestar.types import Message

from api.http.leaving import HAS_LEFT, NO_MORE_COMES
from api.http.refusals import REFUSAL
from api.http.starting import PER_TURN, Asker, Starts, another_turn, fair_starts
from tests.databases import Database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import Wire

PATH = "GET /api/v1/players?limit=1"
REFUSED = "GET /api/v1/players?limit=0"  # ends as it begins: no thread and no store are asked
MANY = 200


def order(service: Service) -> list[str]:
    """In which order the named requests ended."""
    return [
        line["request_id"]
        for line in service.log_lines()
        if line["event"] == "request" and line["request_id"].startswith(("busy", "quiet"))
    ]


def test_a_request_does_not_wait_for_all_that_another_tenant_sent_before(
    fresh_database: Database, tmp_path: Path
) -> None:
    with serving(tmp_path, settings=on(fresh_database)) as service, ExitStack() as stack:
        for name in ("busy", "quiet"):
            service.new_tenant(name)
        wires = [stack.enter_context(Wire(service.address)) for _ in range(MANY + 1)]
        *many, one = wires
        busy, quiet = (service.new_key(name, "read") for name in ("busy", "quiet"))
        # None is idle for long: after five seconds it would be ended.
        for wire in wires:
            wire.request("GET /health/live", {})
        for wire in wires:  # each is accepted
            assert wire.answer("GET").status_code == 200
        # The keys are looked up last: who has one that is not known waits for the store, not for others.
        for wire, key in ((many[0], busy), (one, quiet)):
            wire.request(PATH, {"x-api-key": key})
            assert wire.answer("GET").status_code == 200

        [worker] = service.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            # All of them are there when it looks again, the quiet tenant's as the last.
            for number, wire in enumerate(many):
                wire.request(PATH, {"x-api-key": busy, "x-request-id": f"busy-{number}"})
            one.request(REFUSED, {"x-api-key": quiet, "x-request-id": "quiet"})
        finally:
            os.kill(worker, signal.SIGCONT)
        assert one.answer("GET").status_code == 422
        assert {wire.answer("GET").status_code for wire in many} <= {200, 429}
        eventually(lambda: len(order(service)) == MANY + 1)
        assert order(service).index("quiet") < MANY / 10


async def begun(starts: Starts, askers: list[Asker]) -> list[Asker]:
    """In which order those who ask at the same time begin."""
    found: list[Asker] = []

    async def ask(asker: Asker) -> None:
        await starts.turn(asker)
        found.append(asker)

    async with asyncio.TaskGroup() as group:
        for asker in askers:
            group.create_task(ask(asker))
    return found


def test_tenants_have_turns_and_keys_of_each_and_strangers_together_are_one() -> None:
    async def run() -> None:
        strangers = [Asker(None, f"192.0.2.{number}") for number in range(40)]
        first, second = Asker(1, 11), Asker(1, 12)
        asked = [*strangers, *[first] * 20, second, Asker(2, 21)]
        found = await begun(Starts(per_turn=1), asked)
        assert sorted(map(str, found)) == sorted(map(str, asked))
        assert found.index(Asker(2, 21)) <= 3
        assert found.index(second) <= 6
        # From then on strangers and the first key take turns.
        assert found[6:46:2].count(first) in {0, 18, 19, 20}

    asyncio.run(run())


def test_few_begin_in_each_turn_of_the_loop_and_none_waits_where_nobody_asks() -> None:
    async def run() -> None:
        starts, loop = Starts(per_turn=2), asyncio.get_running_loop()
        turns = 0
        at: list[int] = []

        def count() -> None:
            nonlocal turns
            turns += 1
            if len(at) < 20:
                loop.call_soon(count)

        async def ask() -> None:
            await starts.turn(Asker(1, 1))
            at.append(turns)

        count()
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ask())
        assert max(at.count(turn) for turn in at) == 2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        alone = starts.turn(Asker(1, 1))
        with pytest.raises(StopIteration):
            alone.send(None)  # it never waits

    asyncio.run(run())


def test_who_waited_for_the_same_thing_goes_on_in_turns() -> None:
    turns = 0
    went_on: list[int] = []

    async def run() -> None:
        loop, thing = asyncio.get_running_loop(), asyncio.Event()

        def count() -> None:
            nonlocal turns
            turns += 1
            if len(went_on) < MANY:
                loop.call_soon(count)

        async def app(scope: Any, _receive: Any, _send: Any) -> None:
            await thing.wait()
            await another_turn(scope)
            went_on.append(turns)

        wrapped = fair_starts(app, who=lambda _: Asker(1, 1))
        async with asyncio.TaskGroup() as group:
            for _ in range(MANY):
                group.create_task(wrapped({"type": "http", "state": {}}, _never, _drop))  # type: ignore[arg-type]
            for _ in range(MANY):  # all of them have begun, and wait
                await asyncio.sleep(0)
            count()
            thing.set()

    asyncio.run(run())
    assert max(went_on.count(turn) for turn in went_on) == PER_TURN


def test_who_is_cancelled_while_waiting_takes_no_turn() -> None:
    async def run() -> None:
        starts = Starts(per_turn=1)
        waiting = [asyncio.create_task(starts.turn(Asker(1, 1))) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting[1:9]:
            task.cancel()
        await asyncio.wait_for(waiting[9], 60)
        assert not starts._waiting

    asyncio.run(run())


@pytest.mark.parametrize(
    ("noted", "asked_about"), [(HAS_LEFT, False), (NO_MORE_COMES, True), ("nothing", True)]
)
def test_who_has_left_is_not_asked_about(noted: str, asked_about: bool) -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["state"].get(REFUSAL))

    async def run() -> None:
        wrapped = fair_starts(app, who=lambda _: Asker(None, ""))
        await wrapped({"type": "http", "state": {noted: True}}, _never, _drop)  # type: ignore[arg-type]

    asyncio.run(run())
    [refusal] = seen
    assert (refusal is None) == asked_about


async def _never() -> Any:
    raise AssertionError


async def _drop(_message: Message) -> None:
    raise AssertionError
