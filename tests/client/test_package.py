"""The client as it is installed without the server: a wheel, and what it says of items."""

import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wire.currencies import ISO_4217
from app.wire.faults import InvalidItemsError
from app.wire.items import decode_batch
from tests.conftest import SAMPLES
from tests.project.files import ROOT, pyproject
from tests.strategies import items, json_texts

PROJECT = ROOT / "clients" / "python"
_VERDICTS = Path(__file__).with_name("verdicts.py")


def build(kind: str, source: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", PROJECT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python in which the wheel is installed and, of all that is here, what others wrote."""
    place = tmp_path_factory.mktemp("alone")
    venv.create(place, symlinks=True)
    [site] = place.glob("lib/python*/site-packages")
    with ZipFile(wheel) as opened:
        opened.extractall(site)
    # A folder that is named so is searched, but the .pth files in it, such as the server's, are not read.
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return str(place / "bin" / "python")


def test_it_is_installed_without_the_server(python: str) -> None:
    script = (
        "import importlib.util, roundbook_client, sys\n"
        "print(roundbook_client.__file__)\n"
        "print([name for name in ('app', 'domain', 'api', 'postgres') if importlib.util.find_spec(name)])\n"
        "print(roundbook_client.Fault.__module__)\n"
    )
    ended = subprocess.run([python, "-c", script], check=True, capture_output=True, text=True)
    where, server, rules = ended.stdout.splitlines()
    assert where.startswith(str(Path(python).parents[1]))
    assert server == "[]"
    assert rules == "roundbook_client._server.app.wire.faults"


def test_it_holds_the_package_and_of_the_server_the_rules_alone(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if ".dist-info" not in name}
        bridge = opened.read("roundbook_client/rules.py").decode()
    source = PROJECT / "src"
    own = {
        str(path.relative_to(source))
        for path in source.rglob("*")
        if path.suffix in {".py", ".typed"}
    }
    copies = {name for name in names if name.startswith("roundbook_client/_server/")}
    assert names - copies == own
    assert "roundbook_client/_server/app/wire/rules.py" in copies
    assert {name.split("/")[2] for name in copies} == {"__init__.py", "app", "domain"}
    assert "from app" not in bridge


def test_what_is_built_of_the_source_distribution_is_the_same(wheel: Path, tmp_path: Path) -> None:
    sdist = build("sdist", PROJECT, tmp_path / "sdist")
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "wheel")
    with ZipFile(wheel) as one, ZipFile(again) as other:
        held = [
            {name: opened.read(name) for name in opened.namelist() if not name.endswith("RECORD")}
            for opened in (one, other)
        ]
    assert held[0] == held[1]


def test_rules_that_need_more_of_the_server_are_not_built(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT, tmp_path / "clients" / "python")
    with (tmp_path / "src" / "app" / "wire" / "rules.py").open("a") as file:
        file.write("from app.settings import Settings\n")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(tmp_path / "dist"),
    ]
    ended = subprocess.run(
        command, cwd=tmp_path / "clients" / "python", check=False, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "app.settings is no part of the rules for items" in ended.stderr


def test_without_the_rules_nothing_is_built(tmp_path: Path) -> None:
    """As of a folder that was copied out of a checkout."""
    shutil.copytree(PROJECT, tmp_path / "client")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "d")]
    ended = subprocess.run(
        command, cwd=tmp_path / "client", check=False, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "the rules for items are missing" in ended.stderr
    assert not list(tmp_path.glob("d/*"))


def test_what_it_needs_is_installed_here_too() -> None:
    """In versions that both admit: the client's are those of the environment that all is tested in."""
    needed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    project = pyproject()
    here = {*project["project"]["dependencies"], *project["dependency-groups"]["dev"]}
    assert [each for each in needed if each not in here and not each.startswith("msgspec")] == []


class Judge:
    """The installed client, which judges one item after the other."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, str(_VERDICTS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def judge(self, item: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(item) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def client(python: str) -> Iterator[Judge]:
    judge = Judge(python)
    yield judge
    judge.end()


def of_server(item: str) -> Any:
    try:
        decode_batch(
            b'{"items":[%b]}' % item.encode(),
            currencies=ISO_4217 | {"BTC", "USDT"},
            now=datetime.now(UTC),
        )
    except InvalidItemsError as error:
        return [[fault.pointer, fault.code, fault.detail] for fault in error.faults]
    return None


def test_it_judges_the_samples_as_the_server_does(client: Judge) -> None:
    batches = [path.read_text() for path in sorted(SAMPLES.glob("*/batch-*.json"))]
    batches += [each["body"] for each in json.loads((SAMPLES / "invalid.json").read_text())]
    judged = 0
    for body in batches:
        with suppress(msgspec.MsgspecError, UnicodeError):  # no JSON, or no items
            for item in msgspec.json.decode(body, type=_Batch).items:
                text = bytes(item).decode()
                assert client.judge(text) == of_server(text)
                judged += 1
    assert judged > 500


class _Batch(msgspec.Struct):
    items: list[msgspec.Raw]


@st.composite
def changed_items(draw: st.DrawFn) -> str:
    """Draw an item of which a member has any value, or is missing."""
    item = draw(items())
    members: dict[str, msgspec.Raw] = msgspec.json.decode(
        item.data_text, type=dict[str, msgspec.Raw]
    )
    texts = {name: bytes(text).decode() for name, text in members.items()}
    name = draw(st.sampled_from(sorted(texts)))
    texts[name] = draw(json_texts())
    if draw(st.booleans()):
        del texts[name]
    data = ",".join(f"{json.dumps(key)}:{text}" for key, text in texts.items())
    return f'{{"event":{json.dumps(item.event)},"data":{{{data}}}}}'


@given(item=items().map(lambda item: item.text) | changed_items())
def test_it_judges_any_item_as_the_server_does(client: Judge, item: str) -> None:
    assert client.judge(item) == of_server(item)
