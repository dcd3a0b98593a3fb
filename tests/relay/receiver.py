"""Who receives webhooks: a real HTTP server, which verifies each signature by the library."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from standardwebhooks import Webhook, WebhookVerificationError

from tests.faults.places import free_port


class Received(NamedTuple):
    """A message as it came; `valid` says for each secret whether it is signed by it."""

    id: str
    headers: Mapping[str, str]
    message: dict[str, Any]
    valid: tuple[bool, ...]

    @property
    def position(self) -> int:
        return int(self.message["position"])


class Reply(NamedTuple):
    status: int = 204
    headers: Mapping[str, str] = {}
    body: bytes = b""


Answer = Callable[[Received], Reply]


def accept(_: Received) -> Reply:
    return Reply()


class Receiver:
    """Receives on a port of the loopback that stays its own while it is away."""

    def __init__(self, *secrets: str, tls: ssl.SSLContext | None = None) -> None:
        self.secrets = list(secrets)
        self.answer: Answer = accept
        self.received: list[Received] = []
        self._tls = tls
        self._server: _Server | None = None
        self._port = int(free_port())

    def __enter__(self) -> Self:
        self.come_back()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_away()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}/hook?of=us"

    @property
    def url_by_name(self) -> str:
        return self.url.replace("127.0.0.1", "localhost")

    def positions(self) -> list[int]:
        """The positions of what came, those that were refused too."""
        return [each.position for each in self.received]

    def first_arrivals(self) -> list[Received]:
        """What came, but for what had come before."""
        return list({each.id: each for each in reversed(self.received)}.values())[::-1]

    def come_back(self) -> None:
        server = _Server(("127.0.0.1", self._port), _handler(self))
        if self._tls is not None:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True)
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()

    def go_away(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.end_connections()
            self._server = None

    def take(self, headers: Mapping[str, str], body: bytes) -> Reply:
        valid = tuple(_is_signed(secret, headers, body) for secret in self.secrets)
        got = Received(headers["webhook-id"], headers, json.loads(body), valid)
        self.received.append(got)
        return self.answer(got)


def in_order_of_streams(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether of each stream no later event came before an earlier one."""
    last: dict[str, int] = {}
    for message in messages:
        if message["position"] < last.get(message["stream"], 0):
            return False
        last[message["stream"]] = message["position"]
    return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        self._connections: set[Any] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def end_connections(self) -> None:
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(2)

    def handle_error(self, *_: object) -> None:
        """A client that went away is no fault."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.take(headers, body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status != 204:
                self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True
