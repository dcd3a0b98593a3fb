"""A real `roundbook serve`, and the other commands, as processes."""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.tenancy import create_tenant
from app.settings import Settings
from app.tenants import Scope, create_key, find_tenant
from postgres.connections import connect
from postgres.embedded.cluster import DATABASE
from postgres.embedded.passwords import SERVICE
from postgres.embedded.place import find_place
from tests.databases import Database
from tests.described import DescribedClient
from tests.logs import with_key
from tests.processes import command_of, descendants

_FIRST_WORDS = "Roundbook serves on "
_OPS_WORDS = "Health and metrics are on "
_OPS_ADDRESS = "ROUNDBOOK_OPS_ADDRESS"
_LONG_S = 60

# A folder for each database of this run; removed with it.
_KEYS = tempfile.TemporaryDirectory(prefix="roundbook-test-keys-")
atexit.register(_KEYS.cleanup)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, with these settings of the service and, but for patience, no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROUNDBOOK_")}
    # Service and projector begin beside each other: who asks at once for what was recorded waits for both.
    return kept | {"ROUNDBOOK_AT_LEAST_TIMEOUT_S": "40"} | dict(settings)


def on(database: Database) -> dict[str, str]:
    """The settings of a service on `database`, whose keys have a folder of their own.

    In a shared one the logs of a database that was dropped would be logs that somebody removed.
    """
    keys = Path(_KEYS.name) / urlsplit(database.owner_url).path.removeprefix("/")
    keys.mkdir(mode=0o700, exist_ok=True)
    return {
        "ROUNDBOOK_DATABASE_URL": database.service_url,
        "ROUNDBOOK_OWNER_URL": database.owner_url,
        "ROUNDBOOK_SIGNING_KEYS": str(keys),
    }


def in_folder(data_dir: Path) -> dict[str, str]:
    """The settings of a service with the embedded database."""
    return {"ROUNDBOOK_DATA_DIR": str(data_dir)}


def roundbook(
    *arguments: str | bytes,
    settings: Mapping[str, str],
    check: bool = True,
    python: str = sys.executable,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; unless `check` is off, it must end well."""
    if arguments[0] == "serve":
        # That of who names none may be another test's. Of two that are named the last one counts.
        arguments = ("serve", "--port", "0", *arguments[1:])
    ended = subprocess.run(
        [python, "-m", "api.cli", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment(settings),
        timeout=_LONG_S,
        **options,
    )
    assert not check or ended.returncode == 0, ended.stderr
    return ended


class Running:
    """A long-lived command: its process, and what it says on stderr, in a file of `folder`."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        settings: Mapping[str, str],
        python: str = sys.executable,
    ) -> None:
        self.log_path = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                # As the installed command: it does not import from the folder it is started in.
                [python, "-P", "-m", "api.cli", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment(settings),
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        return self.log_path.read_text()

    def log_lines(self) -> list[dict[str, Any]]:
        """The lines of the log that are whole by now."""
        lines = self.log().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def line(self) -> str:
        """Wait for a line on stdout."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said, self.log()
        return said

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        """Wait for the end: exit status, and the rest of stdout."""
        try:
            said, _ = self.process.communicate(timeout=_LONG_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode, said

    def stop(self) -> None:
        """End it in good order."""
        if self.process.returncode is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            status, _ = self.ended()
            assert status == 0, self.log()


class Service(Running):
    """A running `roundbook serve` on a port that was free."""

    def __init__(
        self, folder: Path, *arguments: str, settings: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(folder, "serve", "--port", "0", *arguments, settings=settings, **options)
        self.settings = dict(settings)
        try:
            self.first_line = self.line()
            assert self.first_line.startswith(_FIRST_WORDS)
            self.url = self.first_line.removeprefix(_FIRST_WORDS).partition(",")[0]
            if _OPS_ADDRESS in self.settings:
                second = self.line()
                assert second.startswith(_OPS_WORDS)
                self.ops_url = second.removeprefix(_OPS_WORDS).partition(" alone")[0]
            eventually(lambda: self.answers("/health/ready"))
        except BaseException as error:
            self.process.kill()
            self.process.communicate()
            error.add_note(self.log())
            raise

    @property
    def address(self) -> tuple[str, int]:
        parts = httpx.URL(self.url)
        assert parts.port is not None
        return parts.host, parts.port

    def for_operators(self) -> httpx.Client:
        """HTTP to where health and metrics are, by a port or a Unix socket."""
        if _OPS_ADDRESS not in self.settings:
            return DescribedClient(base_url=self.url, timeout=_LONG_S)
        path = self.ops_url.removeprefix("unix:")
        if path == self.ops_url:
            return DescribedClient(base_url=self.ops_url, timeout=_LONG_S)
        transport = httpx.HTTPTransport(uds=path)
        return httpx.Client(base_url="http://roundbook", transport=transport, timeout=_LONG_S)

    def answers(self, path: str) -> bool:
        """Whether the answer is 200: not where nobody listens. Raises TimeoutException where none comes."""
        try:
            with self.for_operators() as client:
                return client.get(path).status_code == 200
        except (httpx.NetworkError, httpx.ProtocolError):
            return False

    def client(self, key: str | None = None) -> httpx.Client:
        """HTTP to the service, as JSON and with a key unless the request says otherwise."""
        headers = {"content-type": "application/json"} | ({"x-api-key": key} if key else {})
        return DescribedClient(base_url=self.url, headers=headers, timeout=_LONG_S)

    @property
    def store_url(self) -> str:
        """The credential that serves."""
        if "ROUNDBOOK_DATABASE_URL" in self.settings:
            return self.settings["ROUNDBOOK_DATABASE_URL"]
        place = find_place(Path(self.settings["ROUNDBOOK_DATA_DIR"]), lambda _: None)
        return place.url(SERVICE, DATABASE)

    def new_tenant(self, name: str) -> None:
        keys = self.settings.get("ROUNDBOOK_SIGNING_KEYS")
        settings = Settings(data_dir=self.settings.get("ROUNDBOOK_DATA_DIR", ""), signing_keys=keys)
        with connect(self.store_url) as connection, connection.transaction():
            with_key(connection, create_tenant(connection, name).tenant_id, settings)

    def new_key(self, tenant: str, *scopes: Scope) -> str:
        """Make a key, of scope `ingest` unless others are named."""
        with connect(self.store_url) as connection:
            return create_key(connection, find_tenant(connection, tenant), scopes or ["ingest"]).key

    def family(self) -> list[int]:
        """The processes of the service, itself the first."""
        return [self.pid, *descendants(self.pid)]

    def workers(self) -> list[int]:
        """The processes that serve HTTP."""
        return [pid for pid in descendants(self.pid) if "api.process.worker" in command_of(pid)]


@contextmanager
def serving(
    folder: Path, *arguments: str, settings: Mapping[str, str], **options: Any
) -> Iterator[Service]:
    """Serve, and end in good order."""
    service = Service(folder, *arguments, settings=settings, **options)
    try:
        yield service
    finally:
        service.stop()


@contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts services, which end in good order with the block."""
    with ExitStack() as started:

        def start(*arguments: str, settings: Mapping[str, str]) -> Service:
            service = Service(folder, *arguments, settings=settings)
            started.callback(service.stop)
            return service

        yield start


def eventually(condition: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait until something holds; the limit is for a service that is broken, not for a slow one."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def logged(service: Service, answer: httpx.Response) -> dict[str, Any]:
    """The one line of the log that says how a request was answered."""
    request_id = f'"request_id":"{answer.headers["x-request-id"]}"'

    def lines() -> list[dict[str, Any]]:
        every = service.log().splitlines(keepends=True)
        found = [json.loads(line) for line in every if request_id in line and line.endswith("\n")]
        return [line for line in found if line["event"] == "request"]

    eventually(lambda: bool(lines()))
    (line,) = lines()
    assert line["level"] == "info"
    return line
