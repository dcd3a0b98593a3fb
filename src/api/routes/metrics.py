"""Metrics in the Prometheus text format, of all processes of this service."""

import os

import anyio.to_thread
from anyio import CapacityLimiter
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from api.http.operations import FOR_OPERATORS
from api.querying.staleness import Staleness

# One at a time: however many ask, what requests need of the processor stays theirs.
_ONE = CapacityLimiter(1)


@get(
    "/metrics",
    media_type=MediaType.TEXT,
    tags=["operation"],
    summary="Read the metrics",
    opt={FOR_OPERATORS: True},
)
async def metrics(staleness: NamedDependency[Staleness]) -> Response[bytes]:
    """Return what all processes of this service counted, in the Prometheus text format."""
    await staleness.look()
    content = await anyio.to_thread.run_sync(_collect, staleness, limiter=_ONE)
    return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _collect(staleness: Staleness) -> bytes:
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    of_the_store = CollectorRegistry()
    of_the_store.register(staleness)
    return generate_latest(registry) + generate_latest(of_the_store)
