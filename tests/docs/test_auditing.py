"""An auditor's page: every command of it does what it says, for a log that grows between two visits."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest

from tests.conftest import SAMPLES
from tests.databases import Database
from tests.docs.pages import page
from tests.documentation.markdown import Commands, check_answer, commands_of
from tests.evidence.auditor import VERIFIER
from tests.evidence.loopback import served
from tests.evidence.witness import Witness
from tests.http.service import Service, environment, eventually, on, roundbook, serving
from tests.http.wire import EVENTS, body, deposit

AUDITING = page("docs/auditing.md")
SERVED_ON = "127.0.0.1:8000"
DAY = 484
_LONG_S = 180  # all commands of the page together

_SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)


class Audited(NamedTuple):
    """A service with the sample day, its witness, and where the auditor sits."""

    service: Service
    client: httpx.Client
    witness: Witness
    folder: Path
    settings: dict[str, str]
    database: Database

    def is_witnessed(self, size: int) -> bool:
        """Whether the newest checkpoint is of that size, and the witness's line is under it."""
        note = self.client.get("/api/v1/evidence/checkpoint")
        return note.is_success and note.text.split("\n")[1] == str(size) and "witness" in note.text

    def run(self, blocks: list[Commands], *, ends_well: bool = True) -> list[str]:
        """Paste blocks into one shell, which ends where one fails; gives what each printed."""
        answers = [self.folder / f"answer-{number}" for number, _ in enumerate(blocks)]
        script = ["set -eu"]
        for block, answer in zip(blocks, answers, strict=True):
            script += [f"exec >{shlex.quote(str(answer))}", block.text]
        host, port = self.service.address
        ended = subprocess.run(
            ["sh", "-c", "\n".join(script).replace(SERVED_ON, f"{host}:{port}")],
            check=False,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=environment(self.settings)
            | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "witness": self.witness.vkey},
            timeout=_LONG_S,
        )
        printed = [answer.read_text() for answer in answers if answer.exists()]
        assert (ended.returncode == 0) is ends_well, "\n".join([*printed, ended.stderr])
        return printed

    def alter_an_event(self) -> None:
        """Change what must not be changed, as a superuser, for whom triggers don't fire."""
        database = psycopg.conninfo.conninfo_to_dict(self.database.owner_url)["dbname"]
        url = psycopg.conninfo.make_conninfo(self.database.admin_url, dbname=database)
        with psycopg.connect(url) as superuser:
            superuser.execute("set session_replication_role = replica")
            changed = superuser.execute(
                "update roundbook.events set state = replace(convert_from(state, 'UTF8'), '}', ' }')::bytea"
                " where position = 321"
            )
            assert changed.rowcount == 1


@pytest.fixture
def audited(fresh_database: Database, tmp_path: Path) -> Iterator[Audited]:
    settings = on(fresh_database)
    _, vkey = roundbook("tenant", "create", "demo", settings=settings).stdout.splitlines()
    witness = Witness(vkey)
    put_on_the_path(tmp_path)
    with ExitStack() as stack:
        url = stack.enter_context(served(witness))
        file = f"file:{tmp_path / 'anchors.ndjson'}"
        settings["ROUNDBOOK_ANCHORS"] = f"{file} witness:{url}+{witness.vkey};interval=0"
        service = stack.enter_context(serving(tmp_path, settings=settings))
        key = service.new_key("demo", "ingest", "audit")
        client = stack.enter_context(service.client(key))
        for batch in sorted((SAMPLES / "casino-day").glob("batch-*.json")):
            client.post(EVENTS, content=batch.read_bytes()).raise_for_status()
        audited = Audited(service, client, witness, tmp_path, settings, fresh_database)
        eventually(lambda: audited.is_witnessed(DAY))
        yield audited


def put_on_the_path(folder: Path) -> None:
    """Install the two commands, the auditor's without a way to Roundbook's code."""
    programs = {
        "roundbook": ("-m api.cli", ""),
        "roundbook-verify": (
            "-c 'import sys; from roundbook_verify.main import main; sys.exit(main())'",
            f"PYTHONPATH={shlex.quote(str(VERIFIER))} ",
        ),
    }
    (folder / "bin").mkdir()
    for name, (arguments, variables) in programs.items():
        path = folder / "bin" / name
        path.write_text(
            f'#!/bin/sh\n{variables}exec {shlex.quote(sys.executable)} {arguments} "$@"\n'
        )
        path.chmod(0o755)


def sections() -> dict[str, list[Commands]]:
    """The blocks of the page by the headings that they are under."""
    begins = [(match[1], match.start()) for match in _SECTION.finditer(AUDITING.text)]
    blocks = list(commands_of(AUDITING.path))
    found: dict[str, list[Commands]] = {heading: [] for heading, _ in begins}
    at = 0
    for block in blocks:
        at = AUDITING.text.index(block.text, at)
        found[[heading for heading, begin in begins if begin < at][-1]].append(block)
    return found


def test_every_command_of_the_page_does_what_it_says_at_each_visit(audited: Audited) -> None:
    by_heading = sections()
    once, visit, yearly = (
        by_heading[heading]
        for heading in ("Once, when the tenant is made", "Each visit", "Once a year")
    )
    assert [once, visit, yearly] == [blocks for blocks in by_heading.values() if blocks]
    printed = audited.run([*once, *visit, *yearly])
    for block, answer in zip([*once, *visit, *yearly], printed, strict=True):
        check_answer(block, answer)
    told = "\n".join(printed)
    assert "signed by: " in told
    assert "the bundle's own list of keys: yours alone count" in told
    # The next visit begins with what was kept at this one, and finds that the log went on from there.
    kept = (audited.folder / "kept.note").read_text()
    assert kept.split("\n")[1] == str(DAY)
    audited.client.post(EVENTS, content=body(deposit("after the visit"))).raise_for_status()
    eventually(lambda: audited.is_witnessed(DAY + 1))
    *_, again = audited.run([*once[:1], *visit])[:2]
    assert f"{DAY + 1} events, " in again
    assert f"goes on from the size that you kept: {DAY}\n" in again
    assert "cosigned by: witness.example/w1" in again
    assert again.endswith("\nproven\n")
    audited.alter_an_event()
    said = audited.run([*once[:1], *visit], ends_well=False)
    assert said[1].startswith("321 leaf: it is not the event that was sealed\n")
    assert said[1].endswith("\nNOT PROVEN: 1 findings\n")
    assert (audited.folder / "kept.note").read_text().split("\n")[1] == str(DAY + 1)


def test_the_page_is_one_page() -> None:
    assert len(AUDITING.text.splitlines()) < 110
