"""Positions and cursors belong to one log: where another one goes on since, they are refused by name.

Positions are given again after a restore from an older backup. What a reader kept would look as good as ever,
and lead on in another story. Where it is known up to which position both are the same, that is said.
"""

from collections.abc import Sequence
from typing import Any

import anyio.to_thread
from litestar import Request

from api.http.auth import check_key, log_id_of, look_up_log_id, tenant_of
from api.http.problems import ProblemError
from app.log.histories import agreed_to
from app.log.leaves import current_log
from app.tenants import Scope
from postgres.connections import Pool


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
    raise _other_log(log_id, await anyio.to_thread.run_sync(_agreed_to, request, told))


async def check_still(
    request: Request[Any, Any, Any], log_id: bytes, scope: Scope = "audit"
) -> None:
    """Make sure that an answer which takes long may go on: by its key, and in the log it began with.

    Raises ProblemError `forbidden` or `other-log`.
    """
    await check_key(request, scope)
    current = log_id_of(request)
    if current != log_id:
        raise _other_log(current, None)


def _is_told(log_id: bytes, told: Sequence[bytes]) -> bool:
    return all(log_id.startswith(each) for each in told)


def _agreed_to(request: Request[Any, Any, Any], told: Sequence[bytes]) -> int | None:
    """Return up to which position the log that goes on is that which was told; None where nobody knows."""
    pool: Pool = request.app.state.looking_up
    with pool.connection() as connection:
        log = current_log(connection, tenant_of(request).tenant_id)
        if log is None:
            return None
        others = [each for each in told if not log_id_of(request).startswith(each)]
        agreed = [agreed_to(connection, log, each) for each in others]
    known = [position for position in agreed if position is not None]
    return min(known) if known and len(known) == len(agreed) else None


def _other_log(log_id: bytes, agreed: int | None) -> ProblemError:
    written = log_id.hex()
    where = (
        "Begin anew, or from where both agree."
        if agreed is None
        else f"Both agree up to position {agreed}: take back what you know after it, and go on from there."
    )
    return ProblemError(
        "other-log",
        "What you go by (log_id, cursor or Last-Event-ID) is of another log than the one that goes on, as it"
        f" is after a restore from an older backup. This one is {written}: its positions may stand for"
        f" other events than those you know. {where}",
        log_id=written,
        agreed_to=agreed,
    )
