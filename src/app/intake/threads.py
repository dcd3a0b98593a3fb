"""Work in threads whose failures keep nothing alive.

An exception that a future brings is held by its own traceback, in which the awaiting frame holds the future:
a cycle that keeps each frame's locals, whole bodies among them, until the garbage collector comes to old
objects. So it is brought as a value, and the frames that are done let go of theirs.
"""

from collections.abc import Callable
from traceback import clear_frames
from typing import Generic, NamedTuple, TypeVar

from anyio import CapacityLimiter, to_thread

_Result = TypeVar("_Result")


class Outcome(NamedTuple, Generic[_Result]):
    """What came of some work: its result, or the exception that it raised."""

    result: _Result | None
    failure: BaseException | None = None

    def get(self) -> _Result:
        """Return the result, or raise the exception."""
        try:
            if self.failure is not None:
                raise self.failure
            return self.result  # type: ignore[return-value]  # there is one where nothing failed
        finally:
            del self


async def in_thread(work: Callable[[], _Result], limiter: CapacityLimiter) -> _Result:
    """Do `work` in a thread, and return or raise what it does."""
    return (await to_thread.run_sync(_outcome, work, limiter=limiter)).get()


def _outcome(work: Callable[[], _Result]) -> Outcome[_Result]:
    try:
        return Outcome(work())
    except BaseException as error:  # noqa: BLE001 (it is raised where it is awaited)
        clear_frames(error.__traceback__)
        return Outcome(None, error)
