"""Fair turns: whose read begins next, of all that wait. Pure: it runs nothing and knows no clock.

One rule bounds what a tenant takes, of threads and of unsent bytes alike: it may take more as long as it has
less than what is still free (the dynamic thresholds of Choudhury and Hahne, IEEE/ACM Transactions on
Networking 6(2), 1998). Alone it gets a good half, of many each gets about the same, and something is left for
whoever comes next. Among those who may, turns go round: tenant by tenant, and within a tenant key by key.
"""

from collections import Counter, OrderedDict, deque
from typing import Generic, Literal, NamedTuple, TypeVar

W = TypeVar("W")

Kind = Literal["query", "stream"]


class Lane(NamedTuple):
    """What waits in one line: a tenant's queries, or the pieces of its streams."""

    tenant_id: int
    kind: Kind


class TooManyWaitingError(Exception):
    """As many queries of a tenant, or of one of its keys, wait already as may."""


class Turns(Generic[W]):
    """Knows who runs, who waits, and how many bytes that were read are not sent yet."""

    def __init__(self, *, threads: int, unsent_limit_bytes: int, most_waiting: int) -> None:
        """Let `threads` run at once.

        While the unsent bytes of queries (or of streams) reach `unsent_limit_bytes`, no more is read for
        them.
        Of a tenant's queries `most_waiting` may wait, of those with one key half as many. Pieces of streams
        wait without such a bound, as it is streams that are counted.
        """
        self._threads = threads
        self._unsent_limit_bytes = unsent_limit_bytes
        self._most_waiting = most_waiting
        self._waiting: OrderedDict[Lane, OrderedDict[int, deque[W]]] = OrderedDict()
        self._running: Counter[int] = Counter()
        self._unsent: Counter[Lane] = Counter()
        self._unsent_of_kind: Counter[Kind] = Counter()

    def ask(self, lane: Lane, key_id: int, work: W) -> None:
        """Let `work` wait for its turn. Raises TooManyWaitingError."""
        keys = self._waiting.get(lane) or OrderedDict[int, deque[W]]()
        if lane.kind == "query":
            of_key = len(keys.get(key_id, ()))
            if (
                2 * of_key >= self._most_waiting
                or sum(map(len, keys.values())) >= self._most_waiting
            ):
                raise TooManyWaitingError
        self._waiting.setdefault(lane, OrderedDict()).setdefault(key_id, deque()).append(work)

    def withdraw(self, lane: Lane, key_id: int, work: W) -> None:
        """Let `work` wait no more; where it does not, nothing happens."""
        queue = self._waiting[lane].get(key_id) if lane in self._waiting else None
        if queue is not None and work in queue:
            queue.remove(work)
            self._tidy(lane, key_id)

    def begin(self) -> tuple[Lane, W] | None:
        """Take what runs next, None where nothing may run. `end` must follow."""
        lane = next((each for each in self._waiting if self._may_begin(each)), None)
        if lane is None:
            return None
        keys = self._waiting[lane]
        key_id, queue = next(iter(keys.items()))
        work = queue.popleft()
        keys.move_to_end(key_id)
        self._waiting.move_to_end(lane)
        self._tidy(lane, key_id)
        self._running[lane.tenant_id] += 1
        return lane, work

    def end(self, lane: Lane) -> None:
        """Take note that what was taken by `begin` runs no more."""
        self._running[lane.tenant_id] -= 1
        if not self._running[lane.tenant_id]:
            del self._running[lane.tenant_id]

    def hold(self, lane: Lane, more_bytes: int) -> None:
        """Count bytes that were read and are still to be sent."""
        self._unsent[lane] += more_bytes
        self._unsent_of_kind[lane.kind] += more_bytes

    def release(self, lane: Lane, sent_bytes: int) -> None:
        """Count them no more."""
        self._unsent_of_kind[lane.kind] -= sent_bytes
        self._unsent[lane] -= sent_bytes
        if not self._unsent[lane]:
            del self._unsent[lane]

    def _may_begin(self, lane: Lane) -> bool:
        free_threads = self._threads - self._running.total()
        free_bytes = self._unsent_limit_bytes - self._unsent_of_kind[lane.kind]
        # A missing key of a Counter counts 0, and is not made.
        return self._running[lane.tenant_id] < free_threads and self._unsent[lane] < free_bytes

    def _tidy(self, lane: Lane, key_id: int) -> None:
        keys = self._waiting[lane]
        if not keys[key_id]:
            del keys[key_id]
        if not keys:
            del self._waiting[lane]
