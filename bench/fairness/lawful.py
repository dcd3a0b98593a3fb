"""A load that nobody could object to: batches and pages, as fast as two connections of each get answers."""

import threading
from collections.abc import Callable
from http.client import HTTPConnection
from multiprocessing.synchronize import Event

from bench import workload
from bench.fairness.target import Target

_BATCH = 1_000
_CONNECTIONS = 2
_PAGES = ("players", "balances", "rounds", "activity")


def load(target: Target, stop: Event) -> None:
    """Post batches of 1,000 and read pages until told to stop."""
    bodies = workload.long_run(_BATCH)
    turn = threading.Lock()

    def post(connection: HTTPConnection, headers: dict[str, str]) -> None:
        with turn:
            body = next(bodies)
        _ask(connection, "POST", "/api/v1/events", headers, body)

    def read(connection: HTTPConnection, headers: dict[str, str]) -> None:
        for path in _PAGES:
            _ask(connection, "GET", f"/api/v1/{path}", headers)

    def run(step: Callable[[HTTPConnection, dict[str, str]], None]) -> None:
        connection = HTTPConnection(target.host, target.port)
        headers = {"x-api-key": target.keys[0], "content-type": "application/json"}
        while not stop.is_set():
            step(connection, headers)

    threads = [threading.Thread(target=run, args=[step]) for step in [post, read] * _CONNECTIONS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _ask(
    connection: HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None = None,
) -> None:
    connection.request(method, path, body, headers)
    connection.getresponse().read()
