"""Positions and cursors belong to one log: where another one goes on since, they are refused by name.

Positions are given again after a restore from an older backup. What a reader kept would look as good as ever,
and lead on in another story.
"""

from collections.abc import Sequence
from typing import Any

from litestar import Request

from api.http.auth import check_key, log_id_of, look_up_log_id
from api.http.problems import ProblemError


async def own_log(request: Request[Any, Any, Any], told: Sequence[bytes]) -> bytes:
    """Return the id of the log that a request is answered from.

    `told` is what the request says of the log that it means: ids, or how they begin. Raises ProblemError
    `other-log` unless it is this one. As what is remembered may be older than what the client was given
    elsewhere, nobody is refused before the store was asked.
    """
    log_id = log_id_of(request)
    if _is_told(log_id, told):
        return log_id
    log_id = await look_up_log_id(request)
    if _is_told(log_id, told):
        return log_id
    raise _other_log(log_id)


async def check_still(request: Request[Any, Any, Any], log_id: bytes) -> None:
    """Make sure that an answer which takes long may go on: by its key, and in the log it began with.

    Raises ProblemError `forbidden` or `other-log`.
    """
    await check_key(request, "audit")
    current = log_id_of(request)
    if current != log_id:
        raise _other_log(current)


def _is_told(log_id: bytes, told: Sequence[bytes]) -> bool:
    return all(log_id.startswith(each) for each in told)


def _other_log(log_id: bytes) -> ProblemError:
    written = log_id.hex()
    return ProblemError(
        "other-log",
        "What you go by (log_id, cursor or Last-Event-ID) is of another log than the one that goes on, as it"
        f" is after a restore from an older backup. This one is {written}: its positions may stand for"
        " other events than those you know. Begin anew, or from where both agree.",
        log_id=written,
    )
