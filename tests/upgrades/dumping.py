"""Writes what a version leaves in its database, for `released/`: run at each release that has a step more.

    python -m tests.upgrades.dumping SRC FILE --binaries /usr/lib/postgresql/15/bin

SRC is the source of that version. The dump is that of the oldest PostgreSQL that it is to be loaded into.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import click
import httpx
import psycopg
from psycopg.conninfo import conninfo_to_dict

from postgres.embedded import EmbeddedServer, postmaster
from postgres.embedded.binaries import Binaries, major_of
from postgres.embedded.cluster import DATABASE
from tests.http.service import environment, eventually
from tests.http.wire import bet, body, deposit, item, login

TENANT = "acme"
ITEMS = [
    item("player", "u1", player_id="p", country="MT", username="Ada"),
    item("game", "g1", game_id="g", name="Book", provider="studio"),
    login("l1"),
    deposit("d1", amount=20),
    bet("b1", amount=2.5),
    bet("w1", amount=7.25, is_win=True),
    login("l2", player_id="q"),
]
"""What is sent to it: nothing that any version doesn't know."""


def keys_of(dump: Path) -> Path:
    """Where the folder of the keys is kept that signed what is in a dump."""
    return dump.with_suffix(".keys")


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--binaries", type=click.Path(exists=True, path_type=Path), required=True)
def main(source: Path, file: Path, binaries: Path) -> None:
    """Let the version in SOURCE record something, and write its schema and data to FILE."""
    programs = Binaries(binaries, major_of(binaries / "postgres") or 0)
    patched = patch.object(postmaster, "find_binaries", lambda _: programs)
    with patched, TemporaryDirectory(prefix="roundbook-dump-") as folder:
        Path(folder).chmod(0o755)
        with EmbeddedServer(Path(folder) / "data") as server:
            settings = {
                "PYTHONPATH": str(source),
                "ROUNDBOOK_DATABASE_URL": server.service_url,
                "ROUNDBOOK_OWNER_URL": server.owner_url,
                "ROUNDBOOK_SIGNING_KEYS": str(Path(folder) / "keys"),
                "ROUNDBOOK_SERVICE_USER": "root",
            }
            _record(settings)
            file.write_text(_dump(binaries, server.admin_url), "utf-8")
        keys = Path(folder) / "keys"
        if keys.is_dir():
            shutil.copytree(keys, keys_of(file))


def _record(settings: Mapping[str, str]) -> None:
    command = [sys.executable, "-P", "-m", "api.cli"]
    variables = environment(settings)
    with subprocess.Popen(
        [*command, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True, env=variables
    ) as service:
        try:
            assert service.stdout is not None
            url = service.stdout.readline().partition(" on ")[2].partition(",")[0].strip()
            _send(url, command, variables)
            with psycopg.connect(settings["ROUNDBOOK_OWNER_URL"], autocommit=True) as owner:
                eventually(lambda: _is_sealed(owner))
        finally:
            service.terminate()


def _send(url: str, command: Sequence[str], variables: Mapping[str, str]) -> None:
    def run(*words: str) -> str:
        ended = subprocess.run(
            [*command, *words], check=True, stdout=subprocess.PIPE, text=True, env=variables
        )
        return ended.stdout.strip()

    run("tenant", "create", TENANT)
    key = run("key", "create", TENANT, "--scope", "ingest", "--scope", "read")
    headers = {"x-api-key": key, "content-type": "application/json"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        for batch in (ITEMS[:3], ITEMS[3:]):
            answer = client.post("/api/v1/events", content=body(*batch))
            assert answer.is_success, answer.text
        answer = client.get("/api/v1/players", params={"at_least": len(ITEMS)})
        assert answer.is_success, answer.text


def _is_sealed(owner: psycopg.Connection) -> bool:
    if owner.execute("select to_regclass('roundbook.checkpoints')").fetchone() == (None,):
        return True
    found = owner.execute("select max(size) from roundbook.checkpoints").fetchone()
    return found == (len(ITEMS),)


def _dump(binaries: Path, url: str) -> str:
    said = conninfo_to_dict(url)
    command = [str(binaries / "pg_dump"), f"--host={said['host']}", f"--username={said['user']}"]
    options = ["--schema=roundbook", "--no-owner", "--no-privileges", "--inserts", "--no-comments"]
    dumped = subprocess.run(
        [*command, *options, DATABASE],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({"PGPASSWORD": str(said["password"])}),
    ).stdout
    # Commands for psql are no SQL. Nothing else is left out: a blank line may stand in what is signed.
    kept = [
        line for line in dumped.split("\n") if not line.startswith(("\\restrict", "\\unrestrict"))
    ]
    return "\n".join(kept)


if __name__ == "__main__":
    main()
