"""Each contract of import-linter breaks where it should: a forbidden import is planted for each."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = [each["name"] for each in PROJECT["tool"]["importlinter"]["contracts"]]


class Planted(NamedTuple):
    """A contract, and an import that breaks it: of which module, in which."""

    contract: str
    importer: str
    imported: str


PLANTED = [
    Planted("one direction", "app.tenants", "projections.tracking"),
    Planted("one direction", "projections.upserts", "app.log.append"),
    Planted("one direction", "postgres.watchdog", "app.settings"),
    Planted("one direction", "domain.money", "postgres.binary"),
    Planted("one direction", "projections.status", "api.schema"),
    Planted("domain is pure", "domain.round", "psycopg"),
    Planted("domain is pure", "domain.activity", "iso4217"),
    Planted("neither side nor what is under them knows HTTP", "app.intake.working", "litestar"),
    Planted("neither side nor what is under them knows HTTP", "projections.reading", "uvicorn"),
    Planted("neither side nor what is under them knows HTTP", "app.evidence.guard", "httpx"),
    Planted("what an item says is decided without a store", "app.wire.faults", "psycopg"),
    Planted(
        "what an item says is decided without a store", "app.simulation.clock", "postgres.rows"
    ),
    Planted("rooms of the write side", "app.recording.prepare", "app.intake.working"),
    Planted("rooms of the write side", "app.log.rows", "app.recording.receipt"),
    Planted("rooms of the write side", "app.log.heads", "app.evidence.guard"),
    Planted("rooms of the write side", "app.evidence.keys", "app.recording.prepare"),
    Planted("rooms of the write side", "app.recording.judge", "app.evidence.keys"),
    Planted("rooms of the write side", "app.wire.item", "app.tenants"),
    Planted("rooms of the write side", "app.intake.working", "app.consuming.reading"),
    Planted("rooms of the write side", "app.brokers.reaching", "app.tenants"),
    Planted("rooms of the read side", "projections.models.games", "projections.engine.comparison"),
    Planted("rooms of the read side", "projections.upserts", "projections.models.registry"),
    Planted("rooms of the read side", "projections.entries", "projections.tracking"),
    Planted("read models", "projections.models.games", "projections.models.transactions"),
    Planted("read models", "projections.models.activity", "projections.models.rounds"),
    Planted("rooms of HTTP", "api.http.headers", "api.querying.kinds"),
    Planted("rooms of HTTP", "api.querying.cursors", "api.routes.health"),
    Planted("rooms of HTTP", "api.asgi", "api.process.logs"),
    Planted("the console is a client of the API", "api.console.visits", "api.querying.kinds"),
    Planted("the console is a client of the API", "api.console.sessions", "app.tenants"),
    Planted("rooms of HTTP", "api.routes.key", "api.console.visits"),
    Planted("routes don't know each other", "api.routes.players", "api.routes.games"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What import-linter says of a copy of the source in which all of them are planted."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for _, importer, imported in PLANTED:
        path = copy / "src" / importer.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        file.write_text(f"{file.read_text()}\nimport {imported}\n")
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy / "src"), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 1, linted.stderr
    yield linted.stdout
    shutil.rmtree(copy)


def test_every_contract_is_tried() -> None:
    tried = {planted.contract for planted in PLANTED}
    assert {name for name in CONTRACTS if not name.startswith(tuple(tried))} == set()


@pytest.mark.parametrize("planted", PLANTED, ids=" ".join)
def test_a_forbidden_import_breaks_its_contract(planted: Planted, report: str) -> None:
    _, _, broken = report.partition("Broken contracts")
    (name,) = (name for name in CONTRACTS if name.startswith(planted.contract))
    # Each broken contract: its name, a line below it, and the chains of imports that break it.
    sections = re.split(r"^(.+)\n-+\n", broken, flags=re.MULTILINE)
    chains = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert re.search(
        rf"\b{re.escape(planted.importer)} -> {re.escape(planted.imported)}\b", chains[name]
    ), chains[name]


def test_the_domain_is_free_of_every_dependency_but_one() -> None:
    (domain,) = (
        each
        for each in PROJECT["tool"]["importlinter"]["contracts"]
        if each["name"].startswith("domain is pure")
    )
    declared = [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["embedded"],
    ]
    named = {re.split(r"[\[<>=!~]", each)[0].replace("-", "_").lower() for each in declared}
    modules = {
        module
        for module, distributions in packages_distributions().items()
        if named & {each.replace("-", "_").lower() for each in distributions}
    }
    assert modules - set(domain["forbidden_modules"]) <= {"msgspec", "test"}
