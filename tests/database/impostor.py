"""A server that speaks PostgreSQL's protocol up to an error, with a SQLSTATE and words of its own choice.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_TLS, _GSS = 80877103, 80877104
_WORDS = "Das geht so nicht: database does not exist, the database system is starting up"


class Impostor:
    """Refuses each connection, on a free port of the loopback.

    With a SQLSTATE by an error in words that mislead; with "" by closing the connection; with "password" by
    asking for one.
    """

    def __init__(self, says: str) -> None:
        self._says = says
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"postgresql://someone@127.0.0.1:{self.port}/somewhere"
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(60)
                    self._refuse(connection)

    def _refuse(self, connection: socket.socket) -> None:
        while True:
            (length,) = struct.unpack(">i", _exactly(connection, 4))
            request = _exactly(connection, length - 4)
            if struct.unpack(">i", request[:4])[0] not in {_TLS, _GSS}:
                break
            connection.sendall(b"N")
        if self._says == "password":
            connection.sendall(b"R" + struct.pack(">ii", 8, 3))
            connection.recv(1)
        elif self._says:
            fields = {"S": "FATAL", "V": "FATAL", "C": self._says, "M": _WORDS}
            text = "".join(f"{kind}{value}\0" for kind, value in fields.items()).encode() + b"\0"
            connection.sendall(b"E" + struct.pack(">i", len(text) + 4) + text)


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = connection.recv(length, socket.MSG_WAITALL)
    if len(received) < length:
        raise ConnectionError
    return received
