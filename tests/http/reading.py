"""Reading whole collections over HTTP, page by page."""

from typing import Any

import httpx

from tests.model import read_json
from tests.model.values import Row

KINDS = (
    *("balances", "rounds", "activity", "transactions", "rollbacks", "games", "players"),
    *("conflicts", "history"),
)


def read_all(client: httpx.Client, kind: str, *, at_least: int, **filters: Any) -> list[Row]:
    """Read a collection to its end, in pages that are small enough to be several."""
    asked = {"limit": 97, "at_least": at_least, **filters}
    rows: list[Row] = []
    while True:
        answer = client.get(f"/api/v1/{kind}", params=asked)
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["log-position"]) >= at_least
        page = read_json(answer.content)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        asked["cursor"] = page["next_cursor"]
