"""Streams of whole logs, of which next to nothing is read. It takes a log of large events, 8 MB or more."""

from collections import Counter
from collections.abc import Sequence
from multiprocessing.synchronize import Event
from socket import SO_ERROR, SOL_SOCKET, socket

from bench.fairness.requests import ask, status_of

READERS = 8

_PATH = "/api/v1/history"
_FIRST_BYTES = 12
_KERNEL_BYTES = 4_096
_LOOK_S = 0.2


def abuse(
    url: str,
    keys: Sequence[str],
    stop: Event,
    *,
    readers: int = READERS,
    accept: str = "application/x-ndjson",
) -> Counter[int]:
    """Keep so many streams open, of which only the status is read; count the statuses.

    One that the service ends is begun anew. Another `accept` makes pages or listeners of them.
    """
    statuses: Counter[int] = Counter()
    links: list[socket | None] = [None] * readers
    while not stop.is_set():
        for number, link in enumerate(links):
            if link is not None and not _is_ended(link):
                continue
            if link is not None:
                link.close()
            links[number] = None
            try:
                key = keys[number % len(keys)]
                begun = ask(url, key, _PATH, accept, receive_bytes=_KERNEL_BYTES)
                links[number] = begun
                statuses[status_of(begun.recv(_FIRST_BYTES))] += 1
            except OSError:
                statuses[0] += 1
        stop.wait(_LOOK_S)
    for link in links:
        if link is not None:
            link.close()
    return statuses


def _is_ended(link: socket) -> bool:
    """Return whether the service gave it up, and reset the connection."""
    return link.getsockopt(SOL_SOCKET, SO_ERROR) != 0
