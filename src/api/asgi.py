"""The HTTP application, wired: settings and a pool in, an ASGI application out."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

from api.console.application import with_console
from api.documentation.openapi import OPENAPI_CONFIG
from api.documentation.pages import PAGES
from api.documentation.shapes import Structs
from api.http.auth import READ_ONLY, KeyRing, require_scope, who_asks
from api.http.deadlines import deadlines
from api.http.draining import Draining, closing
from api.http.endings import endings
from api.http.head_method import head_like_get
from api.http.log_ids import log_ids
from api.http.operations import Listening, operations_apart
from api.http.problems import EXCEPTION_HANDLERS
from api.http.rate_limits import rate_limit_headers
from api.http.raw_ids import raw_ids
from api.http.refusals import refusals
from api.http.request_log import request_log
from api.http.request_metrics import request_metrics
from api.http.sending import bounded_sending
from api.http.starting import fair_starts
from api.http.wrong_keys import WrongKeys
from api.querying.lanes import lane_of
from api.querying.open_streams import OpenStreams
from api.querying.queries import Queries
from api.querying.reads import Reads
from api.querying.sources import Sources
from api.querying.staleness import Staleness
from api.routes import ROUTES
from app.accesses import AccessLog
from app.intake.intake import Ingest
from app.limits.buckets import take
from app.limits.limiter import Limiter
from app.limits.local import LocalBuckets
from app.refused import forget_hourly
from app.settings import Settings
from postgres.connections import open_pool

_LOOKING_UP_CONNECTIONS = 2
_ACCESS_CONNECTIONS = 2

# How long a writer waits for a log with a thread and a connection in hand, before others have a turn.
_TURN_S = 0.5


class Service(NamedTuple):
    """The application, what lets its endless answers end when the process shall, and whether it drains."""

    application: ASGIApp
    end_streams: Callable[[], None]
    draining: Draining


def create_app(settings: Settings, database_url: str) -> ASGIApp:
    """Build the application that serves `database_url`. It connects when it starts."""
    return create_service(settings, database_url).application


def create_service(
    settings: Settings,
    database_url: str,
    *,
    for_operators: Sequence[socket.socket] = (),
    read_only: bool = False,
) -> Service:
    """Build the application with its handle for the end of the process.

    Health and metrics are served on the listeners `for_operators` alone, if there are any. With `read_only`
    the database may be a standby: nothing is written, and what would be is refused.
    """
    # Half of the connections for writing, half for reading: neither can starve the other.
    share = max(1, settings.pool_size // 2)
    writing = open_pool(
        database_url,
        max_size=share,
        timeout_s=settings.lock_timeout_s,
        lock_timeout_s=min(_TURN_S, settings.lock_timeout_s),
        statement_timeout_s=settings.statement_timeout_s,
    )
    # Keys are looked up, health and positions are asked for, whatever queries are at work.
    looking_up = open_pool(
        database_url,
        max_size=_LOOKING_UP_CONNECTIONS,
        statement_timeout_s=settings.statement_timeout_s,
    )
    reads = Reads(
        threads=share,
        most_waiting=settings.max_waiting_queries,
        unsent_limit_bytes=settings.max_unsent_bytes,
        timeout_s=settings.query_timeout_s,
    )
    streams = OpenStreams(
        per_tenant=settings.max_streams_per_tenant, per_key=settings.max_streams_per_key
    )
    sources = Sources(settings, database_url, looking_up, reads, streams, read_only=read_only)
    recording = open_pool(
        database_url,
        max_size=_ACCESS_CONNECTIONS,
        timeout_s=settings.lock_timeout_s,
        lock_timeout_s=settings.lock_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
    )
    draining = Draining()
    ingest = Ingest(settings, writing, threads=share)
    key_ring = KeyRing(looking_up, trust_s=settings.key_cache_s)
    constants: dict[str, Any] = {
        "settings": settings,
        "pool": looking_up,
        "ingest": ingest,
        "staleness": Staleness(looking_up),
        "draining": draining,
    }

    def queries(request: Request[Any, Any, Any]) -> Queries:
        return Queries(sources.primary, request, replica=sources.usable_replica())

    def unsent(scope: Scope, held_bytes: int) -> AbstractContextManager[None]:
        if "tenant" not in scope["state"]:
            return nullcontext()
        return reads.unsent(lane_of(scope), held_bytes)

    tracing = _tracing(settings.traces_url)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        forgetting = None if read_only else asyncio.create_task(forget_hourly(writing))
        try:
            async with sources.watched():
                yield
        finally:
            if forgetting is not None:
                forgetting.cancel()
            ingest.close()
            writing.close()
            reads.close()
            sources.close()
            looking_up.close()
            recording.close()
            tracing.end()

    apart = [operations_apart(for_operators)] if for_operators else []
    application = Litestar(
        route_handlers=[*ROUTES, *PAGES],
        guards=[*apart, require_scope],
        exception_handlers=EXCEPTION_HANDLERS,
        dependencies={
            "queries": Provide(queries, sync_to_thread=False),
            **{
                name: Provide(_constant(value), sync_to_thread=False)
                for name, value in constants.items()
            },
        },
        middleware=[
            request_metrics,
            *tracing.middlewares,
            deadlines(settings.request_timeout_s),
        ],
        state=State(
            {
                "wrong_keys": WrongKeys(),
                "limiter": Limiter(LocalBuckets().take if read_only else partial(take, looking_up)),
                READ_ONLY: read_only,
                "most_body_bytes": settings.max_body_bytes,
                "key_ring": key_ring,
                "looking_up": looking_up,
                "accesses": AccessLog(recording, threads=_ACCESS_CONNECTIONS),
            }
        ),
        lifespan=[lifespan],
        openapi_config=OPENAPI_CONFIG,
        plugins=[Structs()],
        request_max_body_size=None,
        logging_config=None,
    )
    routed = raw_ids(log_ids(rate_limit_headers(application)))
    if settings.console == "on":

        async def whole(scope: Scope, receive: Receive, send: Send) -> None:
            await service.application(scope, receive, send)

        routed = with_console(
            routed,
            api=whole,
            secret=settings.console_secret,
            body_timeout_s=settings.body_timeout_s,
            is_elsewhere=Listening(for_operators).came_as_operator,
        )
    wrapped = refusals(head_like_get(routed))
    sending = bounded_sending(endings(wrapped), unsent=unsent, timeout_s=settings.send_timeout_s)
    starting = fair_starts(sending, who=partial(who_asks, key_ring))
    service = Service(request_log(closing(starting, draining)), sources.end_streams, draining)
    return service


def openapi_document() -> dict[str, Any]:
    """Write the OpenAPI document, for which nothing needs to be served."""
    names = ("queries", "settings", "pool", "ingest", "staleness", "draining")
    application = Litestar(
        route_handlers=ROUTES,
        dependencies={name: Provide(_constant(None), sync_to_thread=False) for name in names},
        openapi_config=OPENAPI_CONFIG,
        plugins=[Structs()],
        logging_config=None,
    )
    return application.openapi_schema.to_schema()


class _Tracing(NamedTuple):
    middlewares: list[Callable[[ASGIApp], ASGIApp]]
    end: Callable[[], None]


def _tracing(url: str | None) -> _Tracing:
    if url is None:
        return _Tracing([], lambda: None)
    # An extra of the package, which takes a third of a second to import.
    from api.http.tracing import begin_tracing  # noqa: PLC0415

    tracing = begin_tracing(url)
    return _Tracing([tracing.middleware], tracing.end)


def _constant(value: Any) -> Callable[[], Any]:
    def provide() -> Any:
        return value

    return provide
