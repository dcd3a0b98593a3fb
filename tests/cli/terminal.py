"""A terminal, as a process sees one: what is written to it is kept."""

import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Terminal:
    """The text that was written to a terminal, as far as it came; `descriptor` is what to write to."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._shown = b""

    def take(self, piece: bytes) -> None:
        self._shown += piece

    def text(self) -> str:
        return self._shown.decode().replace("\r\n", "\n")


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Open a terminal; behind the block its text is whole, if all who wrote there have ended."""
    ours, theirs = pty.openpty()
    shown = Terminal(theirs)

    def read() -> None:
        with suppress(OSError):  # so a terminal says that the other side is gone
            while piece := os.read(ours, 10_000):
                shown.take(piece)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield shown
    finally:
        os.close(theirs)
        reading.join()
        os.close(ours)
