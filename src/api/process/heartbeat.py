"""That a process goes on, told to the one that started it: a byte each second or so, through a pipe.

What is stopped, or waits for what never comes, falls silent, though it lives.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

VARIABLE = "_ROUNDBOOK_HEARTBEAT"

_INTERVAL_S = 1.0
_MOST_READ = 65_536  # more than a pipe holds
# What passes between two looks counts as no more: who looks may have been stopped as well, or not have had
# the processor, and all others with it.
_LOOK_S = 1.0


class Heart:
    """A process's own end of the pipe."""

    def __init__(self) -> None:
        """Beat for the parent that set the variable, if one did. Made once, early, by each process."""
        descriptor = os.environ.pop(VARIABLE, None)
        self._descriptor = None if descriptor is None else int(descriptor)
        self._next_s = 0.0
        if self._descriptor is not None:
            os.set_blocking(self._descriptor, False)
            os.set_inheritable(self._descriptor, False)  # noqa: FBT003 (of the standard library)

    def beat(self) -> None:
        """Tell that the process goes on. Costs nothing where that was told within the last second."""
        now_s = time.monotonic()
        if self._descriptor is None or now_s < self._next_s:
            return
        self._next_s = now_s + _INTERVAL_S
        # Nobody may be there to hear it any more, or have been for long.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._descriptor, b".")

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beat by itself, beside the block: for what takes its time and can't say so."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(_INTERVAL_S):
                self.beat()

        self.beat()
        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


class Pulse:
    """The parent's end: for how long a process was silent."""

    def __init__(self) -> None:
        """Make the pipe, for one process that is started next."""
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._looked_s = time.monotonic()
        self.silent_s = 0.0
        self.was_heard = False

    def started(self) -> None:
        """Leave the writing end to the process."""
        os.close(self.writer)

    def look(self) -> float:
        """Return for how many seconds nothing was heard."""
        now_s = time.monotonic()
        self.silent_s += min(now_s - self._looked_s, _LOOK_S)
        self._looked_s = now_s
        with suppress(BlockingIOError):
            if os.read(self._reader, _MOST_READ):
                self.was_heard = True
                self.silent_s = 0.0
        return self.silent_s

    def close(self) -> None:
        """Hear nothing more."""
        os.close(self._reader)
