"""What happens while a player is at the casino: a login, payments, and rounds of one game."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from app.simulation.cast import Player, make_game, make_player
from app.simulation.items import BONUS_WIN, Writer, quoted
from app.simulation.money import POUND, Money
from app.simulation.profiles import game_profile, game_update, player_profile, player_update
from app.simulation.rounds import MOST_BETS, UNUSUAL, Table
from app.simulation.scenario import Scenario

ITEMS = 90
"""How many items a visit has on average, more or less."""

_METHODS = tuple(
    map(quoted, ("Credit Card", "Bank Transfer", "Swish", "Voucher", "e-wallet/skrill"))
)
_UNUSUAL_CHANCE = 0.04
_GRANT_CHANCE = 0.04
_GRANT_STAKES = 15
_WHEEL_ID = quoted("promo/wheel of fortune")
_WHEEL = {"name": "Wheel of Fortune", "categories": ["promotion"], "has_freespins": "no"}


class Casino:
    """The players and games of one run."""

    def __init__(self, scenario: Scenario, writer: Writer, rng: Random) -> None:
        self._scenario = scenario
        self._writer = writer
        self._rng = rng
        self._random = rng.random
        self._cast_rng = Random()  # noqa: S311  # traffic, not secrets
        self._games = [make_game(number) for number in range(scenario.games)]
        self._players: dict[int, Player] = {}

    def catalogue(self) -> Iterator[str]:
        """Describe the games, and a wheel at which bonus money is won without a bet."""
        yield self._writer.update("game", _WHEEL_ID, _WHEEL)
        for number, game in enumerate(self._games):
            if game.described:
                self._cast_rng.seed(number)
                profile = game_profile(game, self._cast_rng)
                yield self._writer.update("game", game.id_json, profile)

    def visit(self) -> Iterator[str]:
        """Let in a player who is not here: the lower the number, the more often."""
        while True:
            number = int(self._scenario.players * self._random() ** 3)
            player = self._players.get(number)
            if player is None:
                return self._first_visit(number)
            if not player.playing:
                player.playing = True
                update = player_update(self._rng) if self._random() < 0.15 else None
                return self._visit(player, update)

    def _first_visit(self, number: int) -> Iterator[str]:
        rng = self._cast_rng
        rng.seed(number)
        player = make_player(number, rng, self._scenario.currencies)
        player.playing = True
        self._players[number] = player
        if not player.described:
            return self._visit(player, None)
        first_day, now = self._scenario.start.date(), self._writer.clock.millis()
        return self._visit(player, player_profile(player, first_day, now, rng))

    def _visit(self, player: Player, update: dict[str, Any] | None) -> Iterator[str]:
        if update:
            yield self._writer.update("player", player.id_json, update)
        yield self._writer.login(player.id_json)
        yield from self._pay_what_is_owed(player)
        game = self._games[int(len(self._games) * self._random() ** 2)]
        if game.described and self._random() < 0.03:
            yield self._writer.update("game", game.id_json, game_update(self._rng))
        granted = self._random() < _GRANT_CHANCE
        if granted:
            yield self._grant(player)
        table = Table(self._writer, self._rng, player, game)
        for _ in range(1 + int(self._rng.expovariate(1 / player.rounds))):
            if granted and player.bonus >= player.stake:
                yield from table.bonus_round()
                continue
            if player.real < MOST_BETS * player.stake:
                yield self._deposit(player)
            play = self._way_to_play()
            if play is Table.two_currencies and player.pounds < POUND.dime:
                player.pounds += 20 * POUND.dime
                yield self._payment("deposit", player, 20 * POUND.dime, POUND)
            yield from play(table)
        if player.real > 100 * player.stake:
            yield self._withdraw(player)
        player.playing = False

    def _way_to_play(self) -> Callable[[Table], Iterator[str]]:
        scenario, random = self._scenario, self._random
        # Where there is none of it, chance is not asked: what was made before is made again.
        if scenario.rolled_back and random() < scenario.rolled_back:
            return Table.taken_back
        if scenario.ended and random() < scenario.ended:
            return Table.ended
        return Table.round if random() > _UNUSUAL_CHANCE else self._rng.choice(UNUSUAL)

    def _pay_what_is_owed(self, player: Player) -> Iterator[str]:
        while player.owed:
            stake, give_back = player.owed.pop()
            player.real += stake
            yield give_back()

    def _grant(self, player: Player) -> str:
        """Return bonus money: what a wheel wins that costs nothing to turn."""
        money, amount = player.money, _GRANT_STAKES * player.stake
        player.bonus += amount
        round_id = f"{self._writer.run}:{next(self._writer.serials)}"
        ids = f'"player_id":{player.id_json},"game_id":{_WHEEL_ID},"round_id":"{round_id}"'
        at = self._writer.clock.millis()
        return self._writer.gameround(at, ids, money.digits(amount), money.code, BONUS_WIN)

    def _deposit(self, player: Player) -> str:
        money = player.money
        amount = money.dime * self._rng.choice((100, 200, 500, 1_000)) + 40 * player.stake
        player.real += amount
        euros = ""
        if money.code != "EUR" and self._random() < 0.6:
            # A payment provider converts, who sometimes does not know.
            known = self._random() > 0.1
            euros = f',"amount_eur":{money.euros(amount) if known else "null"}'
        return self._payment("deposit", player, amount, money, euros)

    def _withdraw(self, player: Player) -> str:
        amount = player.real * 4 // 5
        player.real -= amount
        return self._payment("withdraw", player, amount, player.money)

    def _payment(
        self, event: str, player: Player, amount: int, money: Money, more: str = ""
    ) -> str:
        method = self._rng.choice(_METHODS)
        members = (
            f'"amount":{money.digits(amount)},"currency":"{money.code}","method":{method}{more}'
        )
        return self._writer.payment(event, player.id_json, members)
