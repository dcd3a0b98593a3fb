"""Wrong keys by address: who sends many is refused before the store is asked about each."""

import threading
import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

_PER_S = 10
_AT_ONCE = 100
_REMEMBERED_ADDRESSES = 10_000
_LONGEST_PREFIX = 64  # of IPv6 a client has all addresses of its network


class WrongKeys:
    """Counts keys that were looked up in vain, by the address that they came from, in this process."""

    def __init__(self) -> None:
        """Begin with no address."""
        self._free_at: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, address: str) -> float:
        """Count a key as wrong before it is looked up; 0 if it may be, else after how many seconds one may.

        Many looked up at the same time are so counted as well.
        """
        now_s = time.monotonic()
        place = _place(address)
        with self._lock:
            free_at_s = max(now_s, self._free_at.get(place, 0.0)) + 1 / _PER_S
            wait_s = free_at_s - now_s - _AT_ONCE / _PER_S
            if wait_s > 0:
                return wait_s
            self._free_at[place] = free_at_s
            self._free_at.move_to_end(place)
            while len(self._free_at) > _REMEMBERED_ADDRESSES:
                self._free_at.popitem(last=False)
        return 0.0

    def was_right(self, address: str) -> None:
        """Take back the count of a key that turned out right."""
        place = _place(address)
        with self._lock:
            if place in self._free_at:
                self._free_at[place] -= 1 / _PER_S


def _place(address: str) -> str:
    """Return an IPv4 address as it is, and of an IPv6 address its network; anything else as it is, too."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> (128 - _LONGEST_PREFIX))
    return address
