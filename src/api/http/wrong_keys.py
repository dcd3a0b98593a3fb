"""Wrong keys by address: who sends many waits for the answer to each, and costs little meanwhile."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from weakref import WeakValueDictionary

from litestar.types import Scope

from api.http.leaving import HAS_LEFT, NO_MORE_COMES, ClientLeftError

_WRONG_PER_S = 10
_WRONG_AT_ONCE = 100
_LOOKED_UP_TOGETHER = 8
_LATEST_S = 10.0
_MOST_WAITING = int(_LATEST_S * _WRONG_PER_S)

# A refusal costs most of what a small request does: so many take a tenth of a process.
_REFUSED_PER_S = 100
_REFUSED_AT_ONCE = 200
_LOOK_S = 1.0

_REMEMBERED_ADDRESSES = 10_000
_NETWORK_BITS = 64  # of IPv6 a client has all addresses of its network


class Pace:
    """Counts what comes from each address, against a rate (GCRA). For one event loop."""

    def __init__(self, *, per_s: int, at_once: int) -> None:
        """Allow so many of each address: some at once, and then so many a second."""
        self._per_s = per_s
        self._at_once = at_once
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return after how many seconds there may be another one; 0 if there may be now."""
        free_at_s = self._free_at.get(network(address), 0.0)
        return max(0.0, free_at_s - time.monotonic() - (self._at_once - 1) / self._per_s)

    def count(self, address: str) -> None:
        """Count one."""
        key = network(address)
        free_at_s = max(time.monotonic(), self._free_at.get(key, 0.0))
        self._free_at[key] = free_at_s + 1 / self._per_s
        self._free_at.move_to_end(key)
        while len(self._free_at) > _REMEMBERED_ADDRESSES:
            self._free_at.popitem(last=False)


class TooManyWrongKeysError(Exception):
    """So many keys of an address wait to be looked up that another one is not."""

    def __init__(self, wait_s: float) -> None:
        """Say after how many seconds there may be room."""
        super().__init__(wait_s)
        self.wait_s = wait_s


class _Line:
    """Those of an address whose keys wait to be looked up."""

    def __init__(self) -> None:
        self.waiting = 0
        self.together = asyncio.Semaphore(_LOOKED_UP_TOGETHER)


class WrongKeys:
    """What is known of the addresses that wrong keys come from. For one event loop."""

    def __init__(self) -> None:
        """Begin with no address."""
        self._wrong = Pace(per_s=_WRONG_PER_S, at_once=_WRONG_AT_ONCE)
        self._refused = Pace(per_s=_REFUSED_PER_S, at_once=_REFUSED_AT_ONCE)
        self._lines: WeakValueDictionary[str, _Line] = WeakValueDictionary()

    def count(self, address: str) -> None:
        """Count a key that was looked up and is unknown."""
        self._wrong.count(address)

    @asynccontextmanager
    async def turn(self, address: str, scope: Scope) -> AsyncIterator[None]:
        """Wait until a key of an address may be looked up, and hold that turn for as long as the block lasts.

        Those of a proxy may be right, however many: they are only looked up one after the other, and where
        many were wrong at the pace of those. Raises TooManyWrongKeysError, and ClientLeftError.
        """
        line = self._lines.setdefault(network(address), _Line())
        if line.waiting >= _MOST_WAITING and self._wrong.wait_s(address):
            raise TooManyWrongKeysError(_LATEST_S)
        line.waiting += 1
        came_s = time.monotonic()
        try:
            await line.together.acquire()
        finally:
            line.waiting -= 1
        try:
            wait_s = self._wrong.wait_s(address)
            if wait_s and time.monotonic() + wait_s > came_s + _LATEST_S:
                raise TooManyWrongKeysError(_LATEST_S)
            await _sleep(wait_s, scope)
            yield
        finally:
            line.together.release()

    async def refuse_late(self, address: str, scope: Scope) -> None:
        """Wait until another refusal is due to an address, where it had many.

        Requests with a right key never come here. Raises ClientLeftError.
        """
        wait_s = self._refused.wait_s(address)
        if wait_s < _LATEST_S:
            self._refused.count(address)
        await _sleep(min(wait_s, _LATEST_S), scope)


async def _sleep(seconds: float, scope: Scope) -> None:
    """Sleep. Raises ClientLeftError where the client is gone, or closed its side, after a second of it."""
    until_s = time.monotonic() + seconds
    while (left_s := until_s - time.monotonic()) > 0:
        await asyncio.sleep(min(left_s, _LOOK_S))
        if left_s > _LOOK_S and (HAS_LEFT in scope["state"] or NO_MORE_COMES in scope["state"]):
            raise ClientLeftError("The connection was closed before there was an answer.")


def network(address: str) -> str:
    """Return of an IPv6 address its network, and any other as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}"
    return address
