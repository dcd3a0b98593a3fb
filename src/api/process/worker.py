"""One process that serves HTTP on a socket it was given. Started by the supervisor, not by people."""

import asyncio
import socket
import sys
from types import FrameType

import uvicorn

from api.asgi import Service, create_service
from api.http.protocol import Protocol
from api.process.lifeline import follow_parent
from api.process.logs import configure_logs
from app.settings import read_settings

_GRACE_S = 30

# A thread that feeds PostgreSQL asks for the interpreter often and briefly, while another decodes the next
# batch and holds it for as long as it may: at Python's own 5 ms a COPY took 90 ms then, at 1 ms 82 ms.
_SWITCH_INTERVAL_S = 0.001


class Server(uvicorn.Server):
    """A server that lets endless answers end when it is told to stop, and so ends in time."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        """Serve `service` by `config`."""
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal to stop."""
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_soon_threadsafe(self._service.end_streams)


def main() -> None:
    """Serve on the listening socket whose descriptor is the only argument, until SIGTERM."""
    follow_parent()
    settings = read_settings()
    configure_logs(settings.log_format)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    if settings.database_url is None:
        raise SystemExit("a worker needs ROUNDBOOK_DATABASE_URL")
    service = create_service(settings, settings.database_url)
    config = uvicorn.Config(
        service.application,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who asks or how, but by the key
        timeout_graceful_shutdown=_GRACE_S,
    )
    Server(config, service).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
