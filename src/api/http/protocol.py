"""HTTP/1.1 on a connection: uvicorn's fast parser, held to what RFC 9112 asks of a server.

What HTTP forbids is not answered here. A request that is refused goes to the application like any other,
in its turn, and carries the problem that it is to be answered with: so it has an id, a line in the log
and its place behind the answers to earlier requests. Then nothing more is read, as nobody knows where
the next request would begin.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.cycle import Cycle, HalfClosing
from api.http.direct import offer
from api.http.leaving import HAS_LEFT, NO_MORE_COMES
from api.http.problems import ProblemError
from api.http.refusals import REFUSAL
from api.http.request_head import read_head

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

_MOST_HEAD_BYTES = 65_536
_MOST_HEADERS = 128
_HEALTH = b"/health/"
_TOO_MANY = (
    "More clients are connected than this process has files for. Nothing was done; try again."
)
_LINE_OVERHEAD_BYTES = len(b": \r\n")

# A chunk of one byte takes six, with the size and two line ends; all beyond that is extensions.
_FRAMING_BYTES_PER_BYTE = 6
_MOST_FRAMING_BYTES = 65_536


class Protocol(HttpToolsProtocol):
    """One connection: requests are read one after the other, and answered in that order."""

    _last: Cycle | None = None  # of the request that was read last
    _running: RequestResponseCycle | None = None
    _in_head = False
    _in_body = False
    _ended = False
    # Bytes of the head, or of the trailers; and of what the parser keeps to itself until a line is whole.
    _head_bytes = 0
    _silent_bytes = 0
    _told = False
    # What came for a body beyond what its bytes take in the smallest chunks.
    _framing_bytes = 0
    # Since when a head is awaited, by the clock of the event loop.
    _awaited_since = 0.0

    # What comes from the network.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._awaited_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take what has come. After the end of reading it is thrown away."""
        if self._ended:
            return
        self._unset_keepalive_if_required()
        self._told = False
        self._framing_bytes += len(data) if self._in_body else 0
        try:
            self._feed(memoryview(data))
            self._silent_bytes = 0 if self._told else self._silent_bytes + len(data)
            self._check_what_says_nothing()
        except httptools.HttpParserCallbackError as error:
            if not isinstance(error.__context__, ProblemError):
                raise
            self._fail(error.__context__)
        except httptools.HttpParserError as error:
            self._fail(ProblemError("bad-request", f"This is not HTTP/1.1: {error}."))
        except ProblemError as problem:
            self._fail(problem)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it
        """Learn that the client sends no more. It may still read: what was asked is answered, if soon."""
        if self._in_head or self._in_body:
            problem = ProblemError("bad-request", "The request ended before it was whole.")
            self._fail(problem, more_may_come=False)
        if self._last is None or self._last.response_complete:
            return False
        self._last.be_the_last()
        for cycle in (self._running, *(each for each, _ in self.pipeline)):
            if cycle is not None:
                cycle.scope["state"][NO_MORE_COMES] = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request at work, which need not be the last one, that nobody listens any more."""
        if self._running is not None:
            self._running.scope["state"][HAS_LEFT] = True
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._awaited_since = self.loop.time()
        super().on_response_complete()

    def end_if_slow(self, timeout_s: float) -> None:
        """End the connection where a head that is awaited is not whole after `timeout_s`.

        The rest of a body whose request was answered already is waited for as long, too.
        """
        if self._ended or self.loop.time() < self._awaited_since + timeout_s:
            return
        if self._last is not None and not self._last.response_complete:
            return
        if self._in_head:
            detail = f"The head of the request was not whole after {timeout_s:g} s."
            self._fail(ProblemError("head-too-slow", detail))
        else:
            self.transport.close()

    # What the parser makes of it.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._told = self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. A trailer, which comes behind the body, says nothing here (RFC 9110, 6.5.1)."""
        self._count(len(name) + len(value) + _LINE_OVERHEAD_BYTES)
        if self._in_head:
            if len(self.headers) == _MOST_HEADERS:
                detail = f"A request may have {_MOST_HEADERS} headers."
                raise ProblemError("head-too-large", detail)
            super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Hand the request to the application; its body follows."""
        self._told = True
        method = self.parser.get_method().decode("ascii")
        if self.parser.should_upgrade() and method != "CONNECT":
            return
        version = self.parser.get_http_version()
        target = read_head(method, version, self.url, self.headers)
        self._check_room(target.path)
        self._in_head, self._in_body = False, True
        self._head_bytes = self._framing_bytes = 0
        self.scope["method"] = method
        self.scope["http_version"] = version
        self.scope["path"] = unquote(target.path.decode("ascii"))
        self.scope["raw_path"] = target.path
        self.scope["query_string"] = target.query
        # HTTP/1.0 knows neither 100 Continue nor, by itself, a second request (RFC 9110, 10.1.1).
        if version == "1.0":
            self.expect_100_continue = False
        self._take(keep_alive=version != "1.0" and self.parser.should_keep_alive())

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._told = True
        self._framing_bytes -= _FRAMING_BYTES_PER_BYTE * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Learn that the request is whole."""
        if self._in_body and self._last is not None:
            self._in_body = False
            super().on_message_complete()
            if not self.parser.should_keep_alive():  # the parser has Connection from trailers too
                self._last.be_the_last()

    def _feed(self, data: memoryview) -> None:
        """Parse. An upgrade is not taken up (RFC 9110, 7.8): the request is read without the wish for one.

        The parser has no such choice: it would take the body for the other protocol.
        """
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                head = self._head_without_upgrade()
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode("ascii")
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, version)
        kept = (b"%b: %b\r\n" % each for each in self.headers if each[0] != b"upgrade")
        return b"".join([line, *kept, b"\r\n"])

    def _check_what_says_nothing(self) -> None:
        if self._silent_bytes > _MOST_HEAD_BYTES:
            raise _too_large()
        if self._framing_bytes > _MOST_FRAMING_BYTES:
            raise ProblemError("bad-request", "The chunks of the body are mostly extensions.")

    def _check_room(self, path: bytes) -> None:
        """Refuse the first request of one connection too many: the system would break off the next ones.

        Who asks how the service is must know, or would end one that only has much to do.
        """
        most = self.limit_concurrency
        if (
            most is not None
            and self._last is None
            and len(self.connections) > most
            and not path.startswith(_HEALTH)
        ):
            raise ProblemError("out-of-resources", _TOO_MANY)

    def _count(self, size_bytes: int) -> None:
        self._told = True
        self._head_bytes += size_bytes
        if self._head_bytes > _MOST_HEAD_BYTES:
            raise _too_large()

    # What becomes of it.

    def _take(self, *, keep_alive: bool) -> None:
        """Have the request answered, after those that came before it."""
        waits = self._last is not None and not self._last.response_complete
        self.cycle = self._last = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )
        offer(self.scope, self._last.write_directly)
        if waits:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._start_asgi_task(self.cycle, self.app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _fail(self, problem: ProblemError, *, more_may_come: bool = True) -> None:
        """Read no more, and have the request refused; if its head was taken, only its body is at fault."""
        self._ended = True
        if self._in_body and self._last is not None:
            self._last.spoil(problem.detail)
        else:
            if not self._in_head:  # empty lines without end
                self.on_message_begin()
            method = self.parser.get_method().decode("ascii") if self.url else "-"
            path = self.url.partition(b"?")[0]
            self.scope["method"] = method
            self.scope["path"] = path.decode("latin-1")
            self.scope["raw_path"] = path
            self.scope["query_string"] = b""
            self.scope["state"][REFUSAL] = problem
            self._take(keep_alive=False)
            self.cycle.more_body = False
        if more_may_come:
            self.cycle.transport = cast("asyncio.Transport", HalfClosing(self.transport))
        self._in_head = self._in_body = False


def end_slow_heads(connections: Iterable[asyncio.Protocol], timeout_s: float) -> None:
    """End those of a server's connections on which a head was awaited for longer than `timeout_s`."""
    for connection in list(connections):
        if isinstance(connection, Protocol):
            connection.end_if_slow(timeout_s)


def _too_large() -> ProblemError:
    detail = (
        f"The request line with the headers, and trailers, are limited to {_MOST_HEAD_BYTES} bytes."
    )
    return ProblemError("head-too-large", detail)
