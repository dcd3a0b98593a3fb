"""Rate limits at HTTP: what a request spends, how it is refused, and the headers that tell what is left.

The headers are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter

from api.http.problems import ProblemError
from app.intake.intake import Admit
from app.limits.limiter import Amounts, Limiter, RateLimitedError
from app.limits.limits import Bucket
from domain.rate_limits import What

LIMITED = Counter(
    "roundbook_rate_limited", "Requests that were refused as too many, by what", ["what"]
)

_LIMITS = "limits"
"""Where in a request's state its limits are, if it has any."""

_WORDS: dict[What, str] = {
    "requests": "requests",
    "items": "items",
    "bytes": "bytes of bodies",
}
_UNITS: dict[What, str] = {
    "requests": "",  # what the draft takes for granted
    "items": ';qu="items"',
    "bytes": ';qu="content-bytes"',
}


class _Limits(NamedTuple):
    limiter: Limiter
    buckets: Sequence[Bucket]
    most_bytes: int


async def limit_request(
    connection: ASGIConnection[Any, Any, Any, Any], buckets: Sequence[Bucket]
) -> None:
    """Spend for a request that has limits, before its body is read: itself, and the bytes that it declares.

    Raises ProblemError `rate-limited`, and one of `postgres.errors.UNAVAILABLE`.
    """
    state = connection.app.state
    limits = _Limits(state.limiter, buckets, state.most_body_bytes)
    connection.scope["state"][_LIMITS] = limits
    await _spend(limits, {"requests": 1, "bytes": _declared_bytes(connection, limits)})


def limit_batch(request: Request[Any, Any, Any]) -> Admit | None:
    """Return what spends for a batch when it is known what is in it; None for a request without limits.

    It raises ProblemError `rate-limited`.
    """
    limits: _Limits | None = request.scope["state"].get(_LIMITS)
    if limits is None:
        return None
    paid_bytes = _declared_bytes(request, limits)

    async def spend(items: int, size_bytes: int) -> None:
        nonlocal paid_bytes
        more_bytes = max(0, size_bytes - paid_bytes)
        paid_bytes += more_bytes
        whole: Amounts = {"requests": 1, "items": items, "bytes": paid_bytes}
        await _spend(limits, {"items": items, "bytes": more_bytes}, again=whole)

    return spend


def rate_limit_headers(app: ASGIApp) -> ASGIApp:
    """Wrap `app`: every answer to a request that has limits tells them, and what is left."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        state: dict[str, Any] = scope["state"]

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start" and _LIMITS in state:
                message["headers"] = [*message["headers"], *_headers(state[_LIMITS])]
            await send(message)

        await app(scope, receive, send_with_limits)

    return wrapped


def rate_limited(
    what: str, detail: str, wait_s: float, *, violated: Sequence[str] = ()
) -> ProblemError:
    """Count a refusal, and say when to come again: after whole seconds, at least one."""
    LIMITED.labels(what).inc()
    headers = {"Retry-After": str(_whole(wait_s))}
    return ProblemError("rate-limited", detail, headers=headers, violated_policies=[*violated])


async def _spend(limits: _Limits, amounts: Amounts, *, again: Amounts | None = None) -> None:
    try:
        await limits.limiter.spend(limits.buckets, amounts, again=again)
    except RateLimitedError as error:
        first = error.buckets[0]
        per_s, whose = first.rate.per_s, "key" if first.key_id else "tenant"
        raise rate_limited(
            first.what,
            f"The {whose} may send {per_s:,} {_WORDS[first.what]} a second. Nothing was recorded: the same"
            " request can be sent again.",
            error.wait_s,
            violated=[bucket.policy for bucket in error.buckets],
        ) from error


def _declared_bytes(connection: ASGIConnection[Any, Any, Any, Any], limits: _Limits) -> int:
    """Return how long the body is by its head; 0 where it will not be read.

    Where that isn't said, or it will be unpacked, it is one byte at first: who is in debt is refused before
    anything is read, and all of it is paid for at once, as a batch larger than the burst must be.
    """
    if "transfer-encoding" in connection.headers or "content-encoding" in connection.headers:
        return 1
    declared = connection.headers.get("content-length", "")
    size_bytes = int(declared) if declared.isdecimal() else 0
    return size_bytes if size_bytes <= limits.most_bytes else 0


def _headers(limits: _Limits) -> list[tuple[bytes, bytes]]:
    policies = ", ".join(map(_policy, limits.buckets))
    left = ", ".join(_left(limits.limiter, bucket) for bucket in limits.buckets)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]


def _policy(bucket: Bucket) -> str:
    unit = _UNITS[bucket.what]
    return f'"{bucket.policy}";q={bucket.rate.burst}{unit};w={bucket.rate.burst_s}'


def _left(limiter: Limiter, bucket: Bucket) -> str:
    left = limiter.left(bucket)
    return f'"{bucket.policy}";r={left};t={1 if left else _whole(limiter.wait_s(bucket))}'


def _whole(wait_s: float) -> int:
    return max(1, math.ceil(wait_s))
