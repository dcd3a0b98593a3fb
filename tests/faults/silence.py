"""A network between the service and PostgreSQL that loses what goes through it, and tells nobody."""

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict

_LOOK_S = 0.05
_MOST_BYTES = 1 << 16


class _Link(NamedTuple):
    """Two ends, and since which silence they are there."""

    here: socket.socket
    there: socket.socket
    generation: int


class LossyNetwork:
    """Listens on a TCP port, and passes everything on to the PostgreSQL of a URL, until it is silent.

    What is lost is read, so that TCP acknowledges it: neither keepalives nor time-outs of TCP find out.
    """

    def __init__(self, url: str) -> None:
        self._target = conninfo_to_dict(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._selector = selectors.DefaultSelector()
        self._generation = 0
        self._sockets = [self._listener]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._selector.close()
        for each in self._sockets:
            each.close()

    def through(self, url: str) -> str:
        """Give the URL that leads through the network to the same database."""
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        return urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}", query=""))

    def lose_what_is_connected(self) -> None:
        """Lose from now on, both ways, what goes over the connections that there are; new ones go on."""
        self._generation += 1

    def _run(self) -> None:
        while not self._ended.is_set():
            for key, _ in self._selector.select(_LOOK_S):
                if key.data is None:
                    self._accept()
                else:
                    self._pass_on(key.data)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = self._connect()
        self._sockets += [client, server]
        for link in (
            _Link(client, server, self._generation),
            _Link(server, client, self._generation),
        ):
            self._selector.register(link.here, selectors.EVENT_READ, link)

    def _pass_on(self, link: _Link) -> None:
        try:
            content = link.here.recv(_MOST_BYTES)
            if content and link.generation == self._generation:
                link.there.sendall(content)
        except OSError:
            content = b""
        if content:
            return
        self._selector.unregister(link.here)
        if link.generation == self._generation:  # else its end is lost as well
            with suppress(OSError):
                link.there.shutdown(socket.SHUT_WR)

    def _connect(self) -> socket.socket:
        host, port = str(self._target["host"]), int(self._target.get("port") or 5432)
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server
