"""What is tried again, and when: for stamina, which waits longer each time, and never as long as the last."""

import time
from collections.abc import Callable
from typing import TypeVar

from httpx2 import Response, TransportError
from msgspec import MsgspecError
from msgspec.json import decode

from roundbook_client.errors import AnsweredError, Problem

_T = TypeVar("_T")

_TOO_MANY_REQUESTS = 429
_LONGEST_S = 60.0
"""The longest that `Retry-After` is heeded: a proxy may say anything."""
GIVEN_UP_S = 45.0
"""For how long a query is asked again."""


def delay_or_not(error: Exception) -> bool | float:
    """Tell whether asking again may help and, where the service says so, after how many seconds.

    What the same request would be answered again is not tried again.
    """
    if isinstance(error, AnsweredError):
        if error.status < 500 and error.status != _TOO_MANY_REQUESTS:
            return False
        return True if error.retry_after_s is None else min(error.retry_after_s, _LONGEST_S)
    return isinstance(error, TransportError)


def within_time() -> Callable[[Exception], bool | float]:
    """Make the same for what is given up after `GIVEN_UP_S`: it does not wait for what comes later."""
    ends_at = time.monotonic() + GIVEN_UP_S

    def delay_or_give_up(error: Exception) -> bool | float:
        delay = delay_or_not(error)
        return False if time.monotonic() + delay > ends_at else delay

    return delay_or_give_up


def understood(answer: Response, read: Callable[[bytes], _T]) -> _T:
    """Read an answer of success. Raises AnsweredError where it is none of the service's."""
    try:
        return read(answer.content)
    except (MsgspecError, UnicodeDecodeError):
        raise of_stranger(answer) from None


def of_stranger(answer: Response) -> AnsweredError:
    """Make the error for an answer of success that the service does not give."""
    return AnsweredError(answer.status_code, Problem(detail="who answered is not the service"))


def raise_unless_well(answer: Response) -> None:
    """Raise AnsweredError, with what the service says, for an answer that was read and is none of success."""
    if not answer.is_success:
        raise answered(answer)


def answered(answer: Response) -> AnsweredError:
    """Make the error for an answer that was read."""
    try:
        problem = decode(answer.content, type=Problem)
    except MsgspecError:
        problem = Problem(detail=answer.text[:200])
    return AnsweredError(answer.status_code, problem, _retry_after_s(answer))


def _retry_after_s(answer: Response) -> float | None:
    """Read `Retry-After` as the service writes it, in seconds; a date, as proxies may write, is not read."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else None
