"""What a simulation is made from."""

from datetime import UTC, datetime

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """How many players and games there are, which run of chance it is, and when it begins.

    Two scenarios with different seeds share players and games, but no `unique_id` and no round: one can
    be sent after the other. `currencies` are codes beyond ISO 4217 that the tenant may send: some players
    play in them.
    """

    players: int = 1_000
    games: int = 100
    seed: int = 1
    start: datetime = datetime(2025, 1, 15, 6, tzinfo=UTC)
    currencies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what nothing can be simulated from."""
        if self.players < 1 or self.games < 1:
            raise ValueError("a simulation needs at least one player and one game")
        if self.start.tzinfo is None:
            raise ValueError("the start of a simulation needs a time zone")
