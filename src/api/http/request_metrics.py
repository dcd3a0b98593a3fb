"""How many requests there are, how they end and how long they take, as /metrics tells it."""

import time
from functools import lru_cache
from typing import NamedTuple

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Gauge, Histogram

_LABELS = ("method", "path", "status_code", "app_name")
_APP = "roundbook"

REQUESTS = Counter("roundbook_requests", "Requests that ended", _LABELS)
ERRORS = Counter("roundbook_requests_error", "Requests that ended with a status from 500", _LABELS)
SECONDS = Histogram("roundbook_request_duration_seconds", "How long a request took", _LABELS)
IN_PROGRESS = Gauge(
    "roundbook_requests_in_progress",
    "Requests that were begun and not ended",
    _LABELS,
    multiprocess_mode="livesum",
)

_FIRST_ERROR = 500
_BEGUN = 200  # the label of a request that has no status yet


class _Ended(NamedTuple):
    requests: Counter
    errors: Counter | None
    seconds: Histogram


def request_metrics(app: ASGIApp) -> ASGIApp:
    """Wrap `app`, which is asked once the route is known: paths are those of routes, never of requests."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        method: str = scope["method"]  # type: ignore[typeddict-item]  # nothing but HTTP is routed
        path: str = scope["path_template"]
        status = _BEGUN

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        in_progress = _in_progress(method, path)
        in_progress.inc()
        try:
            await app(scope, receive, send_and_note)
        finally:
            in_progress.dec()
            ended = _ended(method, path, status)
            ended.requests.inc()
            ended.seconds.observe(time.perf_counter() - started)
            if ended.errors is not None:
                ended.errors.inc()

    return wrapped


# To find the series of some labels takes longer than to count in it.


@lru_cache(maxsize=1_000)
def _in_progress(method: str, path: str) -> Gauge:
    return IN_PROGRESS.labels(method, path, _BEGUN, _APP)


@lru_cache(maxsize=1_000)
def _ended(method: str, path: str, status: int) -> _Ended:
    labels = (method, path, status, _APP)
    errors = ERRORS.labels(*labels) if status >= _FIRST_ERROR else None
    return _Ended(REQUESTS.labels(*labels), errors, SECONDS.labels(*labels))
