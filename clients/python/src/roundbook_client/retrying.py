"""What is tried again, and when: for stamina, which waits longer each time, and never as long as the last."""

from httpx2 import Response, TransportError
from msgspec import MsgspecError
from msgspec.json import decode

from roundbook_client.errors import AnsweredError, Problem

_TOO_MANY_REQUESTS = 429


def delay_or_not(error: Exception) -> bool | float:
    """Tell whether asking again may help and, where the service says so, after how many seconds.

    What the same request would be answered again is not tried again.
    """
    if isinstance(error, AnsweredError):
        if error.status < 500 and error.status != _TOO_MANY_REQUESTS:
            return False
        return True if error.retry_after_s is None else error.retry_after_s
    return isinstance(error, TransportError)


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
