"""The workers that the benchmark compares with: each still takes a batch, whatever it leaves out."""

from pathlib import Path

import httpx
from bench import server, worker
from bench.service import bench_worker

from tests.databases import Database
from tests.http.service import on, roundbook
from tests.http.wire import EVENTS, body, deposit


def test_each_worker_of_the_benchmark_takes_a_batch(fresh_database: Database) -> None:
    settings = on(fresh_database)
    roundbook("tenant", "create", "demo", settings=settings)
    key = roundbook("key", "create", "demo", "--scope", "ingest", settings=settings).stdout.strip()
    measured = server.Database(
        fresh_database.service_url,
        fresh_database.owner_url,
        Path(settings["ROUNDBOOK_SIGNING_KEYS"]),
    )
    for mode in (worker.AS_IT_IS, worker.NO_GROUPS, worker.NO_STORE, worker.NO_EVIDENCE):
        with bench_worker(measured, mode) as service:
            answer = httpx.post(
                f"http://{service.host}:{service.port}{EVENTS}",
                content=body(deposit(f"{mode} 1"), deposit(f"{mode} 2")),
                headers={"x-api-key": key, "content-type": "application/json"},
                timeout=60,
            )
        assert answer.status_code == 204, f"{mode}: {answer.text}"
