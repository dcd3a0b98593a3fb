"""One process that serves HTTP on a socket it was given. Started by the supervisor, not by people."""

import asyncio
import os
import socket
import sys
from types import FrameType

import uvicorn

from api.asgi import Service, create_service
from api.http.protocol import Protocol, end_slow_heads
from api.process.lifeline import follow_parent
from api.process.logs import configure_logs
from app.settings import read_settings

_GRACE_S = 30
_PROXIES = "FORWARDED_ALLOW_IPS"  # uvicorn's own variable
_TICKS_BETWEEN_LOOKS = 10

# libuv accepts one connection from each descriptor in a turn of the event loop. Where thousands connect at once
# one who comes after them would wait for as many turns, in each of which requests are begun.
_ACCEPTED_PER_TURN = 8

# A thread that feeds PostgreSQL asks for the interpreter often and briefly, while another decodes the next
# batch and holds it for as long as it may: at Python's own 5 ms a COPY took 90 ms then, at 1 ms 82 ms.
_SWITCH_INTERVAL_S = 0.001


class Server(uvicorn.Server):
    """A server that ends in time: endless answers when it is told to stop, and heads that never come."""

    def __init__(self, config: uvicorn.Config, service: Service, *, head_timeout_s: float) -> None:
        """Serve `service` by `config`; end connections on which no head is whole in time."""
        super().__init__(config)
        self._service = service
        self._head_timeout_s = head_timeout_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_soon_threadsafe(self._service.end_streams)

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, ten times a second."""
        if counter % _TICKS_BETWEEN_LOOKS == 0:
            end_slow_heads(self.server_state.connections, self._head_timeout_s)
        return await super().on_tick(counter)


def main() -> None:
    """Serve until SIGTERM on the listening sockets whose descriptors are the arguments.

    The second, if there is one, is for operators.
    """
    follow_parent()
    settings = read_settings()
    configure_logs(settings.log_format)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    if settings.database_url is None:
        raise SystemExit("a worker needs ROUNDBOOK_DATABASE_URL")
    listeners = [socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:]]
    service = create_service(settings, settings.database_url, for_operators=listeners[1:])
    config = uvicorn.Config(
        service.application,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # They are read for each request, and tell nothing but whose wrong keys are counted.
        proxy_headers=_PROXIES in os.environ,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = Server(config, service, head_timeout_s=settings.head_timeout_s)
    server.run(sockets=[each for listener in listeners for each in _several(listener)])


def _several(listener: socket.socket) -> list[socket.socket]:
    """Return a listener with more descriptors of the same."""
    return [listener, *(listener.dup() for _ in range(_ACCEPTED_PER_TURN - 1))]


if __name__ == "__main__":
    main()
