"""A request's body as it arrives: within its limit, its budget and its time."""

from collections.abc import AsyncIterator

import anyio

from app.intake.holding import Holding
from app.settings import Settings
from app.wire.body import BodyTooLargeError, most_encoded_bytes

# What a request costs beside the bytes of its body that were read: a connection with what it has read
# ahead, a task, headers. So the budget bounds how many are open, too.
_REQUEST_BYTES = 32_768


class BodyTooSlowError(Exception):
    """The body did not arrive in time."""


async def read_body(
    chunks: AsyncIterator[bytes], declared_bytes: int, holding: Holding, settings: Settings
) -> list[bytes]:
    """Read what was sent, no more than can decompress to the limit, in the parts in which it came.

    To put the parts of a large body together takes long enough not to be done in the event loop.
    Raises BodyTooLargeError, BodyTooSlowError, and app.intake.holding.OverBudgetError.
    """
    most_bytes = most_encoded_bytes(settings.max_body_bytes)
    if declared_bytes > most_bytes:
        raise BodyTooLargeError(settings.max_body_bytes)
    holding.add(_REQUEST_BYTES)
    grace_s = settings.body_grace_s
    due_bytes = settings.min_body_rate * grace_s
    parts = []
    read_bytes = fresh_bytes = 0
    try:
        with anyio.fail_after(settings.body_timeout_s), anyio.fail_after(grace_s) as pace:
            async for chunk in chunks:
                holding.add(len(chunk))
                read_bytes += len(chunk)
                if read_bytes > most_bytes:
                    raise BodyTooLargeError(settings.max_body_bytes)
                parts.append(chunk)
                fresh_bytes += len(chunk)
                if fresh_bytes >= due_bytes:
                    # Each stretch of time is to bring its part: what came early is no excuse to stall.
                    pace.deadline = anyio.current_time() + grace_s
                    fresh_bytes = 0
    except TimeoutError as error:
        raise BodyTooSlowError from error
    return parts
