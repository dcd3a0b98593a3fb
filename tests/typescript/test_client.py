"""The client that is generated of the OpenAPI document compiles, and sends and reads a casino's day."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tests.databases import Database
from tests.http.service import on, serving

pytestmark = pytest.mark.xdist_group("typescript")

ROOT = Path(__file__).parents[2]
PACKAGE = Path("clients", "typescript")
DOCUMENT = ROOT / "docs" / "schemas" / "openapi.json"


def run(*command: str, cwd: Path, **variables: str) -> None:
    """Run a command to its end, which must be a good one."""
    # A `make` that runs the tests has a jobserver of its own.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    ended = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**kept, **variables},
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, with what it needs as the lock file has it: `make test` brought that."""
    run("make", "--silent", f"{PACKAGE}/node_modules/.complete", cwd=ROOT)
    copy = tmp_path_factory.mktemp("typescript") / PACKAGE
    shutil.copytree(ROOT / PACKAGE, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (copy / "node_modules").symlink_to(ROOT / PACKAGE / "node_modules")
    return copy


def test_the_document_keeps_the_rules_that_others_recommend(package: Path) -> None:
    run("node", "tools/lint.mjs", str(DOCUMENT), cwd=package)


def test_the_committed_types_are_those_of_the_document(package: Path) -> None:
    run("node_modules/.bin/openapi-typescript", str(DOCUMENT), "--output", "made.ts", cwd=package)
    made = (package / "made.ts").read_text()
    committed = (package / "src" / "schema.ts").read_text()
    assert made == committed, "run `make schemas`"


def test_no_shape_that_is_known_is_left_open(package: Path) -> None:
    lines = (package / "src" / "schema.ts").read_text().splitlines()
    opened = {line.strip() for line in lines if re.search(r": (any|unknown|object)\b", line)}
    opened = {line for line in opened if not line.startswith("*")}
    # What was refused can be anything, and so can headers beside those that are described.
    assert opened == {"data: unknown;", "[name: string]: unknown;"}


def test_it_compiles_and_sends_and_reads_the_sample_day(
    package: Path, fresh_database: Database, tmp_path: Path
) -> None:
    run("node_modules/.bin/tsc", cwd=package)
    with serving(tmp_path, settings=on(fresh_database)) as service:
        service.new_tenant("acme")
        run(
            *("node", "--test", "dist/test/sample-day.test.js"),
            cwd=package,
            ROUNDBOOK_URL=service.url,
            ROUNDBOOK_KEY=service.new_key("acme", "ingest", "read", "audit"),
            SAMPLE_DAY=str(SAMPLES / "casino-day"),
        )
