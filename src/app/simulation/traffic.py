"""What happens at the casino: visits of players side by side, each with its logins, payments and rounds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

from app.simulation.cast import (
    Game,
    Money,
    Player,
    game_profile,
    game_update,
    make_game,
    make_player,
    player_profile,
    player_update,
    quoted,
)
from app.simulation.clock import Clock
from app.simulation.scenario import Scenario

_METHODS = ("Credit Card", "Bank Transfer", "Swish", "Voucher", "e-wallet/skrill")
_WINS_PERCENT = (10, 20, 40, 50, 60, 80, 100, 100, 120, 150, 200, 250, 350, 500, 1_000, 2_400)
_WIN_CHANCE = 0.28  # with the wins above, 95 % of the bets return to the players
_ROUNDS_PER_VISIT = 40
_TURN_US = 3_000_000  # between two deeds of one player
_LATE_SHARE = 0.01
_LATE_AT_MOST = 2_000  # items that overtake a late one
_OTHER_MONEY = Money("GBP", 2, 10, 1.15)
_REAL_BET = '"is_win":false,"is_bonus":false'
_REAL_WIN = '"is_win":true,"is_bonus":false'
_BONUS_BET = '"is_win":false,"is_bonus":true'
_BONUS_WIN = '"is_win":true,"is_bonus":true'
_SCATTER = 0x9E3779B97F4A7C15  # odd, so that serial numbers times it differ modulo 2^64


@dataclass(frozen=True, slots=True)
class _Table:
    """What the items of one round have in common: how their times are written, and members as JSON text."""

    stamp: Callable[[], str]
    members: str


class Traffic:
    """One run of a scenario: endless, and fully decided by the scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._rng = Random(scenario.seed)  # noqa: S311  # traffic, not secrets
        self._random = self._rng.random
        self._run = f"{scenario.seed & (1 << 64) - 1:08x}"
        self._serials = count(1)
        self._clock = Clock(scenario.start)
        self._games = [make_game(number, self._rng) for number in range(scenario.games)]
        self._players: dict[int, Player] = {}

    def items(self) -> Iterator[str]:
        """Describe the catalogue, then let players come and go, a few of their items arriving late."""
        for game in self._games:
            if game.described:
                self._clock.advance(1_000_000)
                yield self._update("game", game.id_json, game_profile(game, self._rng))
        seats = max(3, self._scenario.players // 500)
        step_us = 2 * _TURN_US // seats
        visits = [self._visit() for _ in range(seats)]
        late: list[tuple[int, str]] = []
        random = self._random
        for turn in count():
            if late and late[0][0] <= turn:
                yield heappop(late)[1]
            self._clock.advance(int(random() * step_us))
            seat = int(random() * seats)
            item = next(visits[seat], None)
            if item is None:
                visits[seat] = self._visit()
            elif random() < _LATE_SHARE:
                heappush(late, (turn + 1 + int(random() * _LATE_AT_MOST), item))
            else:
                yield item

    def _visit(self) -> Iterator[str]:
        """Let one player in: the lower the number, the more often."""
        number = int(self._scenario.players * self._random() ** 3)
        player = self._players.get(number)
        if player is None:
            player = make_player(number, self._rng, self._scenario.currencies)
            self._players[number] = player
            if player.described:
                profile = player_profile(player, self._clock.millis(), self._rng)
                yield self._update("player", player.id_json, profile)
        elif self._random() < 0.15:
            yield self._update("player", player.id_json, player_update(self._rng))
        yield self._login(player)
        game = self._games[int(len(self._games) * self._random() ** 2)]
        if game.described and self._random() < 0.03:
            yield self._update("game", game.id_json, game_update(self._rng))
        for _ in range(1 + int(self._rng.expovariate(1 / _ROUNDS_PER_VISIT))):
            if player.real < 4 * player.stake:
                yield self._deposit(player)
            yield from self._round(player, game)
        if player.real > 100 * player.stake:
            yield self._withdraw(player)

    def _round(self, player: Player, game: Game) -> Iterator[str]:
        """Play one round: mostly a bet and what it won, perhaps nothing."""
        table, stake, kind = self._table(player, game), player.stake, self._random()
        if kind > 0.999:  # a jackpot or a present: nobody bet
            yield self._win(table, player, 20 * stake)
        elif kind > 0.998:  # bet from one wallet, paid into another
            yield self._bet(table, player, stake)
            yield self._gameround(table, _OTHER_MONEY.dime, _OTHER_MONEY, _REAL_WIN)
        elif kind > 0.97:  # free spins, on the house
            yield self._gameround(table, stake, player.money, _BONUS_BET)
            for _ in range(self._rng.randrange(1, 9)):
                yield self._gameround(table, self._prize(stake), player.money, _BONUS_WIN)
        else:
            bets = self._rng.randrange(2, 5) if kind > 0.92 else 1
            for _ in range(bets):
                yield self._bet(table, player, stake)
            if kind > 0.015:  # the others stay open
                yield self._win(table, player, self._prize(bets * stake))

    def _table(self, player: Player, game: Game) -> _Table:
        """Give a round its id; at live games all bets within half a minute are on one round."""
        number = self._clock.half_minutes() if game.live else next(self._serials)
        return _Table(
            stamp=self._clock.offset if game.live else self._clock.millis,
            members=f'"player_id":{player.id_json},"game_id":{game.id_json},'
            f'"round_id":"{self._run}:{number}"',
        )

    def _prize(self, stake: int) -> int:
        if self._random() > _WIN_CHANCE:
            return 0
        return stake * _WINS_PERCENT[int(self._random() * len(_WINS_PERCENT))] // 100

    def _bet(self, table: _Table, player: Player, amount: int) -> str:
        player.real -= amount
        return self._gameround(table, amount, player.money, _REAL_BET)

    def _win(self, table: _Table, player: Player, amount: int) -> str:
        player.real += amount
        return self._gameround(table, amount, player.money, _REAL_WIN)

    def _gameround(self, table: _Table, amount: int, money: Money, kind: str) -> str:
        scattered = next(self._serials) * _SCATTER & 0xFFFFFFFFFFFFFFFF
        return (
            f'{{"event":"gameround","data":{{"unique_id":"{self._run}-{scattered:016x}",'
            f'"timestamp":"{table.stamp()}",{table.members},'
            f'"amount":{money.digits(amount)},"currency":"{money.code}",{kind}}}}}'
        )

    def _deposit(self, player: Player) -> str:
        amount = player.money.dime * self._rng.choice((100, 200, 500, 1_000)) + 40 * player.stake
        player.real += amount
        euros = ""
        if player.money.code != "EUR" and self._random() < 0.6:
            euros = f',"amount_eur":{self._euros(player.money, amount)}'
        return self._payment("deposit", player, amount, euros)

    def _withdraw(self, player: Player) -> str:
        amount = player.real * 4 // 5
        player.real -= amount
        return self._payment("withdraw", player, amount)

    def _euros(self, money: Money, amount: int) -> str:
        """Convert as a payment provider does, who sometimes does not know."""
        if self._random() < 0.1:
            return "null"
        return f"{amount / 10**money.decimals * money.rate_eur:.2f}"

    def _payment(self, event: str, player: Player, amount: int, more: str = "") -> str:
        money, method = player.money, quoted(self._rng.choice(_METHODS))
        return (
            f'{{"event":"{event}","data":{{"unique_id":"pay/{self._run}/{next(self._serials)}",'
            f'"timestamp":"{self._clock.millis()}","player_id":{player.id_json},'
            f'"amount":{money.digits(amount)},"currency":"{money.code}","method":{method}{more}}}}}'
        )

    def _login(self, player: Player) -> str:
        return (
            f'{{"event":"login","data":{{"unique_id":"login {self._run} {next(self._serials)}",'
            f'"timestamp":"{self._clock.seconds()}","player_id":{player.id_json}}}}}'
        )

    def _update(self, event: str, id_json: str, members: dict[str, Any]) -> str:
        """Write an item about a player or a game."""
        return (
            f'{{"event":"{event}","data":{{"unique_id":"{event}:{self._run}:{next(self._serials)}",'
            f'"timestamp":"{self._clock.millis()}","{event}_id":{id_json},{quoted(members)[1:]}}}'
        )
