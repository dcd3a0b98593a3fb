"""What a simulation is made from."""

from datetime import UTC, datetime

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """How many players and games there are, which run of chance it is, and when all of it happens.

    Two scenarios that differ in anything share players and games, but no `unique_id` and no round: one can
    be sent after the other. With an `end` the items are spread from `start` to before it; without one time
    passes as fast as so many players make it. `currencies` are codes beyond ISO 4217 that the tenant may
    send: some players play in them. `late`, `repeated` and `conflicting` are shares of the items: those
    that are overtaken by later ones, that repeat an earlier one, or that repeat it with other content.
    `rolled_back` and `ended` are shares of the rounds: those that are taken back, some of them when the
    player comes again, and those that are said to be over.
    """

    players: int = 1_000
    games: int = 100
    seed: int = 1
    start: datetime = datetime(2025, 1, 15, 12, tzinfo=UTC)
    end: datetime | None = None
    currencies: tuple[str, ...] = ()
    late: float = 0.01
    repeated: float = 0.0
    conflicting: float = 0.0
    rolled_back: float = 0.0
    ended: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what nothing can be simulated from."""
        if self.players < 1 or self.games < 1:
            raise ValueError("a simulation needs at least one player and one game")
        if self.start.tzinfo is None or (self.end and self.end.tzinfo is None):
            raise ValueError("the start and the end of a simulation need a time zone")
        if self.end and self.end <= self.start:
            raise ValueError("a simulation must end after it starts")
        if not 0 <= self.late <= 1:
            raise ValueError("the share of late items must be from 0 to 1")
        if not (0 <= self.rolled_back <= 1 and 0 <= self.ended <= 1):
            raise ValueError("the shares of rounds taken back and ended must be from 0 to 1")
        copies = (self.repeated, self.conflicting)
        if not (min(copies) >= 0 and sum(copies) <= 0.5):
            raise ValueError(
                "the shares of repeated and of conflicting items must be 0 or more, together 0.5 at most"
            )
