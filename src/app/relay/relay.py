"""The relay: looks which subscriptions have something to send, and sends it, many beside each other.

It only reads the log, after what is recorded is committed, and writes its own rows: whoever records never
waits for it, and a target that is away costs nothing but that its subscription falls behind.
"""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TypeVar

import structlog

from app.relay.reading import Piece, read_piece
from app.relay.sending import Sending
from app.relay.targets.target import DeliveryError, Opens, Target
from app.relay.turns import Claimed, Due, LostError, Turns
from domain.relaying import Kind, pause_s
from postgres.connections import Pool
from postgres.errors import UNAVAILABLE

CONNECTIONS = 6
"""How many connections to the store it takes at once, at most."""

_MOST_AT_ONCE = 200
_TURN_S = 10.0
_SAVE_S = 0.2
_RETRY_STORE_S = 0.5
_GRACE_S = 20.0
_PATIENCE_S = 30.0

log = structlog.get_logger()

R = TypeVar("R")

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class Relay:
    """Relays to targets of some kinds; any number of these can run at once, and share what there is to do."""

    def __init__(
        self,
        pool: Pool,
        kinds: Mapping[Kind, Callable[[], Opens]],
        *,
        sender: str,
        lease_s: float,
        poll_interval_s: float,
    ) -> None:
        """Send to `kinds`, each with what opens its targets. `sender` names this process, and no other."""
        self._pool = pool
        self._kinds = kinds
        self._turns = Turns(pool, sender, list(kinds), lease_s=lease_s)
        self._lease_s = lease_s
        self._poll_interval_s = poll_interval_s
        self._opens: dict[Kind, Opens] = {}
        self._tasks: dict[tuple[int, str], asyncio.Task[None]] = {}
        # Those that had no place yet, in the order in which they get one.
        self._waiting: dict[tuple[int, str], Due] = {}
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="relay")
        self._sending: dict[tuple[int, str], Sending] = {}

    def run(self, stop: threading.Event, *, loop_factory: LoopFactory | None = None) -> None:
        """Relay until `stop` is set; what is under way then is waited for. Outlasts the store's absence."""
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            busy = set(self._tasks)
            try:
                due = await self._in_thread(self._turns.look, now_s=time.monotonic())
            except UNAVAILABLE as error:
                log.warning("the relay waits for the store", error=str(error))
                await self._rest(stop, _RETRY_STORE_S)
                continue
            # What was sent while it was looked at may be level by now; the next look tells.
            self._share([each for each in due if each.key not in busy])
            await self._rest(stop, self._poll_interval_s)
        for sending in self._sending.values():
            sending.end()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=_GRACE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for opens in self._opens.values():
            await _close(opens)
        self._threads.shutdown()

    def _share(self, due: list[Due]) -> None:
        """Begin with as many as may be at once; where others wait, who had its turn makes room."""
        self._waiting.update({each.key: each for each in due if each.key not in self._tasks})
        while self._waiting and len(self._tasks) < _MOST_AT_ONCE:
            each = self._waiting.pop(next(iter(self._waiting)))
            task = asyncio.create_task(self._serve(each))
            self._tasks[each.key] = task
            task.add_done_callback(partial(self._forget, each))
        until_s = time.monotonic() - _TURN_S
        for sending in islice(self._sending.values(), len(self._waiting)):
            if sending.began_s <= until_s:
                sending.end()

    async def _rest(self, stop: threading.Event, rest_s: float) -> None:
        until_s = time.monotonic() + rest_s
        while (left_s := until_s - time.monotonic()) > 0 and not stop.is_set():
            await asyncio.sleep(min(left_s, self._poll_interval_s))

    def _forget(self, due: Due, task: asyncio.Task[None]) -> None:
        del self._tasks[due.key]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("relaying ended because of an error", **_named(due), exc_info=error)

    async def _serve(self, due: Due) -> None:
        """Send what a subscription has to send, if it is this process's turn."""
        try:
            claimed = await self._in_thread(self._turns.claim, due)
            if claimed is not None:
                await self._send(due, claimed)
        except LostError:
            log.info("a subscription is not this process's any more", **_named(due))
        except UNAVAILABLE as error:
            # It is claimed until nothing is heard of it, and then by whoever comes first.
            log.warning("relaying was broken off", **_named(due), error=str(error))
            await asyncio.sleep(_RETRY_STORE_S)

    async def _send(self, due: Due, claimed: Claimed) -> None:
        """Send until there is nothing more, or say why it failed. Raises LostError, and as the store does."""
        sending: Sending | None = None
        try:
            target = await self._open(due)
            try:
                sending = self._sending[due.key] = self._begin(target, due, claimed)
                await sending.run()
            finally:
                self._sending.pop(due.key, None)
                await _close(target)
        except (*UNAVAILABLE, LostError):
            raise
        except Exception as error:
            # Whatever is wrong with one subscription must not hold up the others.
            if not isinstance(error, DeliveryError):
                log.exception("relaying failed", **_named(due))
                error = DeliveryError(f"{type(error).__name__}: {error}")
            before = 0 if sending and sending.delivered else claimed.failures
            await self._failed(due, before + 1, error)
        else:
            await self._in_thread(self._turns.release, due)

    async def _open(self, due: Due) -> Target:
        """Open a target, which may hang where its broker is half gone. Raises DeliveryError."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._opens_of(due.kind).open(due)
        except TimeoutError:
            raise DeliveryError(f"it did not open within {_PATIENCE_S:g} s") from None

    def _begin(self, target: Target, due: Due, claimed: Claimed) -> Sending:
        return Sending(
            target,
            claimed,
            read=partial(self._in_thread, self._read, due),
            advance=partial(self._in_thread, self._turns.advance, due),
            save_s=min(_SAVE_S, self._lease_s / 4),
        )

    def _opens_of(self, kind: Kind) -> Opens:
        if kind not in self._opens:
            self._opens[kind] = self._kinds[kind]()
        return self._opens[kind]

    async def _failed(self, due: Due, failures: int, error: DeliveryError) -> None:
        if error.is_gone:
            log.error("a target wants nothing any more: paused", **_named(due), reason=str(error))
            await self._in_thread(self._turns.give_up, due, str(error))
            return
        rest_s = pause_s(failures, random.random(), error.asked_s)  # noqa: S311  # no secret
        log.warning("a target failed", **_named(due), reason=str(error), tried_again_in_s=rest_s)
        await self._in_thread(self._turns.fail, due, str(error), rest_s)

    def _read(self, due: Due, after: int, most: int) -> Piece:
        with self._pool.connection() as connection:
            return read_piece(connection, due.tenant_id, due.tenant, due.events, after, most)

    async def _in_thread(self, work: Callable[..., R], /, *args: object, **named: object) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *args, **named))


async def _close(it: Target | Opens) -> None:
    """Close it, for as long as that may take: a target that hung here would never be sent to again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            await it.close()


def _named(due: Due) -> dict[str, object]:
    return {"tenant": due.tenant, "subscription": due.name, "kind": due.kind}
