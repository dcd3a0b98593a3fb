"""Batches decoded by a process beside the one that serves: the same, faults and all, come what may."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from app.intake import beside as module
from app.intake import decoding
from app.intake.beside import Beside
from app.intake.decoding import Decoding, decode
from app.recording import Prepared
from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from app.wire.items import MAX_EVENT_BYTES, InvalidItemsError
from tests.http.service import eventually
from tests.processes import command_of, descendants, runs

TENANT = Tenant(1, "acme", datetime(2026, 1, 1, tzinfo=UTC), ["BTC"])
[BODY] = batches(simulate(Scenario(players=20, games=5, seed=1), 2_000), 2_000)


def in_parts(body: bytes) -> list[bytes]:
    """A body as it arrives."""
    return [body[start : start + 65_536] for start in range(0, len(body), 65_536)]


def told(batch: Prepared) -> list[object]:
    """Return what a batch says: all but its salts, which are others each time, and what holds them."""
    states = [batch.state(index) for index in range(len(batch.keys))]
    lengths = [len(salt) for salt in batch.salts]
    return [batch.unique_ids, batch.topics, batch.streams, batch.keys, states, lengths]


EXPECTED = told(decode(BODY, TENANT))


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies that went to the other process."""
    sent: list[bytes] = []
    original = Beside.run

    async def noted(self: Beside, work: Any, parts: list[bytes], *more: Any, patient: bool) -> Any:
        answer = await original(self, work, parts, *more, patient=patient)
        if answer is not None:
            sent.append(b"".join(parts))
        return answer

    monkeypatch.setattr(Beside, "run", noted)
    return sent


def decoders(pid: int) -> list[int]:
    return [child for child in descendants(pid) if "spawn_main" in command_of(child)]


def run(scenario: Callable[[Decoding], Awaitable[None]]) -> None:
    async def decode_and_close() -> None:
        beside = Beside()
        try:
            await scenario(Decoding(beside, MAX_EVENT_BYTES))
        finally:
            beside.close()

    asyncio.run(decode_and_close())


async def until_beside(decoder: Decoding, sent: list[bytes]) -> None:
    """Decode until the other process is up and did it."""
    before = len(sent)
    async with asyncio.timeout(60):
        while len(sent) == before:
            assert (
                told((await decoder.decode(in_parts(BODY), TENANT, alone=False)).batch) == EXPECTED
            )
            await asyncio.sleep(0.05)


def test_another_process_decodes_while_this_one_is_at_work(beside: list[bytes]) -> None:
    async def scenario(decoder: Decoding) -> None:
        await until_beside(decoder, beside)
        assert told((await decoder.decode(in_parts(BODY), TENANT, alone=True)).batch) == EXPECTED
        assert beside == [BODY]

    assert len(BODY) > decoding._LARGE_BYTES
    run(scenario)


def test_a_very_large_body_is_neither_put_together_nor_read_in_this_process(
    beside: list[bytes],
) -> None:
    item = (
        '{"event":"login","data":{"unique_id":"%d","timestamp":"2025-01-15T12:00:00Z",'
        '"player_id":"p","x":1%s}}'
    )
    items = ",".join(item % (number, "0" * 9_000) for number in range(1_000))
    body = f'{{"items":[{items}]}}'.encode()
    expected = told(decode(body, TENANT))

    async def scenario(decoder: Decoding) -> None:
        parts = in_parts(body)
        assert told((await decoder.decode(parts, TENANT, alone=True)).batch) == expected
        assert beside == [body]
        assert len(parts) > 100

    run(scenario)


def test_faults_that_another_process_finds_are_named_all_the_same(beside: list[bytes]) -> None:
    faulty = BODY.replace(b'"event":"gameround"', b'"event":"gamerounds"', 2)
    foreign = BODY.replace(b'"EUR"', b'"DOGE"')

    async def scenario(decoder: Decoding) -> None:
        await until_beside(decoder, beside)
        for body in (faulty, foreign):
            with pytest.raises(InvalidItemsError) as here:
                decode(body, TENANT)
            with pytest.raises(InvalidItemsError) as there:
                await decoder.decode(in_parts(body), TENANT, alone=False)
            assert there.value.faults == here.value.faults
            assert beside[-1] == body

    run(scenario)


def test_batches_are_decoded_whatever_becomes_of_the_other_process(beside: list[bytes]) -> None:
    others = set(decoders(os.getpid()))  # of other tests, which may still be ending

    async def scenario(decoder: Decoding) -> None:
        for _ in range(2):
            await until_beside(decoder, beside)
            [pid] = set(decoders(os.getpid())) - others
            going_on = [decoder.decode(in_parts(BODY), TENANT, alone=False) for _ in range(4)]
            os.kill(pid, signal.SIGKILL)
            for decoded in await asyncio.gather(*going_on):
                assert told(decoded.batch) == EXPECTED

    run(scenario)
    assert set(decoders(os.getpid())) <= others


def test_where_no_process_can_be_started_this_one_decodes_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[object] = []

    def fail(*arguments: object, **options: object) -> None:
        del options
        tries.append(arguments)
        raise OSError("no semaphores here")

    monkeypatch.setattr(module, "ProcessPoolExecutor", fail)

    async def scenario(decoder: Decoding) -> None:
        for _ in range(3):
            assert (
                told((await decoder.decode(in_parts(BODY), TENANT, alone=False)).batch) == EXPECTED
            )

    run(scenario)
    assert len(tries) == 1


BEGIN = """
import asyncio
from tests.ingest.test_decoding import BODY, TENANT, run

async def scenario(decoder):
    while await decoder._beside.run(len, BODY) is None:
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.sleep(60)

run(scenario)
"""


def test_the_other_process_ends_with_this_one_however_it_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", BEGIN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        [left] = decoders(process.pid)
        process.kill()
    eventually(lambda: not runs(left))
