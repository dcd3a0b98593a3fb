"""Two hosts behind a proxy are restarted, one after the other, and no request fails."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Self

import httpx

from tests.databases import Database
from tests.faults.places import Account
from tests.faults.sending import Client, Ledger, traffic
from tests.http.service import Service, eventually
from tests.project.proxies import haproxy

Start = Callable[..., Service]

_ENOUGH = 20


class Clients:
    """Clients that send and ask without end, and take each failure for one."""

    def __init__(self, url: str, account: Account) -> None:
        self._url, self._account = url, account
        self._stop = threading.Event()
        self.ledger = Ledger()
        self.answered = 0
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._send, args=[seed]) for seed in range(3)]
        self._threads += [threading.Thread(target=self._ask) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def go_on(self) -> None:
        """Wait until many more are answered."""
        wanted = self.answered + _ENOUGH
        while self.answered < wanted:
            assert not self.failures, self.failures
            assert any(thread.is_alive() for thread in self._threads)
            self._stop.wait(0.05)

    def _send(self, seed: int) -> None:
        with Client(self._url, self._account.key, self.ledger, verify=False) as client:
            for batch in traffic(seed):
                if self._stop.is_set() or self.failures:
                    return
                self._note(lambda batch=batch: client.send_once(batch))  # type: ignore[misc]

    def _ask(self) -> None:
        headers = {"x-api-key": self._account.key}
        with httpx.Client(base_url=self._url, headers=headers, verify=False, timeout=60) as client:
            while not self._stop.is_set() and not self.failures:
                self._note(lambda: client.get("/api/v1/balances"))

    def _note(self, ask: Callable[[], httpx.Response]) -> None:
        try:
            answer = ask()
            if not answer.is_success:
                self.failures.append(f"{answer.status_code} {answer.text}")
        except Exception as error:  # noqa: BLE001 (whatever it is, the test fails)
            self.failures.append(repr(error))
        self.answered += 1
        self._stop.wait(0.02)


def test_two_hosts_are_restarted_behind_a_proxy_without_one_failed_request(
    start: Start, shared: Database, account: Account, folder: Path, tmp_path: Path
) -> None:
    urls = {}
    for name in ("database_url", "owner_url"):
        file = tmp_path / name
        file.write_text(getattr(shared, name.replace("database", "service")) + "\n")
        file.chmod(0o600)
        urls[f"{name}_file"] = str(file)
    settings = {**urls, "drain_s": "8"}
    hosts = [start(**settings), start(**settings)]
    with (
        haproxy(tmp_path, [host.address for host in hosts]) as url,
        Clients(url, account) as clients,
    ):
        clients.go_on()
        for host in hosts:
            port = str(host.address[1])
            host.stop()
            clients.go_on()
            again = start("--port", port, **settings)
            eventually(lambda again=again: _is_sent_requests(again))  # type: ignore[misc]
            clients.go_on()
            eventually(lambda again=again: again.answers("/health/ready"))  # type: ignore[misc]
    assert clients.failures == []
    account.check(again, clients.ledger)


def _is_sent_requests(host: Service) -> bool:
    """Whether the proxy counts on a host again: before, the other one may not end."""
    lines = host.log_lines()
    return any(line["event"] == "request" and line["path"].startswith("/api/") for line in lines)


def test_a_host_that_ends_is_not_ready_and_serves_for_as_long_as_it_is_told(
    start: Start, shared: Database, account: Account
) -> None:
    service = start(database_url=shared.service_url, owner_url=shared.owner_url, drain_s="600")
    with service.client(account.key) as client:
        assert client.get("/api/v1/status").status_code == 200
        service.signal(SIGTERM)
        answer = client.get("/health/ready")
        while answer.status_code == 200:
            answer = client.get("/health/ready")
        assert answer.json()["reason"] == "the service ends: send requests elsewhere"
        assert answer.headers["connection"] == "close"
        assert client.get("/api/v1/status").status_code == 200
    [worker] = service.workers()
    os.kill(worker, SIGTERM)  # once more: at once
    assert service.ended()[0] == 0
