import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from postgres.embedded import EmbeddedServer, place, waiting
from tests.embedded.processes import Neighbour, eventually


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own are not, and with a short path."""
    path = Path(tempfile.mkdtemp(prefix="rb-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        eventually(lambda: _removed(path))


def _removed(path: Path) -> bool:
    """Remove a folder; False where a process that is ending still adds to it, or takes away."""
    try:
        shutil.rmtree(path)
    except OSError:
        return not path.exists()
    return True


@pytest.fixture
def data_dir(folder: Path) -> Path:
    return folder / "data"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What servers say; that a busy machine takes its time is not among it."""
    monkeypatch.setattr(waiting, "SLOW_S", 60.0)
    return []


@pytest.fixture
def server(data_dir: Path, said: list[str]) -> EmbeddedServer:
    """A server in data_dir, not entered yet."""
    return EmbeddedServer(data_dir, say=said.append)


@pytest.fixture
def shared_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for clusters that the server's user cannot reach where they belong."""
    path = folder / "shared"
    monkeypatch.setattr(place, "SHARED_FOLDER", path)
    return path


@pytest.fixture
def neighbour(data_dir: Path) -> Iterator[Callable[[], Neighbour]]:
    """Start another process of the service on the same data_dir."""
    started: list[Neighbour] = []

    def start() -> Neighbour:
        started.append(Neighbour(data_dir))
        return started[-1]

    yield start
    for process in started:
        process.leave()
