"""Eight bodies of 16 MiB at a time that never come to their end."""

from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event

from bench.fairness.posting import CONNECTIONS, open_post

_BODY_BYTES = 16 << 20
_OPEN_FOR_S = 30


def abuse(url: str, key: str, stop: Event) -> None:
    """Send all of a body but its last byte, leave it, and begin another, until `stop` is set."""

    def stall(_: int) -> None:
        while not stop.is_set():
            connection = open_post(url, key, _BODY_BYTES)
            try:
                connection.send(b" " * (_BODY_BYTES - 1))
            except OSError:
                pass  # refused
            else:
                stop.wait(_OPEN_FOR_S)
            finally:
                connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(stall, range(CONNECTIONS)))
