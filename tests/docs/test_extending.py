"""The examples of docs/extending.md, applied to a copy of the source, do what is said of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import Database

ROOT = Path(__file__).parents[2]
EXTENDING = (ROOT / "docs" / "extending.md").read_text("utf-8")

_NEW_FILE = re.compile(
    r"(\w+\.\w+) in `(src/[\w/]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
_DIFF = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Run with the extended source, in a process of its own.
_USE = """
import asyncio, json, os
from datetime import UTC, datetime

import httpx

from api.asgi import create_app
from api.schema import SCHEMA
from api.tenancy import create_tenant
from app.log.recorder import TenantLog
from app.recording import record
from app.settings import Settings
from app.wire.items import InvalidItemsError, decode_batch
from postgres.connections import connect, open_pool
from postgres.migrate import migrate
from projections.engine.projector import Projector

owner, service = os.environ["OWNER"], os.environ["SERVICE"]
applied = [step.name for step in migrate(SCHEMA, owner, service)]
with connect(service) as connection:
    tenant = create_tenant(connection, "t")


def paid(unique_id, second, amount):
    data = {"unique_id": unique_id, "timestamp": f"2025-01-15T12:00:{second:02}Z", "player_id": "p",
            "amount": amount, "currency": "EUR", "method": "card"}
    return {"event": "deposit", "data": data}


def decode(*items):
    body = json.dumps({"items": items}).encode()
    return decode_batch(body, currencies={"EUR"}, now=datetime.now(UTC))


out = {"unique_id": "lo-1", "timestamp": "2025-01-15T12:30:00Z", "player_id": "p"}
try:
    decode({"event": "logout", "data": {"unique_id": ""}})
except InvalidItemsError as error:
    faults = [[fault.pointer, fault.code] for fault in error.faults]
pool = open_pool(service, max_size=2)
projector = Projector(pool, lambda tenant_id: TenantLog(pool, tenant_id), chunk_events=100, poll_interval_s=1)
kept = []
for batch in ([paid("d2", 2, 2), paid("d1", 1, 1)], [paid("d3", 3, 3), {"event": "logout", "data": out}],
              [paid("d0", 0, 9)]):
    record(pool, tenant.tenant_id, decode(*batch))
    while projector.project_all(now_s=0):
        pass
    with pool.connection() as connection:
        kept += connection.execute("select unique_id, amount::text from last_deposits").fetchall()
with pool.connection() as connection:
    topics = connection.execute("select distinct topic from events order by 1").fetchall()
    seen = connection.execute("select last_seen from players").fetchone()
pool.close()


async def document():
    service_of = httpx.ASGITransport(create_app(Settings(), service))
    async with httpx.AsyncClient(transport=service_of, base_url="http://localhost") as client:
        return (await client.get("/schema/openapi.json")).json()


item = asyncio.run(document())["components"]["schemas"]["Item"]
types = [*item["discriminator"]["mapping"]]
print(json.dumps({"applied": applied, "faults": faults, "kept": kept, "topics": topics,
                  "seen": seen[0].isoformat(), "types": types}))
"""


@pytest.fixture
def extended(tmp_path: Path) -> Path:
    """A copy of the source with the examples."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name, folder, text in _NEW_FILE.findall(EXTENDING):
        assert not (tmp_path / folder / name).exists()
        (tmp_path / folder / name).write_text(text, "utf-8")
    for diff in _DIFF.findall(EXTENDING):
        applied = subprocess.run(
            ["git", "apply", "--verbose", "-"],
            check=False,
            input=diff,
            text=True,
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        )
        assert applied.returncode == 0, applied.stderr
    return tmp_path / "src"


def test_an_item_type_and_a_read_model_are_added_as_the_checklists_say(
    extended: Path, fresh_database: Database
) -> None:
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _USE],
        check=False,
        text=True,
        capture_output=True,
        env={
            **os.environ,
            "PYTHONPATH": str(extended),
            "OWNER": fresh_database.owner_url,
            "SERVICE": fresh_database.service_url,
        },
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["applied"] == ["last_deposits"]
    assert found["types"][-1] == "logout"
    assert found["topics"] == [["Deposited"], ["LoggedOut"]]
    assert found["seen"] == "2025-01-15T12:30:00+00:00"
    assert found["faults"] == [
        ["/items/0/data/unique_id", "empty"],
        ["/items/0/data/timestamp", "missing"],
        ["/items/0/data/player_id", "missing"],
    ]
    # The newest by time stays, whatever arrived last.
    assert found["kept"] == [["d2", "2"], ["d3", "3"], ["d3", "3"]]
