"""Logs to project: filled in this process, as fast as goes."""

from collections.abc import Iterable

from app.log.heads import StreamHeads
from app.recording import commit
from bench import workload
from bench.server import Database
from postgres.connections import open_pool


def fill_log(database: Database, tenant_id: int, bodies: Iterable[bytes]) -> int:
    """Record bodies of new items; gives the head of the log."""
    heads, head = StreamHeads(), 0
    with open_pool(database.service_url, max_size=1) as pool:
        for body in bodies:
            head = commit(pool, tenant_id, workload.read(body), heads).log_position
    return head
