"""The sockets that a service listens on: a port, and beside it maybe one for its operators alone."""

import errno
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_BACKLOG = 2048
_UNIX = "unix:"
_MODE = 0o660  # of a Unix socket: for its user and its group
_REMEDIES = {
    errno.EADDRINUSE: "; name another port with --port (0: any that is free)",
    errno.EACCES: "; name a port from 1024 on with --port",
    errno.EADDRNOTAVAIL: "; name an address of this host with --host",
    socket.EAI_NONAME: "; name an address of this host with --host",
}


def listen(host: str, port: int, *, remedies: Mapping[int, str] = _REMEDIES) -> socket.socket:
    """Bind a socket that all workers accept on. Raises OSError that names the address, and a remedy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.settimeout(0)
    except OSError as error:
        listener.close()
        remedy = remedies.get(error.errno or 0, "")
        raise OSError(f"can't serve on {host}:{port}: {error.strerror}{remedy}") from error
    return listener


def adopt(descriptor: int) -> socket.socket:
    """Take over a listener that was made by another process, and maybe is served on by others still."""
    listener = socket.socket(fileno=descriptor)
    # Whether `accept` waits is a property that all who share a listener have in common, and this object takes
    # it that it does: each copy of it would make that so for all. A worker to whom another one was quicker
    # with a connection would then wait for the next one, and serve nobody meanwhile.
    listener.settimeout(0)
    return listener


@contextmanager
def listen_for_operators(address: str, *, beside: socket.socket) -> Iterator[socket.socket]:
    """Listen on `host:port` or `unix:/path`, beside the API; the file of a Unix socket is removed in the end.

    Raises OSError that names the address.
    """
    if not address.startswith(_UNIX):
        host, _, port = address.rpartition(":")
        with listen(host.strip("[]"), int(port), remedies={}) as listener:
            # The port is what tells requests to one from requests to the other.
            if listener.getsockname()[1] == beside.getsockname()[1]:
                raise OSError(f"can't serve on {address}: the API has the same port")
            yield listener
        return
    path = Path(address.removeprefix(_UNIX))
    with _listen_on_file(path) as listener:
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def url_of(listener: socket.socket) -> str:
    """Return what a listener is reached by: a URL, or `unix:/path`."""
    if listener.family == socket.AF_UNIX:
        return f"{_UNIX}{listener.getsockname()}"
    address, port = listener.getsockname()[:2]
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


def _listen_on_file(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_abandoned(path)
        before = os.umask(0o777 & ~_MODE)
        try:
            listener.bind(os.fspath(path))
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
        listener.settimeout(0)
    except OSError as error:
        listener.close()
        raise OSError(f"can't serve on {_UNIX}{path}: {error.strerror or error}") from error
    return listener


def _remove_abandoned(path: Path) -> None:
    """Remove the socket that a killed service left: nobody listens on it any more."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.connect(os.fspath(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        return
