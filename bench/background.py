"""What is done on a thread of its own for as long as a block lasts."""

import threading
from types import TracebackType
from typing import Self


class Background:
    """Runs `_watch`, which is to end soon after `_done` is set, within the block."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        raise NotImplementedError
