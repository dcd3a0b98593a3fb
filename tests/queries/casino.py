"""Tenants with something in their logs, and what they ask."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from app.log.append import read_head
from app.log.recorder import TenantLog
from app.recording import record
from app.tenants import SCOPES, Tenant, create_key
from app.wire.items import decode_batch
from postgres.connections import Pool, connect
from projections.engine.projector import Projector
from projections.entries import Scope
from projections.reading import snapshot
from tests.logs import begin_another_log
from tests.queries.asgi import Answer, Api

CASINO_DAY = Path(__file__).parents[1] / "samples" / "casino-day"
NOON = "2025-01-15T12:00:00Z"

Item = dict[str, Any]

_numbers = itertools.count(1)


def item(event: str, **data: Any) -> Item:
    """Write an item; what is not given is filled in."""
    named = {"unique_id": f"u-{next(_numbers)}", "timestamp": NOON}
    return {"event": event, "data": {**named, **data}}


def bet(**data: Any) -> Item:
    stake = {"player_id": "p", "game_id": "g", "round_id": "r", "amount": 1, "currency": "EUR"}
    return item("gameround", **{**stake, "is_win": False, "is_bonus": False, **data})


def rollback(**data: Any) -> Item:
    return {**bet(**data), "event": "rollback"}


def deposit(**data: Any) -> Item:
    paid = {"player_id": "p", "amount": 1, "currency": "EUR", "method": "card"}
    return item("deposit", **{**paid, **data})


class Casino(NamedTuple):
    """One tenant, with a key that has all scopes."""

    api: Api
    pool: Pool
    tenant: Tenant
    key: str

    @property
    def scope(self) -> Scope:
        """What is shown: a rebuild makes another generation live."""
        with snapshot(self.pool, self.tenant.tenant_id) as seen:
            return seen.scope

    @property
    def log_id(self) -> bytes:
        """The id of the log that goes on."""
        with self.pool.connection() as connection:
            return read_head(connection, self.tenant.tenant_id).log_id

    def restart(self) -> bytes:
        """Let another log go on, as after a restore; gives its id."""
        with self.pool.connection() as connection:
            return begin_another_log(connection, self.tenant.tenant_id)

    def send(self, items: Iterable[Item]) -> int:
        """Record items; gives the position of the log."""
        return self.send_body(json.dumps({"items": list(items)}).encode())

    def send_body(self, body: bytes) -> int:
        items = decode_batch(
            body,
            currencies=self.tenant.allowed_currencies(),
            now=datetime.now(UTC),
            max_event_bytes=len(body),  # what was recorded before there was a limit
        )
        return record(self.pool, self.tenant.tenant_id, items).log_position

    def project(self, chunk_events: int = 5_000) -> None:
        """Bring the read models up to the head."""
        projector = Projector(
            self.pool,
            lambda tenant_id: TenantLog(self.pool, tenant_id),
            chunk_events=chunk_events,
            poll_interval_s=1,
        )
        while projector.project_chunk(self.scope):
            pass

    def fill(self, items: Sequence[Item]) -> int:
        """Record and project."""
        position = self.send(items)
        self.project()
        return position

    def get(self, path: str, **asked: Any) -> Answer:
        return self.api.get("/api/v1/" + path, self.key, **asked)

    def items(self, path: str, **asked: Any) -> list[Any]:
        """Ask for a page that must be given, and be the only one."""
        answer = self.get(path, **asked)
        assert answer.status == 200, answer.body
        assert answer.json["next_cursor"] is None
        found: list[Any] = answer.json["items"]
        return found

    def walk(self, path: str, limit: int, **asked: Any) -> Iterator[list[Any]]:
        """Ask for page after page."""
        cursor = None
        while True:
            answer = self.get(path, limit=limit, cursor=cursor, **asked)
            assert answer.status == 200, answer.body
            assert len(answer.json["items"]) <= limit
            yield answer.json["items"]
            cursor = answer.json["next_cursor"]
            if cursor is None:
                return

    def all(self, path: str, limit: int, **asked: Any) -> list[Any]:
        return list(itertools.chain.from_iterable(self.walk(path, limit, **asked)))


def open_casino(api: Api, pool: Pool, database_url: str, tenant: Tenant) -> Casino:
    """Make a key for a tenant."""
    with connect(database_url) as connection:
        created: Any = create_key(connection, tenant, SCOPES)
    return Casino(api, pool, tenant, getattr(created, "key", created))


def play_casino_day(casino: Casino) -> None:
    """Record the sample day, and project it in chunks that split rounds."""
    for path in sorted(CASINO_DAY.glob("batch-*.json")):
        casino.send_body(path.read_bytes())
    casino.project(chunk_events=37)


OpenCasino = Callable[..., Casino]
