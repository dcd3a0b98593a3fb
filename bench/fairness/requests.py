"""Requests on sockets of their own, which may be left alone."""

import socket
from urllib.parse import urlsplit

_TIMEOUT_S = 60


def ask(url: str, key: str, path: str, accept: str, *, receive_bytes: int = 0) -> socket.socket:
    """Send a request; give the socket, on which nothing was read. It receives in blocks of `receive_bytes`.

    Raises OSError.
    """
    parts = urlsplit(url)
    link = socket.socket()
    try:
        if (
            receive_bytes
        ):  # what the kernel keeps for who doesn't read; before connecting, or it is in vain
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        link.settimeout(_TIMEOUT_S)
        link.connect((parts.hostname, parts.port))
        head = (
            f"GET {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nx-api-key: {key}\r\naccept: {accept}\r\n"
            "connection: close\r\n\r\n"
        )
        link.sendall(head.encode())
    except BaseException:
        link.close()
        raise
    return link


def status_of(head: bytes) -> int:
    """Return the status of an answer by its first bytes, 0 where there is none."""
    status = head.partition(b" ")[2][:3]
    return int(status) if head.startswith(b"HTTP/1.1 ") and status.isdigit() else 0
