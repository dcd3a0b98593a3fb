"""What each released schema held when it was released is migrated to the newest, served, and proven.

Each dump in `released` was left by the version that had its step as the newest (tests/upgrades/dumping.py).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api.schema import SCHEMA
from postgres.connections import connect
from postgres.migrate import applied_steps
from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, roundbook
from tests.http.wire import EVENTS, body, counts, login
from tests.upgrades.dumping import ITEMS, TENANT, keys_of

RELEASED = sorted((Path(__file__).parent / "released").glob("*.sql"))


@pytest.fixture
def bare_database(admin_url: str) -> Iterator[Database]:
    """A database with its roles, and nothing in it."""
    with new_database(admin_url, empty=True) as database:
        yield database


def load(dump: Path, database: Database) -> None:
    """Bring a dump back as the owner, in a session that it may set as it likes."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(dump.read_bytes())


def test_each_version_that_was_released_left_a_dump() -> None:
    with_what_was_released = {2, 7, 10, 12}
    assert {int(dump.stem) for dump in RELEASED} >= with_what_was_released


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_what_a_version_left_is_served_and_proven_by_this_one(
    dump: Path, bare_database: Database, start: Callable[..., Service]
) -> None:
    load(dump, bare_database)
    with connect(bare_database.owner_url) as owner:
        assert max(applied_steps(owner)) == int(dump.stem)
    settings = on(bare_database)
    if keys_of(dump).is_dir():
        for file in keys_of(dump).iterdir():
            its_copy = Path(settings["ROUNDBOOK_SIGNING_KEYS"], file.name)
            its_copy.write_bytes(file.read_bytes())
            its_copy.chmod(0o600)
    service = start(settings=settings)
    with connect(bare_database.owner_url) as owner:
        assert applied_steps(owner) == [step.number for step in SCHEMA.migrations()]
    with service.client(service.new_key(TENANT, "ingest", "read", "audit")) as client:
        again = client.post(EVENTS, content=body(*ITEMS, login("new")))
        assert counts(again) == (1, len(ITEMS), 0)
        wanted = {"at_least": len(ITEMS) + 1}
        [balance] = client.get("/api/v1/balances", params=wanted).json()["items"]
        assert (balance["player_id"], balance["currency"], balance["deposited"]) == (
            "p",
            "EUR",
            "20",
        )
        players = client.get("/api/v1/players", params=wanted).json()["items"]
        assert [player["player_id"] for player in players] == ["p", "q"]
        history = client.get("/api/v1/history", params={"to_position": len(ITEMS)}).json()["items"]
        assert [entry["data"]["unique_id"] for entry in history] == [
            each["data"]["unique_id"] for each in ITEMS
        ]

    def proven() -> bool:
        said = roundbook("verify", TENANT, settings=settings, check=False)
        return said.returncode == 0

    eventually(proven)
