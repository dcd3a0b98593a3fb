"""A proxy before PostgreSQL that understands enough of its protocol to break connections to the point.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote, urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict

_SOCKET = ".s.PGSQL.5432"
_LONG_S = 60.0
_HOLD_S = 300.0  # longer than anybody has patience: what is held must not come free by itself


class Point(Enum):
    """A moment in a transaction that copies rows."""

    IN_COPY = "in the middle of COPY"
    BEFORE_COMMIT = "before COMMIT reaches the server"
    AT_COMMIT = "when COMMIT is on its way to the server"
    AFTER_COMMIT = "behind COMMIT, before its answer is heard"


class Trap:
    """What happens once, at a point of the next transaction that copies into a table.

    The connection is cut there; or, with `hold`, nothing of it gets through until `let_go`.
    """

    def __init__(self, point: Point, table: str, on_sprung: Callable[[], None] | None) -> None:
        self.point = point
        self.table = table
        self.taken = False
        self.sprung = threading.Event()
        self._on_sprung = on_sprung
        self._released = threading.Event()

    def spring(self) -> bool:
        """Say that the point is reached; tells whether the connection lives on."""
        if self._on_sprung is None:
            self.sprung.set()
            return False
        self._on_sprung()
        self.sprung.set()
        return self._released.wait(_HOLD_S)

    def wait(self) -> None:
        """Wait until the point is reached."""
        assert self.sprung.wait(_LONG_S), f"nothing was ever {self.point.value}"

    def let_go(self) -> None:
        """Let through what was held."""
        self._released.set()


class Proxy:
    """Listens on a unix socket in `folder`, and passes everything on to the PostgreSQL of `url`."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._target = conninfo_to_dict(url)
        self._lock = threading.Lock()
        self._traps: list[Trap] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._listener.bind(str(self._folder / _SOCKET))
        self._listener.listen()
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for trap in self._traps:
            trap.let_go()
        self.cut_all()
        for thread in self._threads:
            thread.join(_LONG_S)
        (self._folder / _SOCKET).unlink()

    def through(self, url: str) -> str:
        """Give the URL that leads through the proxy to the same database."""
        parts = urlsplit(url)
        credentials = parts.netloc.rpartition("@")[0]
        host = f"host={quote(str(self._folder), safe='')}&port=5432"
        return urlunsplit(parts._replace(netloc=f"{credentials}@", query=host))

    def set_trap(
        self, point: Point, *, table: str = "events", hold: Callable[[], None] | None = None
    ) -> Trap:
        """Cut the connection of the next transaction that gets to the point.

        With `hold` it is not cut: that function is called, and nothing gets through until `let_go`.
        """
        trap = Trap(point, table, hold)
        with self._lock:
            self._traps.append(trap)
        return trap

    def cut_all(self) -> None:
        """Cut all connections, wherever they are."""
        with self._lock:
            connections = list(self._open)
        for each in connections:
            _cut(each)

    def _take_trap(self, point: Point, table: str) -> Trap | None:
        with self._lock:
            for trap in self._traps:
                if not trap.taken and (trap.point, trap.table) == (point, table):
                    trap.taken = True
                    return trap
        return None

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._connect()
            if server is None:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            connection = _Connection(client, server, self._take_trap)
            self._start(self._run, connection.forward, client, server)
            self._start(self._run, connection.back, client, server)

    def _run(self, relay: Callable[[], None], client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, EOFError):
            relay()
        _cut(client)
        _cut(server)
        with self._lock:
            both_ended = client not in self._open
            self._open -= {client, server}
        if both_ended:
            client.close()
            server.close()

    def _connect(self) -> socket.socket | None:
        host, port = str(self._target["host"]), int(self._target.get("port") or 5432)
        try:
            if not host.startswith("/"):
                return socket.create_connection((host, port))
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(f"{host}/.s.PGSQL.{port}")
            except OSError:
                server.close()
                raise
        except OSError:
            return None
        return server


class _Connection:
    """One connection, each direction in a thread of its own."""

    def __init__(
        self,
        client: socket.socket,
        server: socket.socket,
        take_trap: Callable[[Point, str], Trap | None],
    ) -> None:
        self._client = client
        self._server = server
        self._take_trap = take_trap
        self._table = ""
        self._cut_at_ready = threading.Event()

    def forward(self) -> None:
        """Pass on what the client says, until a trap is sprung or the connection ends."""
        with self._client.makefile("rb") as said:
            start = _read(said, 4)
            self._server.sendall(start + _read(said, struct.unpack(">i", start)[0] - 4))
            while True:
                head = _read(said, 5)
                content = _read(said, struct.unpack(">xi", head)[0] - 4)
                if not self._pass_on(head, content):
                    return

    def back(self) -> None:
        """Pass on what the server says."""
        with self._server.makefile("rb") as said:
            while True:
                head = _read(said, 5)
                content = _read(said, struct.unpack(">xi", head)[0] - 4)
                if self._cut_at_ready.is_set():
                    if head[:1] == b"Z":
                        return
                    continue
                self._client.sendall(head + content)

    def _pass_on(self, head: bytes, content: bytes) -> bool:
        kind = head[:1]
        statement = content.lower() if kind in {b"Q", b"P"} else b""
        if b"copy " in statement:
            self._table = statement.partition(b"copy ")[2].split()[0].decode()
        if self._table and kind == b"d":
            trap = self._take_trap(Point.IN_COPY, self._table)
            if trap is not None:
                half = len(content) // 2
                self._server.sendall(head + content[:half])
                if trap.spring():
                    self._server.sendall(content[half:])
                    return True
                return False
        if statement.startswith(b"rollback"):
            self._table = ""
        if self._table and b"commit" in statement:
            return self._pass_commit_on(head + content)
        self._server.sendall(head + content)
        return True

    def _pass_commit_on(self, message: bytes) -> bool:
        table, self._table = self._table, ""
        trap = self._take_trap(Point.BEFORE_COMMIT, table)
        if trap is not None:
            return trap.spring()
        trap = self._take_trap(Point.AT_COMMIT, table)
        if trap is not None:
            self._server.sendall(message)
            return trap.spring()
        trap = self._take_trap(Point.AFTER_COMMIT, table)
        if trap is not None:
            self._cut_at_ready.set()
            self._server.sendall(message)
            trap.spring()
            return True
        self._server.sendall(message)
        return True


def _read(said: IO[bytes], count: int) -> bytes:
    content = said.read(count)
    if len(content) < count:
        raise EOFError
    return content


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
