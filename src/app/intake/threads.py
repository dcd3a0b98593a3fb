"""Work in threads whose failures keep nothing alive."""

from collections.abc import Callable
from traceback import clear_frames
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

_Result = TypeVar("_Result")
_Argument = TypeVar("_Argument")


async def in_thread(
    work: Callable[[_Argument], _Result], argument: _Argument, limiter: CapacityLimiter
) -> _Result:
    """Do `work` in a thread, and return or raise what it does.

    An exception that a future brings is held by its own traceback, in which the awaiting frame holds the
    future: a cycle that keeps each frame's locals, whole bodies among them, until the garbage collector
    comes to old objects. So it is brought as a value, and the frames of the thread let go of theirs.
    """
    failed: BaseException | None
    result, failed = await to_thread.run_sync(_outcome, work, argument, limiter=limiter)
    if failed is None:
        return result  # type: ignore[return-value]  # there is one where nothing failed
    try:
        raise failed
    finally:
        del failed


def _outcome(
    work: Callable[[_Argument], _Result], argument: _Argument
) -> tuple[_Result | None, BaseException | None]:
    try:
        return work(argument), None
    except BaseException as error:  # noqa: BLE001 (it is raised where it is awaited)
        clear_frames(error.__traceback__)
        return None, error
