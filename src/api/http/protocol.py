"""HTTP/1.1 with a limit to what comes before the body, which uvicorn's fast parser does not have."""

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http.problems import MEDIA_TYPE, TYPE_PREFIX

_MOST_HEAD_BYTES = 65_536

_BODY = msgspec.json.encode(
    {
        "type": TYPE_PREFIX + "head-too-large",
        "title": "The head of the request is too large",
        "status": 431,
        "detail": f"The request line and the headers are limited to {_MOST_HEAD_BYTES} bytes.",
    }
)
_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
    b"content-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (MEDIA_TYPE.encode(), len(_BODY), _BODY)
)


class BoundedHeadProtocol(HttpToolsProtocol):
    """Ends a connection whose request line and headers go on and on: they are held before a key is seen."""

    _head_bytes = 0
    _in_head = False

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Leave the rest to the application."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take what has come; answer 431 and close (RFC 6585, section 5) where the head is too large."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
                self.transport.write(_ANSWER)
                self.transport.close()
