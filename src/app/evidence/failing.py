"""Telling of which tenants something is wrong, and what."""

from prometheus_client import Gauge


def reason_of(error: Exception) -> str:
    """Return what is kept of an error: its type, by which it can be told what the text may hold, and that."""
    return f"{type(error).__name__}: {error}"


class FailingGauge:
    """1 for a tenant while something is wrong, and 0 once it is mended.

    Of tenants of which nothing was ever wrong there is no series: there may be many thousands.
    """

    def __init__(self, name: str, documentation: str) -> None:
        """Show nothing yet."""
        self._gauge = Gauge(name, documentation, ["tenant"], multiprocess_mode="mostrecent")
        self._shown: set[int] = set()

    def tell(self, tenant_id: int, *, failing: bool, was_failing: bool = False) -> None:
        """Tell of a tenant; `was_failing` is what others may have told of it before."""
        if failing or was_failing or tenant_id in self._shown:
            self._gauge.labels(tenant_id).set(int(failing))
            self._shown.add(tenant_id)
