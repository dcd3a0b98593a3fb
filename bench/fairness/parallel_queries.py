"""Many queries at once that cost the store much."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event

from bench.fairness.requests import ask, status_of

QUERIES = 32

_PATH = "/api/v1/activity?limit=1000&group_by=currency"


def abuse(url: str, keys: Sequence[str], stop: Event, *, queries: int = QUERIES) -> Counter[int]:
    """Keep so many queries for activity under way, with the keys in turn; count the statuses."""

    def one_after_the_other(number: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while not stop.is_set():
            try:
                with ask(url, keys[number % len(keys)], _PATH, "application/json") as link:
                    statuses[status_of(link.recv(65_536))] += 1
                    while link.recv(65_536):
                        pass
            except OSError:
                statuses[0] += 1
        return statuses

    with ThreadPoolExecutor(queries) as threads:
        return sum(threads.map(one_after_the_other, range(queries)), Counter())
