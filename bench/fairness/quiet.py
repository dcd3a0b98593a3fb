"""A quiet tenant: one event and one read at a time, with a pause between, and how long each answer took."""

import json
import time
from http.client import HTTPConnection
from typing import NamedTuple

import click

from bench.fairness.target import Target

_PAUSE_S = 0.02
_PATIENCE_S = 60


class Felt(NamedTuple):
    """How long the answers took, in seconds, and how many requests were refused."""

    posts_s: list[float]
    reads_s: list[float]
    refused: int


class Quiet:
    """Posts and reads over one connection."""

    def __init__(self, target: Target, *, reads_what_it_posts: bool = False) -> None:
        """Be the tenant of this key; its reads wait for what was just posted, or for nothing."""
        self._connection = HTTPConnection(target.host, target.port, timeout=_PATIENCE_S)
        self._headers = {"x-api-key": target.keys[0], "content-type": "application/json"}
        self._reads_what_it_posts = reads_what_it_posts
        self.stored = 0

    def live(self, seconds: float) -> Felt:
        """Post and read for so long. Raises click.ClickException for an answer that nobody should get."""
        self._connection.close()  # the service may have, in a pause; the first request connects again
        felt = Felt([], [], 0)
        refused = 0
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            event = {
                "unique_id": f"quiet-{time.monotonic_ns()}",
                "timestamp": "2025-01-15T12:00:00Z",
                "player_id": "quiet",
                "amount": 1,
                "currency": "EUR",
                "method": "card",
            }
            body = json.dumps({"items": [{"event": "deposit", "data": event}]}).encode()
            took_s, status = self._ask("POST", "/api/v1/events", body)
            felt.posts_s.append(took_s)
            if status == 204:
                self.stored += 1
            else:
                refused += 1
            at_least = f"&at_least={self.stored}" if self._reads_what_it_posts else ""
            took_s, status = self._ask("GET", f"/api/v1/players?limit=10{at_least}")
            felt.reads_s.append(took_s)
            refused += status != 200
            time.sleep(_PAUSE_S)
        return felt._replace(refused=refused)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[float, int]:
        began = time.perf_counter()
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        took_s = time.perf_counter() - began
        if answer.status not in {200, 204, 429, 503}:
            raise click.ClickException(f"a quiet tenant was answered {answer.status}")
        return took_s, answer.status
