"""One tenant's log: what is recorded, what is a duplicate, what is refused (§1 and §2)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from tests.model.values import Row, instant

Content = tuple[str, Any]  # an event's type and its data

TYPES = {
    "deposit": "Deposited",
    "withdraw": "Withdrawn",
    "player": "PlayerUpdated",
    "game": "GameUpdated",
    "login": "LoggedIn",
    "roundend": "RoundEnded",
}


@dataclass(frozen=True)
class Entry:
    """One recorded event."""

    position: int
    stream: str
    version: int
    event: str
    data: Any

    @property
    def type(self) -> str:
        """The domain event."""
        if self.event == "gameround":
            return "WinPaid" if self.data["is_win"] else "BetPlaced"
        if self.event == "rollback":
            return "WinRolledBack" if self.data["is_win"] else "BetRolledBack"
        return TYPES[self.event]

    @property
    def unique_id(self) -> str:
        return str(self.data["unique_id"])

    @cached_property
    def at(self) -> datetime:
        return instant(self.data["timestamp"])

    @property
    def amount(self) -> Decimal:
        return Decimal(self.data["amount"].text)

    @property
    def amount_eur(self) -> Decimal | None:
        """What a deposit gives as its amount in EUR; for any other event an unknown member."""
        given = self.data.get("amount_eur") if self.event == "deposit" else None
        return None if given is None else Decimal(given.text)


@dataclass(frozen=True)
class Receipt:
    """What became of a batch, as in the contract's receipt."""

    stored: int
    duplicate: int
    conflict: int
    log_position: int
    items: list[Row]


class Log:
    """The recorded entries in order, and the contents that were refused."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.refused: list[Content] = []
        self.recorded: dict[str, Entry] = {}
        self._versions: dict[str, int] = defaultdict(int)

    def record(self, batch: Iterable[Content]) -> Receipt:
        """Record what is new, in the order sent."""
        items: list[Row] = []
        for event, data in batch:
            entry = self.recorded.get(data["unique_id"])
            if entry is None:
                outcome = "stored"
                entry = self._append(event, data)
            elif (entry.event, entry.data) == (event, data):
                outcome = "duplicate"
            else:
                outcome = "conflict"
                if (event, data) not in self.refused:
                    self.refused.append((event, data))
            items.append(
                {"unique_id": entry.unique_id, "outcome": outcome, "position": entry.position}
            )
        counts = Counter(item["outcome"] for item in items)
        return Receipt(
            counts["stored"], counts["duplicate"], counts["conflict"], len(self.entries), items
        )

    def _append(self, event: str, data: Any) -> Entry:
        stream = f"game:{data['game_id']}" if event == "game" else f"player:{data['player_id']}"
        self._versions[stream] += 1
        entry = Entry(len(self.entries) + 1, stream, self._versions[stream], event, data)
        self.entries.append(entry)
        self.recorded[entry.unique_id] = entry
        return entry
