"""`roundbook export`: what it says, what it prints, and that it needs an extra of the package."""

import json
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.databases import Database
from tests.http.service import Service, environment, on
from tests.http.wire import EVENTS, body, counts, deposit

WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
from api.cli import main
main()
"""

KILLED = """
import os, signal, sys
from app import whole_files
fsync, left = os.fsync, int(sys.argv.pop(1))
def kill(descriptor):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(descriptor)
os.fsync = kill
from api.cli import main
main()
"""


@pytest.fixture(scope="module")
def exported(service: Service) -> str:
    """A tenant with payments in its log."""
    service.new_tenant("exported")
    key = service.new_key("exported", "ingest", "read")
    with service.client(key) as client:
        sent = [deposit(f"d{n}", timestamp=f"2025-01-{n + 10}T12:00:00Z") for n in range(5)]
        assert counts(client.post(EVENTS, content=body(*sent))) == (5, 0, 0)
        assert client.get("/api/v1/balances", params={"at_least": 5}).status_code == 200
    return "exported"


def python(program: str, *arguments: str, settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment(settings),
        timeout=120,
    )


def test_it_prints_what_it_added(exported: str, run: Run, tmp_path: Path) -> None:
    path = str(tmp_path / "made" / "export")
    lines = [line.split("\t") for line in run("export", exported, path).splitlines()]
    assert lines == [
        ["events", "5", "5", "5"],
        ["transactions", "5", "5", "5"],
        ["rounds", "5", "0", "0"],
        ["activity", "5", "0", "0"],
        ["players", "5", "1", "1"],
        ["games", "5", "0", "0"],
    ]
    assert run("export", exported, path, "--what", "transactions").split("\t")[2] == "0"


def test_one_that_is_killed_is_run_again(
    exported: str, run: Run, served: Database, tmp_path: Path
) -> None:
    path = tmp_path / "export"
    ended = python(KILLED, "9", "export", exported, str(path), settings=on(served))
    assert ended.returncode == -signal.SIGKILL
    named = json.loads((path / "manifest.json").read_text())["files"]
    there = {each.relative_to(path).as_posix() for each in path.glob("*/*/*")}
    assert there - {each["path"] for each in named}
    run("export", exported, str(path))
    manifest = json.loads((path / "manifest.json").read_text())
    assert set(manifest["positions"].values()) == {5}
    there = {each.relative_to(path).as_posix() for each in path.glob("*/*/*")}
    assert there == {each["path"] for each in manifest["files"]}
    for each in manifest["files"]:
        assert sha256((path / each["path"]).read_bytes()).hexdigest() == each["sha256"]


def test_without_its_extra_it_says_what_to_install(
    exported: str, served: Database, tmp_path: Path
) -> None:
    ended = python(WITHOUT_PYARROW, "export", exported, str(tmp_path), settings=on(served))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "Error: exports are written by pyarrow, which is not installed: install roundbook[export]\n"
    )


def test_what_can_not_be_is_said(exported: str, refused: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    assert "is not empty" in refused("export", exported, str(tmp_path))
    assert "'nobody'" in refused("export", "nobody", str(tmp_path / "new"))
    assert "end at position 5" in refused("export", exported, str(tmp_path / "new"), "--after", "9")
