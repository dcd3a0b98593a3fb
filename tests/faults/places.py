"""Where the tests take place: tenants, ports, and processes to hurt."""

import itertools
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple

from api.tenancy import create_tenant
from app.tenants import SCOPES, create_key
from postgres.connections import connect
from postgres.embedded import EmbeddedServer
from tests.embedded.processes import postmaster
from tests.faults.checking import assert_exactly_once
from tests.faults.sending import Client, Ledger
from tests.http.service import Service
from tests.processes import command_of, descendants


class Account(NamedTuple):
    """A tenant in a database, with a key that has all scopes."""

    database_url: str
    tenant_id: int
    key: str

    def client(self, service: Service, ledger: Ledger, *, timeout_s: float = 30) -> Client:
        """Speak to a service in the tenant's name."""
        return Client(service.url, self.key, ledger, timeout_s=timeout_s)

    def check(self, service: Service, ledger: Ledger) -> None:
        """Compare what was acknowledged with what is stored and what the service shows."""
        assert_exactly_once(service.url, self.database_url, self.tenant_id, self.key, ledger)


def open_account(database_url: str, name: str) -> Account:
    """Make a tenant with an empty log."""
    with connect(database_url) as connection:
        tenant = create_tenant(connection, name)
        made = create_key(connection, tenant, SCOPES)
    return Account(database_url, tenant.tenant_id, made.key)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that every user can reach, with a short path: for databases and sockets."""
    path = Path(tempfile.mkdtemp(prefix="rb-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def starting(log_folder: Path) -> Iterator[Callable[..., Service]]:
    """Give a function that starts services, by arguments and settings, which end in the end."""
    with ExitStack() as ends:

        def start(*arguments: str, **settings: str) -> Service:
            named = {f"ROUNDBOOK_{name.upper()}": value for name, value in settings.items()}
            service = Service(log_folder, *arguments, settings=named)
            ends.callback(service.stop)
            return service

        yield start


def embedded_url(data_dir: Path) -> str:
    """Give the URL by which the service itself uses its embedded database, which is running."""
    with EmbeddedServer(data_dir) as attached:
        return attached.service_url


_ports = itertools.cycle(random.SystemRandom().sample(range(20_000, 32_000), 12_000))


def free_port() -> str:
    """Give a port that nobody listens on, for services that come one after the other.

    None of those that the system gives to who asks for any: one would be taken in between.
    """
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)
    raise AssertionError("all ports are taken")


def is_free(port: str) -> bool:
    """Tell whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


def projectors(service: Service) -> list[int]:
    """List the processes that keep the read models: one, or none while it is started again."""
    return [pid for pid in descendants(service.pid) if "project" in command_of(pid)]


def kill_postgres(data_dir: Path) -> int:
    """Kill the embedded server's first process without warning; gives its id."""
    pid = postmaster(data_dir)
    os.kill(pid, SIGKILL)
    return pid
