"""The package as an auditor installs it: a wheel of its own, run as a process."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from verifier.tests.building import OPERATOR, Log, bet, player_log, write

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    ignored = shutil.ignore_patterns("tests", "__pycache__", "dist")
    shutil.copytree(PROJECT, folder / "verifier", ignore=ignored)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=folder / "verifier", check=True, capture_output=True, timeout=120)
    (built,) = (folder / "dist").iterdir()
    return built


def run(wheel: Path, bundle: Path) -> tuple[int, list[str]]:
    """Verify with the wheel, and with nothing of the repository in reach."""
    done = subprocess.run(
        command(bundle),
        cwd=bundle.parent,
        env=environment(wheel),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def command(bundle: Path) -> list[str]:
    return [sys.executable, "-m", "roundbook_verify", str(bundle), "--vkey", OPERATOR.vkey]


def environment(wheel: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(wheel), "PYTHONUTF8": "1"}


def test_the_wheel_holds_the_package_and_its_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = {name.split("/")[0] for name in file.namelist()}
        described = file.read("roundbook_verify-0.1.0.dist-info/METADATA").decode()
        commands = file.read("roundbook_verify-0.1.0.dist-info/entry_points.txt").decode()
    assert names == {"roundbook_verify", "roundbook_verify-0.1.0.dist-info"}
    assert [line for line in described.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: cryptography>=45"
    ]
    assert "roundbook-verify = roundbook_verify.main:main" in commands


def test_a_great_bundle_is_verified_by_several_processes(wheel: Path, tmp_path: Path) -> None:
    """It is long enough for several blocks; a fault in each part of it is found at its place."""
    events = [bet(n, f"player:{n % 700}", 1 + (n - 1) // 700) for n in range(1, 26_001)]
    members = Log(events).range()
    assert len(members["events.ndjson"]) > 8 << 20
    bundle = write(tmp_path / "bundle.zip", members)
    status, said = run(wheel, bundle)
    assert (status, said[-1]) == (0, "proven")
    assert said[0].startswith("26000 events, positions 1 (")
    lines = members["events.ndjson"].splitlines(keepends=True)
    for position in (100, 13_000, 26_000):
        lines[position - 1] = lines[position - 1].replace(b'"amount":0.5', b'"amount":1.5')
    del lines[19_999]
    write(bundle, members | {"events.ndjson": b"".join(lines)})
    status, said = run(wheel, bundle)
    assert status == 1
    assert [line.split(":")[0] for line in said if not line.startswith("not")][:5] == [
        "100 leaf",
        "13000 leaf",
        "20000 gap",
        "20700 version",
        "26000 leaf",
    ]


def test_a_small_bundle_is_verified(wheel: Path, tmp_path: Path) -> None:
    status, said = run(wheel, write(tmp_path / "bundle.zip", player_log().range()))
    assert (status, said[-1]) == (0, "proven")


@pytest.mark.parametrize("positions", [(1, 12), (2, 1)], ids=["proven", "not proven"])
def test_a_reader_that_goes_away_changes_no_verdict(
    wheel: Path, tmp_path: Path, positions: tuple[int, int]
) -> None:
    """As of `roundbook-verify BUNDLE --vkey V | head -1`, where it is gone before anything is written."""
    members = player_log().range()
    lines = members["events.ndjson"].splitlines(keepends=True)
    if positions == (2, 1):
        lines[:2] = lines[1::-1]
    bundle = write(tmp_path / "bundle.zip", members | {"events.ndjson": b"".join(lines)})
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            command(bundle),
            env=environment(wheel),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (int(positions == (2, 1)), b"")


def test_an_answer_that_cannot_be_written_is_no_verdict(wheel: Path, tmp_path: Path) -> None:
    bundle = write(tmp_path / "bundle.zip", player_log().range())
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(bundle),
            env=environment(wheel),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"roundbook-verify: ")
