"""Who waits for whom in a database."""

from contextlib import ExitStack

from postgres.connections import connect
from tests import clusters

_WAITING = (
    "select count(*) from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock'"
)


def waiting_sessions(url: str) -> int:
    """Return how many sessions of a database wait for a lock, on whichever node of a cluster."""
    with ExitStack() as stack:
        nodes = [stack.enter_context(connect(node)) for node in clusters.every_node(url)]
        return sum(count for node in nodes for (count,) in node.execute(_WAITING))
