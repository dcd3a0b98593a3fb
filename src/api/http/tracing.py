"""Traces of requests by OpenTelemetry, where an operator wants them: nothing here is imported otherwise.

A span is of a route, never of a request's own path or query, as those hold ids of players.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from litestar.plugins.opentelemetry import (
    OpenTelemetryConfig,
    OpenTelemetryInstrumentationMiddleware,
)
from litestar.types import ASGIApp, Scope
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span

_OPERATION = ["^/health/", "^/metrics$"]
# What the middleware takes from the request itself, in the words of OpenTelemetry before 1.21 and since.
_OWN_WORDS = ("http.url", "http.target", "url.full", "url.path")


class Tracing(NamedTuple):
    """What makes a span of each request, and what sends those that are left and ends."""

    middleware: Callable[[ASGIApp], ASGIApp]
    end: Callable[[], None]


def begin_tracing(url: str) -> Tracing:
    """Send spans to a collector by OTLP over HTTP, some at a time, from a thread; who is asked never waits.

    What else there is to say of it, such as headers and a share of requests, the SDK reads from the
    variables OTEL_…. A collector that is out of reach costs the spans, and a line of the log.
    """
    resource = Resource.create({"service.name": "roundbook"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    config = OpenTelemetryConfig(
        tracer_provider=provider,
        meter_provider=NoOpMeterProvider(),
        scope_span_details_extractor=_of_the_route,
        server_request_hook_handler=_describe,
        exclude_spans=["receive", "send"],
        exclude=_OPERATION,
    )

    def middleware(app: ASGIApp) -> ASGIApp:
        # Litestar would put the plugin's own before all else, where the route is not known yet.
        return OpenTelemetryInstrumentationMiddleware(app, config)

    return Tracing(middleware, provider.shutdown)


def _of_the_route(scope: Scope) -> tuple[str, dict[str, Any]]:
    route = scope["path_template"]
    return f"{scope['method']} {route}", {"http.route": route}  # type: ignore[typeddict-item]


def _describe(span: Span, scope: dict[str, Any]) -> None:
    """Say in a span which request it is, and take from it what the request said."""
    for name in _OWN_WORDS:
        span.set_attribute(name, scope["path_template"])
    span.set_attribute("url.query", "")
    span.set_attribute("roundbook.request_id", scope["state"]["request_id"])
