"""What a client of a real server sees of a history that was broken off."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import uvicorn

from app.log import history
from tests.queries.asgi import Api
from tests.queries.casino import Casino, deposit

_LAST_CHUNK = b"0\r\n\r\n"


@pytest.fixture(scope="module")
def fetch(api: Api) -> Iterator[Callable[[str], bytes]]:
    """A function that gets an NDJSON history from a uvicorn, down to the transfer coding."""
    # The application's event loop is that of `api`, where its pool of connections lives as well.
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(api.app, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def get(key: str) -> bytes:
        with socket.create_connection(listener.getsockname(), timeout=60) as connection:
            connection.sendall(
                b"GET /api/v1/history HTTP/1.1\r\nhost: test\r\nconnection: close\r\n"
                b"accept: application/x-ndjson\r\nx-api-key: " + key.encode() + b"\r\n\r\n"
            )
            received = b""
            while piece := connection.recv(65_536):
                received += piece
            return received

    yield get
    server.should_exit = True
    thread.join()
    listener.close()


def test_a_whole_history_ends_with_the_last_chunk(
    casino: Casino, fetch: Callable[[str], bytes]
) -> None:
    casino.send([deposit() for _ in range(5)])
    received = fetch(casino.key)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(_LAST_CHUNK)
    assert received.count(b'"position":') == 5


def test_a_history_that_was_broken_off_does_not(
    casino: Casino, fetch: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    casino.send([deposit() for _ in range(5)])
    monkeypatch.setattr(history, "_LINES_AT_ONCE", 2)
    read = history.read_stretch

    def failing(*args: Any, after: int, **named: Any) -> Any:
        if after >= 4:
            raise psycopg.OperationalError("the server is gone")
        return read(*args, after=after, **named)

    monkeypatch.setattr(history, "read_stretch", failing)
    received = fetch(casino.key)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.count(b'"position":') == 4
    assert not received.endswith(_LAST_CHUNK)
