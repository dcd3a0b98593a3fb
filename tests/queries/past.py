"""A log of few players and games, late items among them, beside the model of each of its prefixes."""

import json
from random import Random
from typing import Any

from tests.model import Model, Row
from tests.queries.casino import Casino, Item, bet, deposit, item
from tests.strategies import EVENTS

PLAYERS = ("p", "q/1")
GAMES = ("g", "btg/bonanza")
KINDS = (*("gameround",) * 3, *EVENTS)
AMOUNTS = (0, 1, 2.5, 1e-18, 99_999_999_999)


def traffic(seed: int, events: int) -> list[Item]:
    """Make items that happened on two days, in no order."""
    random = Random(seed)
    pick = random.choice
    made = []
    for number in range(events):
        day, hour, minute = pick((15, 16)), pick((0, 1, 12, 23)), random.randrange(60)
        at = f"2025-01-{day}T{hour:02}:{minute:02}:{pick((0, 59)):02}Z"
        moved = {
            "timestamp": at,
            "player_id": pick(PLAYERS),
            "amount": pick(AMOUNTS),
            "currency": pick(("EUR", "BTC")),
        }
        match pick(KINDS):
            case "gameround" | "rollback" as event:
                flags = {"is_win": pick((True, False)), "is_bonus": pick((True, False))}
                named = {"game_id": pick(GAMES), "round_id": f"r{number // 4}"}
                made.append({**bet(**moved, **flags, **named), "event": event})
            case "roundend":
                player = {"timestamp": at, "player_id": moved["player_id"]}
                made.append(
                    item("roundend", **player, game_id=pick(GAMES), round_id=f"r{number // 4}")
                )
            case "deposit":
                made.append(deposit(**moved, amount_eur=pick((None, 1.5))))
            case "withdraw":
                made.append(item("withdraw", **moved, method="card"))
            case "login":
                made.append(item("login", timestamp=at, player_id=moved["player_id"]))
            case "player":
                fields = {
                    "username": pick((None, f"name {number}")),
                    "tags": pick((None, [], ["vip", "é"])),
                    "registration_date": pick((None, "2024-02-29", "0001-01-01T00:00:00.5Z")),
                    "gender": pick((None, "F")),
                    "is_blocked": pick((None, True, False)),
                }
                chosen = {name: value for name, value in fields.items() if random.random() < 0.5}
                made.append(item("player", timestamp=at, player_id=moved["player_id"], **chosen))
            case "game":
                facts: dict[str, object] = {
                    "name": pick((None, f"name {number}")),
                    "themes": pick((None, ["sea"])),
                    "device": pick((None, "", "mobile")),
                    "has_freespins": pick((None, "yes", "unknown")),
                    "theoretical_rtp": pick((None, 0.96, 2)),
                    "volatility": pick((None, 0, 7.5)),
                }
                told = {name: value for name, value in facts.items() if random.random() < 0.5}
                made.append(item("game", timestamp=at, game_id=pick(GAMES), **told))
    return made


class Past:
    """A tenant's log, and what the model says of any time of it."""

    def __init__(self, casino: Casino, seed: int, events: int = 160) -> None:
        self.casino = casino
        self.model = Model()
        self.send(traffic(seed, events))

    @property
    def head(self) -> int:
        return len(self.model.log.entries)

    def send(self, items: list[Item]) -> None:
        """Record items in batches, some of them twice."""
        for start in range(0, len(items), 40):
            body = json.dumps({"items": items[max(start - 5, 0) : start + 40]})
            self.casino.send_body(body.encode())
            self.model.ingest_body(body)

    def balances(self, player_id: str, **when: Any) -> list[Row]:
        return [row for row in self.model.balances(**when) if row["player_id"] == player_id]

    def players(self, position: int) -> dict[str, Row]:
        """The profiles at a position, by id."""
        return {row["player_id"]: row for row in self._prefix(position).players()}

    def games(self, position: int) -> dict[str, Row]:
        """The games at a position by id, as their own events tell them."""
        return {row["game_id"]: row for row in self._prefix(position, "game").games()}

    def _prefix(self, position: int, *events: str) -> Model:
        model = Model()
        model.log.record(
            (entry.event, entry.data)
            for entry in self.model.log.entries[:position]
            if not events or entry.event in events
        )
        return model
