"""Processes begin to serve when the one that started them has made way, and not before.

Else, for a moment, both would answer on one socket: one that the service is ready, the other that it isn't.
"""

import os

VARIABLE = "_ROUNDBOOK_GATE"


class Gate:
    """The parent's end of a pipe that is never written to: whoever reads goes on when it is closed."""

    def __init__(self) -> None:
        """Keep everybody waiting."""
        self.reader, self._writer = os.pipe()
        self.is_open = False

    def open(self) -> None:
        """Let all go on, and whoever comes later."""
        if not self.is_open:
            self.is_open = True
            os.close(self._writer)

    def close(self) -> None:
        """Let go of the pipe, at the end."""
        self.open()
        os.close(self.reader)


def wait_at_gate() -> None:
    """Wait until the parent that set the variable has made way, or is gone."""
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is not None:
        os.read(int(descriptor), 1)
        os.close(int(descriptor))
