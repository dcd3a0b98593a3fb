"""Metrics in the Prometheus text format, of all processes of this service."""

from litestar.plugins.prometheus import PrometheusController


class Metrics(PrometheusController):
    """Metrics, as Litestar's plugin gives them."""

    tags = ("operation",)
