"""Writing a piece of an answer to its connection at once, without a task: the same bytes to many clients.

It passes by all that wraps the application, so it is for pieces that are small, of answers that were begun.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

_WRITE = "write_directly"


class Framed(NamedTuple):
    """A piece of a body, and the same as a chunk of HTTP/1.1 (RFC 9112, section 7.1)."""

    body: bytes
    chunk: bytes


Write = Callable[[Framed], bool]
"""Write a piece; False where that can't be done at once, and nothing was written."""


def framed(body: bytes) -> Framed:
    """Frame a piece for all who get it."""
    return Framed(body, b"%x\r\n%b\r\n" % (len(body), body))


def offer(scope: Any, write: Write) -> None:
    """Let the application write to the connection of a request by `write`."""
    scope["state"][_WRITE] = write


def direct_write(scope: Any) -> Write:
    """Return how to write to the connection of a request, which refuses all where there is none."""
    write: Write = scope["state"].get(_WRITE, _refuse)
    return write


def _refuse(_: Framed) -> bool:
    return False
