"""Thousands of listeners to logs in which nothing happens, or little."""

import resource
import selectors
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from multiprocessing.synchronize import Event

from bench.fairness.requests import ask, status_of

LISTENERS = 2_000

_FILES_BESIDE = 200
_AT_ONCE = 100
_LOOK_S = 0.05
_AGAIN_S = 5.0
_PATH = "/api/v1/history?from_position=1000000000"


def abuse(
    url: str, keys: Sequence[str], stop: Event, *, listeners: int = LISTENERS
) -> Counter[int]:
    """Keep listeners open, with the keys in turn, and come back 5 s after one is ended; count the statuses.

    The service needs as many file descriptors as there are listeners too.
    """
    allow_files(listeners + _FILES_BESIDE)
    statuses: Counter[int] = Counter()
    missing = deque((0.0, number) for number in range(listeners))  # and when each is due
    unanswered: set[int] = set()
    with selectors.DefaultSelector() as poll, ExitStack() as at_end:
        at_end.callback(_close_all, poll)
        while not stop.is_set():
            for _ in range(_AT_ONCE):
                if not missing or missing[0][0] > time.monotonic():
                    break
                number = missing.popleft()[1]
                try:
                    link = ask(url, keys[number % len(keys)], _PATH, "text/event-stream")
                except OSError:
                    missing.append((time.monotonic() + _AGAIN_S, number))
                    continue
                poll.register(link, selectors.EVENT_READ, (link, number))
                unanswered.add(number)
            for ready, _ in poll.select(timeout=_LOOK_S):
                link, number = ready.data
                received = b""
                with suppress(OSError):
                    received = link.recv(65_536)
                if number in unanswered:
                    statuses[status_of(received)] += 1
                    unanswered.remove(number)
                if not received:
                    missing.append((time.monotonic() + _AGAIN_S, number))
                    poll.unregister(link)
                    link.close()
            stop.wait(_LOOK_S)
    return statuses


def _close_all(poll: selectors.BaseSelector) -> None:
    for each in list(poll.get_map().values()):
        each.data[0].close()


def allow_files(files: int) -> None:
    """Let this process, and those that it starts, have so many files open, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        most = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
