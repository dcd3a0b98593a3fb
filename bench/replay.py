"""How fast a whole log comes out of the service as NDJSON, and in how much memory."""

import time
import urllib.request

import click

from bench.processes import PeakMemory
from bench.results import Column, Table
from bench.service import Service

_PIECE_BYTES = 1 << 20
_MIB = 2**20


def replay_table(service: Service, key: str, events: int) -> Table:
    """Read a log from its beginning to its end. Raises click.ClickException if it is not whole."""
    headers = {"x-api-key": key, "accept": "application/x-ndjson"}
    url = f"http://{service.host}:{service.port}/api/v1/history"
    lines = size_bytes = 0
    began = time.perf_counter()
    with (
        PeakMemory(service.pids()) as watched,
        urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer,
    ):
        while piece := answer.read(_PIECE_BYTES):
            lines += piece.count(b"\n")
            size_bytes += len(piece)
    took_s = time.perf_counter() - began
    if lines != events:
        raise click.ClickException(f"{lines} of {events} events came out")
    pss_mib = watched.peak.pss_bytes / _MIB if watched.peak else None
    return Table(
        "Replay",
        f"The log of {events:,} events by one request to `/api/v1/history` as NDJSON, to a client that counts"
        " the lines. PSS is of `serve` and its worker.",
        [Column("events/s"), Column("MB/s"), Column("s", 1), Column("PSS MiB")],
        [[f"{lines / took_s:,.0f}", size_bytes / took_s / 1e6, took_s, pss_mib]],
    )
