"""The log as it grows, where what is between browser and service holds connections and passes nothing on."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import httpx
import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from tests.browser import click, complaints, find, until
from tests.console.said import listen, said
from tests.console.visiting import log_in
from tests.http.service import Service
from tests.http.wire import EVENTS, body, login

pytestmark = pytest.mark.xdist_group("browser")


class Address(NamedTuple):
    """Where a browser finds the service."""

    url: str


class Holding:
    """A relay to the service. Once it holds, connections are taken and nothing is answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._holds = False
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address(f"http://127.0.0.1:{self._listener.getsockname()[1]}")
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def hold(self) -> None:
        """End what is open, and answer nothing from now on."""
        self._holds = True
        self._cut()

    def fall_silent(self) -> None:
        """End nothing, and pass nothing on from now on."""
        self._holds = True

    def let_through(self) -> None:
        """Pass on what comes from now on."""
        self._holds = False

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._cut()
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._open):
            each.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _cut(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                self._open.append(browser)
                if not self._holds:
                    service = socket.create_connection(("127.0.0.1", self._port))
                    self._open.append(service)
                    self._start(self._pass_on, browser, service)
                    self._start(self._pass_on, service, browser)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while found := source.recv(65_536):
                if not self._holds:
                    target.sendall(found)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def holding(service: Service) -> Iterator[Holding]:
    between = Holding(int(service.url.rpartition(":")[2]))
    yield between
    between.close()


@pytest.fixture
def follower(
    browser: WebDriver, service: Service, holding: Holding, request: pytest.FixtureRequest
) -> Iterator[httpx.Client]:
    """A client of a tenant whose log the browser follows, and nothing came yet."""
    tenant = f"held-{request.node.name}"[:50]
    service.new_tenant(tenant)
    key = service.new_key(tenant, "ingest", "read", "audit")
    log_in(browser, holding.address, key)  # type: ignore[arg-type]
    browser.get(f"{holding.address.url}/console/log")
    click(browser, find(browser, browser, ".follow"))
    until(browser, lambda: state(browser) == "Nothing came yet.", "the stream")
    listen(browser)
    with service.client(key) as client:
        yield client


def state(browser: WebDriver) -> str:
    return find(browser, browser, ".live [role=status]").text


def broke(browser: WebDriver) -> bool:
    return any(each.startswith("The stream broke. Trying again") for each in said(browser))


def test_a_stream_that_is_held_is_said_to_be_broken_and_comes_back(
    browser: WebDriver, holding: Holding, follower: httpx.Client
) -> None:
    holding.hold()
    until(browser, lambda: broke(browser), "that it broke")
    until(
        browser,
        lambda: "can't be reached. Trying again in" in state(browser),
        "the end of patience",
    )
    comes_back(browser, holding, follower)


def test_a_stream_that_falls_silent_is_noticed_and_comes_back(
    browser: WebDriver, holding: Holding, follower: httpx.Client
) -> None:
    holding.fall_silent()
    follower.post(EVENTS, content=body(login("unheard"))).raise_for_status()
    until(browser, lambda: broke(browser), "that it broke")
    comes_back(browser, holding, follower, came=2)


def comes_back(
    browser: WebDriver, holding: Holding, client: httpx.Client, *, came: int = 1
) -> None:
    holding.let_through()
    client.post(EVENTS, content=body(login("meanwhile"))).raise_for_status()
    until(browser, lambda: state(browser) == f"{came} came since you follow.", "the stream")
    assert len(browser.find_elements("css selector", "tbody tr")) == came
    complaints(browser)  # that it broke
