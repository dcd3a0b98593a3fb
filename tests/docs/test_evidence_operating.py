"""An operator's page on evidence: the example of a command that signs does, as it is written there."""

import os
import subprocess
import sys
from pathlib import Path

from app.tenants import find_tenant
from postgres.connections import open_pool
from tests.databases import Database
from tests.docs.pages import ROOT, page
from tests.documentation.markdown import commands_of
from tests.evidence.test_sealer import fill
from tests.http.service import environment, on, roundbook

OPERATING = page("docs/evidence-operating.md")


def test_the_example_of_a_command_that_signs_signs(
    fresh_database: Database, tmp_path: Path
) -> None:
    [block] = [each.text for each in commands_of(OPERATING.path) if "sign.py" in each.text]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    settings = on(fresh_database) | {"ROUNDBOOK_SIGNING_KEYS": str(tmp_path / "keys")}
    ended = subprocess.run(
        ["sh", "-euc", f'{block}\nprintf %s "$ROUNDBOOK_SIGN_COMMAND"'],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment(settings)
        | {"PATH": f"{Path(sys.prefix, 'bin')}{os.pathsep}{os.environ['PATH']}"},
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    name, vkey, command = ended.stdout.split("\n")
    assert name == "acme"
    with open_pool(fresh_database.service_url, max_size=2) as pool:
        with pool.connection() as connection:
            tenant = find_tenant(connection, name)
        fill(pool, tenant, 1)
    python = command.replace("python3", sys.executable, 1)
    settings["ROUNDBOOK_SIGN_COMMAND"] = python
    note = roundbook("evidence", "attest", name, settings=settings).stdout
    assert note.startswith(f"{vkey.partition('+')[0]}/heads\n1\n")
    proven = roundbook("verify", name, "--vkey", vkey, settings=settings).stdout
    assert proven.startswith("proven: ")
    assert not list((tmp_path / "keys").glob("*.key"))
