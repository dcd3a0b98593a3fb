"""The Python client: spooling alone, and all the way through the spool and a service into the log."""

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from roundbook_client import (
    Client,
    Deposit,
    Game,
    GameRound,
    Item,
    Login,
    Player,
    Rollback,
    RoundEnd,
    Withdraw,
)
from roundbook_client.checking import Checker
from roundbook_client.spool.spool import Spool

from bench import workload
from bench.over_http import check_log, new_tenant
from bench.parts import Options, Part, Say
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import Service, serving

_TYPES = (GameRound, Rollback, RoundEnd, Deposit, Withdraw, Player, Game, Login)
_WAYS = ((1, 1), (1, 16), (100, 1), (1_000, 1), (10_000, 1))
"""Items in a `send`, and threads that send at once."""
_SMALL = 4_000
_THROUGH_ITEMS = 1_000
_SPOOL_BYTES = 8 << 30


class _Taken(NamedTuple):
    items: int
    elapsed_s: float
    cpu_s: float
    service_cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        return self.items / self.elapsed_s


def run(server: Server, options: Options, say: Say) -> Part:
    """Spool what was made, by sends of several sizes; then send it through a service."""
    typed = _typed(workload.first_items(min(options.events, 200_000)))
    rounds: dict[str, list[float]] = {}
    spooled = []
    for each, threads in _WAYS:
        name = f"{each:,} by {threads}"
        some = typed if each > 1 else typed[: _SMALL * threads]
        taken = []
        for number in range(options.rounds):
            say(f"spooling, {name}, round {number + 1}")
            taken.append(_spool(some, each, threads))
        rounds[f"spooling, {name}, items/s"] = [one.rate for one in taken]
        spooled.append(_row(name, taken))
    through = []
    with (
        server.new_database() as database,
        serving(database, workers=options.workers) as service,
    ):
        for number in range(options.rounds):
            say(f"client, service and log, round {number + 1}")
            through.append(_send(database, service, typed))
    rounds["client to log, events/s"] = [one.rate for one in through]
    tables = [
        Table(
            "Spooling",
            "Typed items, checked and written to the spool, with a sync before each `send` returns;"
            " nothing is drained. Items in a `send`, and threads that send at once; medians.",
            [Column("way"), Column("items/s"), Column("CPU µs/item", 2)],
            spooled,
        ),
        Table(
            "From the client into the log",
            f"{len(typed):,} typed items in sends of {_THROUGH_ITEMS:,}, until all of them are acknowledged.",
            [
                Column("way"),
                Column("events/s"),
                Column("client CPU µs/event", 2),
                Column("service CPU µs/event", 2),
            ],
            [
                [
                    *_row("client, service, log", through),
                    _median([one.service_cpu_s / one.items * 1e6 for one in through]),
                ]
            ],
        ),
    ]
    return Part(tables, rounds)


def _row(name: str, taken: Sequence[_Taken]) -> list[str | float | None]:
    cpu = _median([one.cpu_s / one.items * 1e6 for one in taken])
    return [name, _median([one.rate for one in taken]), cpu]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _typed(texts: Sequence[str]) -> list[Item]:
    """Read items into the types that an application would send, without members that are none of theirs."""
    types = {each.event: each for each in _TYPES}
    found = []
    for text in texts:
        read = json.loads(text, parse_float=Decimal)
        kind = types[read["event"]]
        known = {
            name: read["data"][name] for name in kind.__struct_fields__ if name in read["data"]
        }
        found.append(kind(**known))
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="roundbook-bench-spool-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _spool(some: Sequence[Item], each: int, threads: int) -> _Taken:
    checker = Checker()
    with _folder() as folder:
        spool = Spool(folder, _SPOOL_BYTES)

        def send(mine: Sequence[Item]) -> None:
            for at in range(0, len(mine), each):
                spool.commit(spool.put(checker.records(mine[at : at + each])))

        shares = [some[who::threads] for who in range(threads)]
        senders = [threading.Thread(target=send, args=(share,)) for share in shares]
        began, cpu = time.perf_counter(), time.process_time()
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        taken = _Taken(len(some), time.perf_counter() - began, time.process_time() - cpu)
        spool.close()
    return taken


def _send(database: Database, service: Service, some: Sequence[Item]) -> _Taken:
    tenant = new_tenant(database)
    url = f"http://{service.host}:{service.port}"
    with _folder() as folder, Client(url, key=tenant.key, spool=folder) as client:
        began, cpu, service_cpu = time.perf_counter(), time.process_time(), service.cpu_s()
        for at in range(0, len(some), _THROUGH_ITEMS):
            client.send(some[at : at + _THROUGH_ITEMS])
        client.flush()
        elapsed_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        after = service.cpu_s()
    check_log(database, tenant.tenant_id, len(some))
    of_service = after - service_cpu if after is not None and service_cpu is not None else 0.0
    return _Taken(len(some), elapsed_s, cpu_s, of_service)
