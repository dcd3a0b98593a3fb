"""Metrics in the Prometheus text format, of all processes of this service."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

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
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.documentation.problems import OPERATOR_PROBLEMS
from api.http.operations import FOR_OPERATORS
from api.querying.staleness import Staleness

FOLDERS = "_ROUNDBOOK_METRICS_FOLDERS"
"""Names the folders in which the processes leave their metrics, this one among them."""

# One at a time: however many ask, what requests need of the processor stays theirs.
_ONE = CapacityLimiter(1)


@get(
    "/metrics",
    media_type=MediaType.TEXT,
    tags=["operation"],
    summary="Read the metrics",
    opt={FOR_OPERATORS: True},
    responses=OPERATOR_PROBLEMS,
)
async def read_metrics(staleness: NamedDependency[Staleness]) -> Response[str]:
    """Return what all processes of this service counted, in the Prometheus text format."""
    await staleness.look()
    content = await anyio.to_thread.run_sync(_collect, staleness, limiter=_ONE)
    return Response(content.decode(), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Collector(Collector):
    """What is in the folders of all processes."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for folder in self._folders for file in Path(folder).glob("*.db")]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return metrics


def _collect(staleness: Staleness) -> bytes:
    folders = list(filter(None, os.environ.get(FOLDERS, "").split(os.pathsep)))
    registry = REGISTRY
    if folders:
        registry = CollectorRegistry()
        registry.register(_Collector(folders))
    of_the_store = CollectorRegistry()
    of_the_store.register(staleness)
    return generate_latest(registry) + generate_latest(of_the_store)
