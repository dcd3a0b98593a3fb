"""Keys that nobody has, each another one, as fast as they are refused."""

import itertools
import threading
from http.client import HTTPConnection
from multiprocessing.synchronize import Event

from bench.fairness.target import Target

_CONNECTIONS = 16


def load(target: Target, stop: Event) -> None:
    """Send unknown keys over 16 connections until told to stop; the right one is not used."""
    numbers = itertools.count()

    def run() -> None:
        connection = HTTPConnection(target.host, target.port)
        while not stop.is_set():
            headers = {"x-api-key": f"rb_wrong-{next(numbers):034}"}
            connection.request("GET", "/api/v1/status", headers=headers)
            connection.getresponse().read()

    threads = [threading.Thread(target=run) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
