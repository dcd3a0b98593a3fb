"""What is in the wheel that is built from the checkout."""

import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.project.files import ROOT, pyproject

SOURCES = {".css", ".html", ".js", ".json", ".py", ".sql", ".svg", ".txt", ".typed"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the wheel and what they hold."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.iterdir()
    with ZipFile(built) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_it_holds_every_file_of_every_package(wheel: dict[str, bytes]) -> None:
    source = ROOT / "src"
    there = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in source.rglob("*")
        if path.suffix in SOURCES
    }
    assert {name: held for name, held in wheel.items() if ".dist-info/" not in name} == there
    for package in pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert f"{Path(package).name}/py.typed" in there
    assert len([name for name in there if name.endswith(".sql")]) > 10


def test_it_says_what_the_project_says(wheel: dict[str, bytes]) -> None:
    project = pyproject()["project"]
    info = f"roundbook-{project['version']}.dist-info"
    metadata = message_from_bytes(wheel[f"{info}/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == (project["name"], project["version"])
    assert metadata["Requires-Python"] == project["requires-python"]
    command = f"roundbook = {project['scripts']['roundbook']}"
    assert command in wheel[f"{info}/entry_points.txt"].decode()
