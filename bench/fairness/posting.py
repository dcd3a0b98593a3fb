"""Posts of one tenant over several connections, one after the other, until they are told to stop."""

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

_PATH = "/api/v1/events"
_PATIENCE_S = 120
CONNECTIONS = 8

Bodies = Callable[[int, int], bytes]
"""Makes the body of a connection's nth post, given the connection's number and n."""


def open_post(url: str, key: str, length: int) -> http.client.HTTPConnection:
    """Begin a post whose body has `length` bytes, none of them sent."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE_S)
    connection.putrequest("POST", _PATH)
    connection.putheader("x-api-key", key)
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", str(length))
    connection.endheaders()
    return connection


def post_until(stop: Event, url: str, key: str, bodies: Bodies, encoding: str = "identity") -> None:
    """Post over eight connections at once, whatever is answered, until `stop` is set."""
    headers = {
        "x-api-key": key,
        "content-type": "application/json",
        "content-encoding": encoding,
    }

    def post(number: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_PATIENCE_S)
        nth = 0
        while not stop.is_set():
            try:
                connection.request("POST", _PATH, bodies(number, nth), headers)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()  # refused before all was sent; the next one connects again
            nth += 1
        connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(post, range(CONNECTIONS)))
