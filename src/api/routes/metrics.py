"""Metrics in the Prometheus text format, of all processes of this service."""

from litestar import MediaType, get
from litestar.plugins.prometheus import PrometheusController


class Metrics(PrometheusController):
    """Metrics, as Litestar's plugin gives them, under a title that says so."""

    tags = ("operation",)
    get = get(media_type=MediaType.TEXT, summary="Read the metrics")(PrometheusController.get.fn)
