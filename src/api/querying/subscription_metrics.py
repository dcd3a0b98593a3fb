"""Subscriptions as metrics, by what the store says: relays may run anywhere, or not at all."""

from collections.abc import Iterator, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from app.relay.subscriptions import Health

_LABELS = ("tenant", "subscription")


def subscription_metrics(found: Sequence[Health]) -> Iterator[Metric]:
    """Yield the metrics of all subscriptions."""
    lag = GaugeMetricFamily(
        "roundbook_subscription_lag_events",
        "Events of the log that a subscription has yet to look at",
        labels=_LABELS,
    )
    paused = GaugeMetricFamily(
        "roundbook_subscription_paused", "1 while a subscription is paused", labels=_LABELS
    )
    failing = GaugeMetricFamily(
        "roundbook_subscription_failing",
        "1 while a subscription is tried again, as its target failed",
        labels=_LABELS,
    )
    delivered = CounterMetricFamily(
        "roundbook_subscription_delivered", "Messages that targets confirmed", labels=_LABELS
    )
    failed = CounterMetricFamily(
        "roundbook_subscription_failed",
        "Attempts to send that failed; all but the last one before a pause are tried again",
        labels=_LABELS,
    )
    for each in found:
        labels = (each.tenant, each.name)
        lag.add_metric(labels, each.lag)
        paused.add_metric(labels, each.paused)
        failing.add_metric(labels, each.failing and not each.paused)
        delivered.add_metric(labels, each.delivered)
        failed.add_metric(labels, each.failed)
    yield from (lag, paused, failing, delivered, failed)
