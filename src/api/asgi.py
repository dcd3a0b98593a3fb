"""The HTTP application, wired: settings and a pool in, an ASGI application out."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from anyio import CapacityLimiter
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from api.documentation.openapi import OPENAPI_CONFIG
from api.documentation.pages import PAGES
from api.http.auth import KeyRing, require_scope
from api.http.head_method import head_like_get
from api.http.log_ids import log_ids
from api.http.problems import EXCEPTION_HANDLERS
from api.http.raw_ids import raw_ids
from api.http.refusals import refusals
from api.http.request_log import request_log
from api.http.request_metrics import request_metrics
from api.querying.positions import Positions
from api.querying.queries import Queries
from api.routes import ROUTES
from app.accesses import AccessLog
from app.intake.intake import Ingest
from app.settings import Settings
from postgres.connections import open_pool

_BY_KEY_CONNECTIONS = 2
_ACCESS_CONNECTIONS = 2

# How long a writer waits for a log with a thread and a connection in hand, before others have a turn.
_TURN_S = 0.5


class Service(NamedTuple):
    """The application, and what lets its endless answers end: to be called when the process shall."""

    application: ASGIApp
    end_streams: Callable[[], None]


def create_app(settings: Settings, database_url: str) -> ASGIApp:
    """Build the application that serves `database_url`. It connects when it starts."""
    return create_service(settings, database_url).application


def create_service(settings: Settings, database_url: str) -> Service:
    """Build the application with its handle for the end of the process."""
    # Half of the connections for writing, half for reading: neither can starve the other.
    share = max(1, settings.pool_size // 2)
    writing = open_pool(
        database_url,
        max_size=share,
        timeout_s=settings.lock_timeout_s,
        lock_timeout_s=min(_TURN_S, settings.lock_timeout_s),
    )
    # Two more than queries can take: keys are looked up and health is asked for meanwhile.
    pool = open_pool(database_url, max_size=share + 2, for_queries=True)
    positions = Positions(pool)
    # What lies in the past is looked up by key, a few milliseconds each.
    by_key = open_pool(database_url, max_size=_BY_KEY_CONNECTIONS)
    recording = open_pool(
        database_url,
        max_size=_ACCESS_CONNECTIONS,
        timeout_s=settings.lock_timeout_s,
        lock_timeout_s=settings.lock_timeout_s,
    )
    ingest = Ingest(settings, writing, threads=share)
    dependencies: dict[str, Any] = {
        "settings": settings,
        "pool": pool,
        "ingest": ingest,
        "queries": Queries(
            pool,
            by_key,
            threads=CapacityLimiter(share),
            positions=positions,
            at_least_timeout_s=settings.at_least_timeout_s,
        ),
    }

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            ingest.close()
            writing.close()
            pool.close()
            by_key.close()
            recording.close()

    application = Litestar(
        route_handlers=[*ROUTES, *PAGES],
        guards=[require_scope],
        exception_handlers=EXCEPTION_HANDLERS,
        dependencies={
            name: Provide(_constant(value), sync_to_thread=False)
            for name, value in dependencies.items()
        },
        middleware=[request_metrics],
        state=State(
            {
                "key_ring": KeyRing(pool, trust_s=settings.key_cache_s),
                "accesses": AccessLog(recording, threads=_ACCESS_CONNECTIONS),
            }
        ),
        lifespan=[lifespan],
        openapi_config=OPENAPI_CONFIG,
        request_max_body_size=None,
        logging_config=None,
    )
    wrapped = request_log(refusals(head_like_get(raw_ids(log_ids(application)))))
    return Service(wrapped, positions.close)


def _constant(value: Any) -> Callable[[], Any]:
    def provide() -> Any:
        return value

    return provide
