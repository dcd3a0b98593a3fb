"""One request and its answer on a connection, with what uvicorn's own cycle leaves out."""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any

from litestar import Request
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from api.http.direct import Framed
from api.http.problems import out_of_resources, problem_response
from api.http.refusals import BODY_FAULT
from api.http.sending import StalledError
from api.http.streams import was_broken_off
from postgres.errors import is_exhausted

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent

_RESET = struct.pack("ii", 1, 0)


class HalfClosing:
    """A transport that says that no more comes, and leaves it to the client to go.

    Closed at once, with bytes of the client unread, TCP would reset the connection, and the answer
    could be lost on its way (RFC 9112, section 9.6). The protocol closes it after some seconds.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write through `transport`."""
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        """Be the transport in all other respects."""
        return getattr(self._transport, name)

    def close(self) -> None:
        """Say that no more comes."""
        self._transport.write_eof()


class Cycle(RequestResponseCycle):
    """Runs the application for one request."""

    _spoiled = False
    _until_close = False

    def be_the_last(self) -> None:
        """End the connection with this answer."""
        self.keep_alive = False
        if self.response_complete:
            self.transport.close()

    def spoil(self, fault: str) -> None:
        """Take note that the body will never be whole: the application hears as much, and may answer."""
        self.be_the_last()
        if self.response_complete:
            return
        if self.response_started:
            self._break_off()
        else:
            self._spoiled = True
            self.scope["state"][BODY_FAULT] = fault
            self.message_event.set()

    async def run_asgi(self, app: "ASGI3Application") -> None:
        """Run the application. An answer that it broke off does not look like a whole one."""

        async def or_break_off(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except StalledError:
                self.disconnected = True
                self.transport.abort()  # closed, it would wait for the client to take the rest
            except Exception as error:
                if not self.response_started and is_exhausted(error):
                    await self._refuse(error)
                    return
                if not self.response_started or self.response_complete:
                    raise
                if not was_broken_off(error):
                    self.logger.exception("an answer was broken off by a fault of the service")
                self._break_off()

        await super().run_asgi(or_break_off)

    async def receive(self) -> "ASGIReceiveEvent":
        """Return a part of the body, or the news that the client is gone or as good as gone."""
        self._notice_the_end()
        if not self._spoiled:
            message = await super().receive()
        return {"type": "http.disconnect"} if self._spoiled else message

    async def send(self, message: "ASGISendEvent") -> None:
        """Send a part of the answer.

        HTTP/1.0 has no chunks: an answer whose length is not known ends with the connection
        (RFC 9112, section 6.3).
        """
        self._notice_the_end()
        if message["type"] == "http.response.start":
            if self.scope["http_version"] == "1.0" and not _has_length(message.get("headers", ())):
                self._until_close = True
                self.chunked_encoding = False
        elif self._until_close and message["type"] == "http.response.body":
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def write_directly(self, piece: Framed) -> bool:
        """Send a piece of an answer that was begun, without waiting; see api.http.direct.

        False, and nothing is sent, where the client is gone or has not taken all that came before.
        """
        if self.disconnected or self.response_complete or not self.response_started:
            return False
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            return False
        self.transport.write(piece.chunk if self.chunked_encoding else piece.body)
        return True

    async def _refuse(self, error: Exception) -> None:
        """Answer 503 where there was no room even for what answers errors."""
        scope: Any = self.scope
        request: Request[Any, Any, Any] = Request(scope)
        self.be_the_last()
        answer = problem_response(request, out_of_resources(error))
        ready: Any = answer.to_asgi_response(app=None, request=request)
        await ready(scope, self.receive, self.send)

    def _notice_the_end(self) -> None:
        # A transport that was closed refuses to be used before the protocol is told of it.
        if self.transport.is_closing():
            self.disconnected = True

    def _break_off(self) -> None:
        """End the connection so that the client knows that there would have been more."""
        self.disconnected = True
        if self._until_close:
            link: socket.socket = self.transport.get_extra_info("socket")
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()
        else:
            self.transport.close()


def _has_length(headers: Any) -> bool:
    return any(name.lower() == b"content-length" for name, _ in headers)
