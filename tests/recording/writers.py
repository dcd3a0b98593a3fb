"""Writers in processes of their own. A module by itself, so that a new process can import it."""

from collections.abc import Sequence
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from msgspec.structs import asdict

from app.log.heads import StreamHeads
from app.recording import commit, prepare
from app.wire.items import decode_batch
from postgres.connections import open_pool


class Task(NamedTuple):
    """What a writer has to send: request bodies, in order, for one tenant."""

    url: str
    tenant_id: int
    currencies: frozenset[str]
    now: datetime
    bodies: Sequence[bytes]


def write(task: Task, pipe: Pipe) -> None:
    """Say that it is ready, wait for the word, then record each body and hand back each receipt."""
    heads = StreamHeads()
    with open_pool(task.url, max_size=2) as pool:
        pool.wait()
        pipe.send("ready")
        pipe.recv()
        for body in task.bodies:
            items = decode_batch(body, currencies=task.currencies, now=task.now)
            receipt = commit(pool, task.tenant_id, prepare(items), heads).receipt()
            pipe.send([asdict(item) for item in receipt.items])
    pipe.send("done")
