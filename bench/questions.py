"""What the contract lets be asked, at the size of `bench.filling`: each route with each of its filters.

`tests/queries/test_plans.py` makes sure that no route and no filter is missing.
"""

from collections.abc import Iterator
from typing import NamedTuple, get_args

from domain.item_types import WireType

WIRE_TYPES: tuple[str, ...] = get_args(WireType)


class Question(NamedTuple):
    """A request for the read models or the log: a path behind `/api/v1/`, and its filters."""

    path: str
    filters: dict[str, str]

    @property
    def is_paged(self) -> bool:
        """Whether the answer is a page of a collection."""
        return self.path in _VALUES and self.path not in _WHOLE

    def __str__(self) -> str:
        """Write it as people would."""
        asked = "&".join(f"{name}={value}" for name, value in self.filters.items())
        return f"{self.path}?{asked}" if asked else self.path


# Of each filter a value that many rows have, and one that few or none have: where many have it a page is
# full soon in the order of any index, where few have it only an index of its own finds them.
_VALUES: dict[str, dict[str, list[str]]] = {
    "players": {
        "country": ["DE", "LI", "nowhere"],
        "currency": ["EUR", "KWD", "nothing"],
        "tag": ["newsletter", "silver", "vip", "chess", "nothing"],
        "affiliate": ["aff-big", "aff-7", "nobody"],
        "operator": ["op-1", "op-new", "nobody"],
        "is_blocked": ["true", "false"],
        "q": ["USER", "user1", "user1234", "nobody", ""],
    },
    "players/{player_id}": {"at_position": ["90000"]},
    "balances": {
        "player_id": ["p-0000000", "p-0000123"],
        "currency": ["EUR", "KWD", "nothing"],
    },
    "rounds": {
        "player_id": ["p-0000000", "p-0000123", "nobody"],
        "game_id": ["g-00000", "g-00123", "nothing"],
        "round_id": ["r-123", "nothing"],
        "status": ["open", "settled", "unmatched", "rolled_back"],
        "mixed_currency": ["true", "false"],
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
    },
    "transactions": {
        "player_id": ["p-0000000", "p-0000123", "nobody"],
        "type": ["deposit", "withdraw"],
        "method": ["card", "cheque", "nothing"],
        "currency": ["EUR", "KWD", "nothing"],
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
    },
    "rollbacks": {
        "player_id": ["p-0000000", "p-0000123", "nobody"],
        "game_id": ["g-00000", "g-00123", "nothing"],
        "round_id": ["r-123", "nothing"],
        "status": ["matched", "mismatched", "repeated", "unmatched", "unreferenced"],
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
    },
    "games": {
        "provider": ["Provider 7", "Solo", "nobody"],
        "category": ["slots", "bingo", "nothing"],
        "feature": ["freespins", "tilt", "nothing"],
        "theme": ["desert", "chess", "nothing"],
        "device": ["undefined", "mobile", "nothing"],
        "has_freespins": ["unknown", "yes"],
        "q": ["dunes", "123", "nothing"],
    },
    "games/{game_id}": {"at_position": ["90000"]},
    "activity": {
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
        "game_id": ["g-00000", "g-00123", "nothing"],
        "currency": ["EUR", "KWD", "GBP"],
        "group_by": ["currency", "day,currency", "game,currency"],
    },
    "conflicts": {
        "unique_id": ["u-123", "nothing"],
        "from_position": ["1", "29000", "90000000"],
        "to_position": ["90000000", "10100", "1"],
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
    },
    "accesses": {
        "key_id": ["1", "7", "999999"],
        "from": ["2025-01-02T00:00:00Z", "2025-12-31T00:00:00Z", "2999-01-01T00:00:00Z"],
        "to": ["2025-12-31T00:00:00Z", "2025-01-02T00:00:00Z", "2024-01-01T00:00:00Z"],
    },
    "refused": {
        "unique_id": ["x-123", "nothing"],
        "event": ["login", "game", "nothing"],
        "player_id": ["p-123", "nobody"],
        "from": ["2025-01-02T00:00:00Z", "2999-01-01T00:00:00Z"],
        "to": ["2999-01-01T00:00:00Z", "2025-01-02T00:00:00Z"],
    },
    "status": {},
    "history": {
        "player_id": ["p-0000000", "p-0000123", "nobody"],
        "game_id": ["g-00123", "nothing"],
        "event": [*WIRE_TYPES],
        "from_position": ["1", "150000"],
        "to_position": ["90000000", "10100"],
        "order": ["desc"],
    },
}
_WHOLE = {"facets", "status"}
_VALUES["facets"] = _VALUES["games"]

_NAMES = {"player_id": "p-0000123", "game_id": "g-00123"}

_TOGETHER = [
    Question("accesses", {"key_id": "1", "from": "2025-06-01T00:00:00Z"}),
    Question("accesses", {"key_id": "7", "to": "2025-06-01T00:00:00Z"}),
    Question("balances", {"player_id": "p-0000123", "as_of": "2025-06-01T12:00:00Z"}),
    Question("balances", {"player_id": "p-0000123", "at_position": "90000"}),
    *(
        Question("balances/history", {"player_id": player, "currency": "EUR", **others})
        for player in ("p-0000000", "p-0000123", "nobody")
        for others in (
            {},
            {"from": "2025-06-01T00:00:00Z", "to": "2025-06-08T00:00:00Z"},
            {"from": "2025-06-01T00:00:00Z", "points": "500"},
        )
    ),
    *(
        Question("history", {"order": "desc", name: value})
        for name, value in (
            *(("player_id", "p-0000000"), ("player_id", "p-0000123"), ("game_id", "g-00123")),
            *(("event", "gameround"), ("event", "deposit"), ("event", "roundend")),
            ("to_position", "150000"),
        )
    ),
    Question("rounds", {"player_id": "p-0000000", "from": "2025-06-01T00:00:00Z"}),
    Question("rounds", {"game_id": "g-00000", "from": "2025-06-01T00:00:00Z"}),
    Question("rounds", {"status": "open", "from": "2025-06-01T00:00:00Z"}),
    Question("activity", {"group_by": "day", "currency": "EUR", "from": "2025-06-01T00:00:00Z"}),
    Question("activity", {"group_by": "game", "currency": "EUR", "from": "2025-06-01T00:00:00Z"}),
    # The beginning of nearly all names beside what many, few or none have, and the other way round.
    Question("players", {"q": "user1234", "country": "DE"}),
    *(
        Question("players", {"q": "USER", name: value})
        for name, values in _VALUES["players"].items()
        if name != "q"
        for value in values
    ),
    Question("rollbacks", {"player_id": "p-0000000", "from": "2025-06-01T00:00:00Z"}),
    Question("rollbacks", {"status": "unmatched", "from": "2025-06-01T00:00:00Z"}),
    Question("transactions", {"player_id": "p-0000000", "from": "2025-06-01T00:00:00Z"}),
]


def asked() -> set[tuple[str, str]]:
    """Give each route that is asked, as the OpenAPI document names it, with each filter and with none."""
    alone = {(path, name) for path, filters in _VALUES.items() for name in ("", *filters)}
    return alone | {(question.path, name) for question in _TOGETHER for name in question.filters}


def questions() -> Iterator[Question]:
    """Give each route without filters, then with each value of each filter."""
    for path, filters in _VALUES.items():
        shown = path.format(**_NAMES)
        yield Question(shown, {})
        for name, values in filters.items():
            yield from (Question(shown, {name: value}) for value in values)
    yield from _TOGETHER
