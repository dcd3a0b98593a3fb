"""Simulated items, read for what they tell."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.simulation import Scenario, simulate

END = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Deed:
    """An item, and when it happened."""

    event: str
    data: Any
    at: datetime

    @property
    def amount(self) -> Decimal:
        return Decimal(self.data["amount"])


def read(texts: Iterable[str]) -> list[Deed]:
    """Read items, in the order sent."""
    items = [json.loads(text, parse_float=Decimal) for text in texts]
    return [Deed(item["event"], item["data"], _moment(item["data"])) for item in items]


def _moment(data: Any) -> datetime:
    moment = datetime.fromisoformat(data["timestamp"])
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def first_copies(deeds: Iterable[Deed]) -> list[Deed]:
    """Keep what a service would record."""
    kept: dict[str, Deed] = {}
    for deed in deeds:
        kept.setdefault(deed.data["unique_id"], deed)
    return list(kept.values())


def made(scenario: Scenario, events: int) -> list[Deed]:
    """Make items and read them, in the order sent."""
    return read(simulate(scenario, events))


def by_player(deeds: Iterable[Deed]) -> dict[str, list[Deed]]:
    """Sort out what each player did, in the order in which it happened."""
    found: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        if "player_id" in deed.data:
            found[deed.data["player_id"]].append(deed)
    return {player: sorted(done, key=lambda deed: deed.at) for player, done in found.items()}
