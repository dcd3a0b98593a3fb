"""(m) Thousands of listeners to one log: what an event costs, and how long it takes until all have it."""

import gc
import json
import multiprocessing
import re
import selectors
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path

import click

from bench.fairness.idle_listeners import allow_files
from bench.fairness.requests import ask
from bench.over_http import more_keys, new_tenant
from bench.parts import Options, Part, Say
from bench.processes import cpu_s
from bench.results import Column, Table
from bench.server import Database, Server
from bench.service import Service, serving
from bench.visible import share

_EVENTS = 80
_PER_S = 4
_KEYS = 25
_PATIENCE_S = 180.0
_FILES_BESIDE = 200
_WORKER = b"api.process.worker"
_PATH = "/api/v1/history?from_position=1"
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
_QUERIES = {"no filter": "", "a player each": "&player_id=p{number}"}

Row = list[str | float | None]


def run(server: Server, options: Options, say: Say) -> Part:
    """Measure the worker with many listeners, while nothing comes and while events do."""
    allow_files(2 * options.listeners + _FILES_BESIDE)
    most = str(options.listeners + 1)
    rows, rounds = [], {}
    for name, query in _QUERIES.items():
        say(f"{options.listeners:,} listeners, {name}")
        with (
            server.new_database() as database,
            serving(
                database,
                workers=1,
                projections=True,
                ROUNDBOOK_MAX_STREAMS_PER_TENANT=most,
                ROUNDBOOK_MAX_STREAMS_PER_KEY=most,
            ) as service,
        ):
            row, taken_s = _listen(database, service, options.listeners, query)
        rows.append([name, *row])
        rounds[f"from post to listener, {name}, s"] = taken_s
    return Part([_table(options.listeners, rows)], rounds)


def _listen(
    database: Database, service: Service, listeners: int, query: str
) -> tuple[Row, list[float]]:
    tenant = new_tenant(database)
    keys = [tenant.key, *more_keys(database, tenant, _KEYS - 1)]
    url = f"http://{service.host}:{service.port}"
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    client = spawn.Process(target=_follow, args=(theirs, url, keys, listeners, query))
    client.start()
    try:
        if not ours.poll(_PATIENCE_S) or ours.recv() != listeners:
            raise click.ClickException("not all listeners were let in")
        workers = [pid for pid in service.pids() if _is_worker(pid)]
        idle = _share_of_core(workers, lambda: time.sleep(_EVENTS / _PER_S))
        posted_s: list[float] = []
        busy = _share_of_core(workers, lambda: _post(service, tenant.key, posted_s, listeners))
        time.sleep(1)
        ours.send("enough")
        if not ours.poll(_PATIENCE_S):
            raise click.ClickException("the listeners say nothing")
        heard: list[tuple[int, float]] = ours.recv()
    finally:
        client.kill()
        client.join()
    taken_s = [at_s - posted_s[position - 1] for position, at_s in heard]
    return [len(taken_s), idle, busy, share(taken_s, 0.5), share(taken_s, 0.99)], taken_s


def _follow(ours: Connection, url: str, keys: Sequence[str], listeners: int, query: str) -> None:
    """Listen, in a process of its own: tell when all listen, and in the end who heard what when."""
    gc.disable()  # what was heard are no cycles, and to look for some takes longer each time
    heard: list[tuple[int, float]] = []
    waiting = set(range(listeners))
    with selectors.DefaultSelector() as poll:
        poll.register(ours, selectors.EVENT_READ, None)
        for number in range(listeners):
            path = _PATH + query.format(number=number)
            link = ask(url, keys[number % len(keys)], path, "text/event-stream")
            poll.register(link, selectors.EVENT_READ, (link, number))
        while True:
            for ready, _ in poll.select():
                if ready.data is None:
                    ours.send(heard)
                    return
                link, number = ready.data
                received = link.recv(65_536)
                at_s = time.monotonic()
                if number in waiting and b"\r\n\r\n" in received:
                    waiting.remove(number)
                    if not waiting:
                        ours.send(listeners)
                heard += [(int(each), at_s) for each in _ID.findall(received)]


def _post(service: Service, key: str, posted_s: list[float], listeners: int) -> None:
    connection = HTTPConnection(service.host, service.port)
    headers = {"x-api-key": key, "content-type": "application/json"}
    began_s = time.monotonic()
    for number in range(_EVENTS):
        time.sleep(max(0.0, began_s + number / _PER_S - time.monotonic()))
        data = {
            "unique_id": f"event-{number}",
            "timestamp": "2025-01-15T12:00:00Z",
            "player_id": f"p{number % listeners}",
        }
        posted_s.append(time.monotonic())
        body = json.dumps({"items": [{"event": "login", "data": data}]})
        connection.request("POST", "/api/v1/events", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 204:
            raise click.ClickException(f"not stored: {answer.status}")
    connection.close()


def _share_of_core(pids: Sequence[int], work: Callable[[], None]) -> float | None:
    before, began_s = cpu_s(pids), time.monotonic()
    work()
    after, took_s = cpu_s(pids), time.monotonic() - began_s
    return None if before is None or after is None else (after - before) / took_s


def _is_worker(pid: int) -> bool:
    return _WORKER in Path(f"/proc/{pid}/cmdline").read_bytes()


def _table(listeners: int, rows: list[Row]) -> Table:
    return Table(
        f"{listeners:,} listeners",
        f"Server-sent events of one tenant's history to so many clients with {_KEYS} keys, from one worker:"
        f" its processor time while nothing is recorded, and while {_PER_S} events a second are. The time is"
        " from when a post begins until a listener has read the event; all listeners are one process, which"
        " takes a core for itself.",
        [
            Column("listeners with"),
            Column("events heard"),
            Column("cores, nothing recorded", 3),
            Column("cores", 3),
            Column("ms, median", 1),
            Column("ms, p99", 1),
        ],
        rows,
    )
