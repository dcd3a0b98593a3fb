"""What the load client is told and what it answers, and the handle on its process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec
from msgspec import Struct

from bench.processes import ROOT


class Order(Struct, frozen=True, kw_only=True):
    """Send for `seconds`: the items that cells share, or the next batches of the long run, all of them."""

    host: str
    port: int
    key: str
    batch: int
    connections: int
    seconds: float
    long_run_batches: int = 0


class Load(Struct, frozen=True):
    """What the service acknowledged, up to the last answer."""

    events: int
    elapsed_s: float
    answers_s: list[float]
    cpu_s: float


class LoadClient:
    """The client's process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def send(self, order: Order) -> Load:
        """Have an order carried out. Raises click.ClickException if the service refused something."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(msgspec.json.encode(order) + b"\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise click.ClickException("the load client gave up, see above")
        return msgspec.json.decode(line, type=Load)


@contextmanager
def load_client(events: int) -> Iterator[LoadClient]:
    """Start a client that knows the first `events` items."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.client", str(events)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield LoadClient(process)
    finally:
        process.kill()
        process.communicate()
