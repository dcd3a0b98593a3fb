"""Waiting for the server: in small steps, told of, with an end, and left as soon as somebody asks to."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

from postgres.embedded.errors import EmbeddedError, StoppedError

READY_LIMIT_S = 900.0
SLOW_S = 3.0
POLL_S = 0.05

Answer = TypeVar("Answer")


class Patience:
    """Waits until `stopped` says true: then each of these raises StoppedError, soon."""

    def __init__(self, say: Callable[[str], None], stopped: Callable[[], bool]) -> None:
        self._say = say
        self._stopped = stopped
        self._began_at = time.monotonic()
        self._said = False

    def wait(self, what: str) -> None:
        """Wait a step; says what for once it takes long, and raises EmbeddedError in the end."""
        waited_s = time.monotonic() - self._began_at
        if waited_s > READY_LIMIT_S:
            raise EmbeddedError(f"waited {waited_s:.0f} s in vain for {what}")
        if waited_s > SLOW_S and not self._said:
            self._said = True
            self._say(f"waiting for {what}; this can take minutes")
        self.pause()

    def pause(self) -> None:
        """Wait a step of what has no end of its own."""
        self._go_on()
        time.sleep(POLL_S)

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Return the answer of who may take long to give one, or raise what it raises.

        One that is not waited for any longer is asked on, in a thread that keeps no process alive.
        """
        answer: Future[Answer] = Future()

        def put() -> None:
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 (whoever asked gets it)
                answer.set_exception(error)

        Thread(target=put, daemon=True).start()
        while not wait([answer], POLL_S).done:
            self._go_on()
        return answer.result()

    def _go_on(self) -> None:
        if self._stopped():
            raise StoppedError
