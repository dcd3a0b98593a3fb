"""One process that serves HTTP on a socket it was given. Started by `api.supervisor`, not by people."""

import socket
import sys

import uvicorn

from api.asgi import create_app
from api.lifeline import follow_parent
from api.logs import configure_logs
from app.settings import read_settings

_GRACE_S = 30


def main() -> None:
    """Serve on the listening socket whose descriptor is the only argument, until SIGTERM."""
    follow_parent()
    settings = read_settings()
    configure_logs(settings.log_format)
    if settings.database_url is None:
        raise SystemExit("a worker needs ROUNDBOOK_DATABASE_URL")
    config = uvicorn.Config(
        create_app(settings, settings.database_url),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
