"""Services to send to: a real `roundbook serve`, and single workers with something left out."""

import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from api.process.listening import listen
from bench.processes import ROOT, cpu_s, family
from bench.server import Database

_READY_S = 60.0
_PATIENCE_S = 45.0


class Service(NamedTuple):
    """A running service on loopback."""

    host: str
    port: int
    pid: int

    def pids(self) -> list[int]:
        return family(self.pid)

    def cpu_s(self) -> float | None:
        return cpu_s(self.pids())


@contextmanager
def serving(
    database: Database, *, workers: int, projections: bool = False, **settings: str
) -> Iterator[Service]:
    """Run `roundbook serve` as an operator would, its log in a file."""
    command = ["-m", "api.cli", "serve", "--port", "0", "--workers", str(workers)]
    command.append("--projections" if projections else "--no-projections")
    environment = database.environment() | settings
    with _started(command, environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline().decode()  # Roundbook serves on http://127.0.0.1:8000, …
        if not said:
            raise click.ClickException("the service did not start, see above")
        port = int(said.partition(",")[0].rpartition(":")[2])
        yield _ready(Service("127.0.0.1", port, process.pid))


@contextmanager
def command(
    database: Database, *arguments: str, **settings: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `roundbook` with arguments, and settings by their variables, beside all else, its log in a file."""
    environment = database.environment() | settings
    with _started(["-m", "api.cli", *arguments], environment, stdout=subprocess.DEVNULL) as process:
        yield process


@contextmanager
def bench_worker(database: Database, mode: str) -> Iterator[Service]:
    """Run one worker as the supervisor does, but by `bench.worker`, in one of its modes."""
    with tempfile.TemporaryDirectory(prefix="roundbook-bench-") as metrics:
        environment = database.environment() | {"PROMETHEUS_MULTIPROC_DIR": metrics}
        listener = listen("127.0.0.1", 0)
        descriptor = listener.fileno()
        command = ["-c", "from bench.worker import main; main()", mode, str(descriptor)]
        with (
            listener,
            _started(command, environment, pass_fds=[descriptor]) as process,
        ):
            yield _ready(Service("127.0.0.1", listener.getsockname()[1], process.pid))


@contextmanager
def _started(
    command: Sequence[str],
    environment: dict[str, str],
    *,
    stdout: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command of ours, and end it in good order; show the end of its log if that went wrong."""
    with tempfile.TemporaryDirectory(prefix="roundbook-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                stdout=stdout,
                stderr=stderr,
                pass_fds=pass_fds,
            )
        try:
            yield process
        except Exception:
            sys.stderr.write("".join(log.read_text("utf-8").splitlines(keepends=True)[-20:]))
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _ready(service: Service) -> Service:
    deadline = time.monotonic() + _READY_S
    url = f"http://{service.host}:{service.port}/health/ready"
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise click.ClickException(f"the service is not ready: {error}") from error
            time.sleep(0.1)
        else:
            return service
