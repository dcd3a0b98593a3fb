"""One process that serves HTTP on a socket it was given. Started by the supervisor, not by people."""

import sys

from api.asgi import create_service
from api.process.collecting import collect_rarely
from api.process.files import ask_for_files
from api.process.gate import wait_at_gate
from api.process.heartbeat import Heart
from api.process.lifeline import follow_parent
from api.process.listening import adopt
from api.process.logs import configure_logs
from api.process.server import Server
from app.settings import read_settings

READ_ONLY = "--read-only"

_GRACE_S = 30

# libuv accepts one connection from each descriptor in a turn of the event loop. Where thousands connect at
# once, one who comes after them would wait for as many turns, in each of which requests are begun.
_ACCEPTED_PER_TURN = 8

# A thread that feeds PostgreSQL asks for the interpreter often and briefly, while another decodes the next
# batch and holds it for as long as it may: at Python's own 5 ms a COPY took 90 ms then, at 1 ms 82 ms.
_SWITCH_INTERVAL_S = 0.001

# Requests leave objects in cycles, so it can't be very many. At Python's own 700, with all of the service
# looked through again and again, a request of one event took an eighth more of the processor.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> None:
    """Serve until SIGTERM on the listening sockets whose descriptors are the arguments.

    The second, if there is one, is for operators. After them may stand READ_ONLY.
    """
    follow_parent()
    ask_for_files()
    heart = Heart()
    settings = read_settings()
    configure_logs(settings.log_format)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    if settings.database_url is None:
        raise SystemExit("a worker needs ROUNDBOOK_DATABASE_URL")
    arguments = [each for each in sys.argv[1:] if each != READ_ONLY]
    listeners = [adopt(int(descriptor)) for descriptor in arguments]
    service = create_service(
        settings,
        settings.database_url,
        for_operators=listeners[1:],
        read_only=READ_ONLY in sys.argv,
    )
    collect_rarely(_OBJECTS_BETWEEN_COLLECTIONS)
    server = Server(
        service.application,
        end_streams=service.end_streams,
        beat=heart.beat,
        head_timeout_s=settings.head_timeout_s,
        grace_s=_GRACE_S,
        draining=service.draining,
        drain_s=settings.drain_s,
    )
    heart.beat()
    wait_at_gate()
    copies = [listener.dup() for listener in listeners for _ in range(_ACCEPTED_PER_TURN - 1)]
    server.run(sockets=[*listeners, *copies])


if __name__ == "__main__":
    main()
