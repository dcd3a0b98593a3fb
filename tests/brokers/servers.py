"""Real brokers, started by the tests: on loopback, on ports that were free, with folders of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import Self

from tests.faults.places import free_port

USER, PASSWORD = "roundbook", "for-tests-only"

_PATIENCE_S = 60.0
_ROOT = Path(__file__).parents[2]


class Server(ABC):
    """A broker: it can be killed, and started again on the same port with what it keeps on its disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = int(free_port())
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    @abstractmethod
    def url(self) -> str:
        """What ROUNDBOOK_BROKER_URL is to be."""

    @property
    def pids(self) -> list[int]:
        """The processes that were started; theirs are not listed."""
        return [process.pid for process in self._processes]

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._begin()
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            (*_, server) = self._processes
            assert server.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill it with all that it started, as kill -9 does."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, SIGKILL)
            process.wait()
        self._processes.clear()

    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text(errors="replace")

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        self._processes.append(process)

    def _said(self, greeting: bytes) -> bytes:
        """Say something on its port; gives the first bytes that it answers, none where it doesn't."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(greeting)
                return connection.recv(8)
        except OSError:
            return b""


class Nats(Server):
    """A nats-server with JetStream, which keeps its streams in files."""

    @property
    def url(self) -> str:
        return f"nats://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def _begin(self) -> None:
        config = self.folder / "nats.conf"
        config.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f"authorization {{ user: {USER}, password: {PASSWORD} }}\n"
            f'jetstream {{ store_dir: "{self.folder}", max_mem: 64M, max_file: 1G }}\n'
        )
        self._run([_program("nats-server"), "--config", str(config)])

    def _answers(self) -> bool:
        return self._said(b"").startswith(b"INFO ") and "Server is ready" in self.log()


class RabbitMq(Server):
    """A RabbitMQ with nothing but AMQP, on one scheduler and little memory.

    It is run as whoever runs the tests: past Debian's own start script, which wants root or its own user, and
    past what Debian configured for its service.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._epmd_port, self._nodes_port = free_port(), free_port()

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/"

    def _begin(self) -> None:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq-env.conf").touch()
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"default_user = {USER}\n"
            f"default_pass = {PASSWORD}\n"
            "vm_memory_high_watermark.absolute = 400MB\n"
            "disk_free_limit.absolute = 1MB\n"
            "raft.wal_max_size_bytes = 16000000\n"
            "log.console = true\n"
            "log.file = false\n"
        )
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_"))
        } | {
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": self._epmd_port,
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": self._nodes_port,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_NODENAME": f"rabbit{self.port}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }
        # Started first, and by us: the one that Erlang would start outlives it.
        self._run(
            [_program("epmd"), "-address", "127.0.0.1", "-port", self._epmd_port], environment
        )
        self._run([_program("rabbitmq-server")], environment)

    def _answers(self) -> bool:
        # The first frame of the connection is asked for, and comes: Connection.Start, on channel 0.
        return self._said(b"AMQP\x00\x00\x09\x01").startswith(b"\x01\x00\x00")


class MockKafka(Server):
    """The mock cluster of librdkafka, in a process of its own: what it keeps, and its port, die with it."""

    @property
    def url(self) -> str:
        return f"kafka://{self._address()}"

    def _begin(self) -> None:
        (self.folder / "address").unlink(missing_ok=True)
        program = [sys.executable, "-m", "tests.brokers.mock_kafka", str(self.folder / "address")]
        self._run(program, os.environ | {"PYTHONPATH": str(_ROOT)})

    def _answers(self) -> bool:
        return (self.folder / "address").exists()

    def _address(self) -> str:
        return (self.folder / "address").read_text()


def _program(name: str) -> str:
    """Find a program of this machine; RabbitMQ's own start script, rather than the one of Debian."""
    folders = ["/usr/lib/rabbitmq/bin", os.environ.get("PATH", os.defpath), "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    assert found, f"{name} is not installed: .ci/programs installs it"
    return found
