"""Wrong keys by address: who sends many is refused before the store is asked about each."""

import asyncio
import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from weakref import WeakValueDictionary

_PER_S = 10
_AT_ONCE = 100
_REMEMBERED_ADDRESSES = 10_000
_LOOKED_UP_TOGETHER = 8
_NETWORK_BITS = 64  # of IPv6 a client has all addresses of its network


class WrongKeys:
    """Counts keys that were looked up in vain, by the address that they came from. For one event loop."""

    def __init__(self) -> None:
        """Begin with no address."""
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def turn(self, address: str) -> asyncio.Semaphore:
        """Return what lets a few keys of an address be looked up at the same time, and the others wait.

        Those of a proxy may be right, however many; and wrong ones don't all get by before one is counted.
        """
        fresh = asyncio.Semaphore(_LOOKED_UP_TOGETHER)
        return self._turns.setdefault(_network(address), fresh)

    def wait_s(self, address: str) -> float:
        """Return after how many seconds another key of an address is looked up; 0 if one may be now."""
        now_s = time.monotonic()
        free_at_s = self._free_at.get(_network(address), 0.0)
        return max(0.0, free_at_s - now_s - (_AT_ONCE - 1) / _PER_S)

    def count(self, address: str) -> None:
        """Count a key that was looked up and is unknown."""
        network = _network(address)
        free_at_s = max(time.monotonic(), self._free_at.get(network, 0.0))
        self._free_at[network] = free_at_s + 1 / _PER_S
        self._free_at.move_to_end(network)
        while len(self._free_at) > _REMEMBERED_ADDRESSES:
            self._free_at.popitem(last=False)


def _network(address: str) -> str:
    """Return of an IPv6 address its network, and any other as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{int(parsed) >> (128 - _NETWORK_BITS):x}"
    return address
