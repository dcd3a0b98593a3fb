"""Rounds: bets, and what they win by the game's paytable, whatever way it is paid in."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from app.simulation.cast import Game, Player
from app.simulation.items import BONUS_BET, BONUS_WIN, REAL_BET, REAL_WIN, Writer
from app.simulation.money import POUND, Money

MOST_BETS = 4
"""How many stakes a round takes at most."""

_NEVER_CLOSED = 0.02  # of the rounds that won nothing
_FOUND_LATER = 0.3  # of the rounds that are taken back
_UNREFERENCED = 0.1  # of the rollbacks


class Table:
    """Where one player plays one game; the wallets must hold what is bet."""

    def __init__(self, writer: Writer, rng: Random, player: Player, game: Game) -> None:
        self._writer = writer
        self._rng = rng
        self._random = rng.random
        self._player = player
        self._money = player.money
        self._stake = player.money.digits(player.stake)
        self._paytable = game.paytable
        self._live = game.live
        self._stamp = partial(writer.clock.offset, game.zone) if game.live else writer.clock.millis
        self._ids = (
            f'"player_id":{player.id_json},"game_id":{game.id_json},"round_id":"{writer.run}:'
        )

    def round(self) -> Iterator[str]:
        """Play as most do: one bet, and what it won, perhaps nothing."""
        player, ids = self._player, self._new_round()
        player.real -= player.stake
        yield self._item(ids, self._stake, self._money, REAL_BET)
        won = self._paytable.prize(player.stake, self._random())
        if won:
            player.real += won
            yield self._item(ids, self._money.digits(won), self._money, REAL_WIN)
        elif self._random() > _NEVER_CLOSED:
            yield self._item(ids, "0", self._money, REAL_WIN)

    def bonus_round(self) -> Iterator[str]:
        """Play one bet of bonus money, whose free spins are paid one by one."""
        player, ids = self._player, self._new_round()
        player.bonus -= player.stake
        yield self._item(ids, self._stake, self._money, BONUS_BET)
        for won in self._in_parts(self._prize()):
            player.bonus += won
            yield self._item(ids, self._money.digits(won), self._money, BONUS_WIN)

    def several_bets(self) -> Iterator[str]:
        """Bet more than once before one win is paid."""
        player, ids = self._player, self._new_round()
        bets = self._rng.randint(2, MOST_BETS)
        for _ in range(bets):
            player.real -= player.stake
            yield self._item(ids, self._stake, self._money, REAL_BET)
        yield self._win(ids, bets * self._prize())

    def free_spins(self) -> Iterator[str]:
        """Bet once; what it won is paid in parts."""
        player, ids = self._player, self._new_round()
        player.real -= player.stake
        yield self._item(ids, self._stake, self._money, REAL_BET)
        for won in self._in_parts(self._prize()):
            yield self._win(ids, won)

    def paid_elsewhere(self) -> Iterator[str]:
        """Bet in one round; the win is booked on another, as jackpots are."""
        player = self._player
        player.real -= player.stake
        yield self._item(self._new_round(), self._stake, self._money, REAL_BET)
        yield self._win(self._new_round(), self._prize())

    def two_currencies(self) -> Iterator[str]:
        """Bet from two wallets in one round, each of which wins for itself."""
        player, ids = self._player, self._new_round()
        player.real -= player.stake
        yield self._item(ids, self._stake, self._money, REAL_BET)
        player.pounds -= POUND.dime
        yield self._item(ids, POUND.digits(POUND.dime), POUND, REAL_BET)
        yield self._win(ids, self._prize())
        won = self._paytable.prize(POUND.dime, self._random())
        player.pounds += won
        yield self._item(ids, POUND.digits(won), POUND, REAL_WIN)

    def taken_back(self) -> Iterator[str]:
        """Bet on what breaks: the stake is given back, at once, or when the player comes again."""
        player, ids = self._player, self._new_round()
        player.real -= player.stake
        bet = self._item(ids, self._stake, self._money, REAL_BET)
        give_back = partial(self._give_back, ids, self._writer.last_id)
        yield bet
        if self._random() < _FOUND_LATER:
            player.owed.append((player.stake, give_back))
        else:
            player.real += player.stake
            yield give_back()

    def ended(self) -> Iterator[str]:
        """Bet and lose, of which nothing tells but that the round is over."""
        player, ids = self._player, self._new_round()
        player.real -= player.stake
        yield self._item(ids, self._stake, self._money, REAL_BET)
        yield self._writer.roundend(self._stamp(), ids)

    def _give_back(self, ids: str, bet_id: str) -> str:
        reference = "" if self._random() < _UNREFERENCED else f',"reference":"{bet_id}"'
        members = (
            f'"amount":{self._stake},"currency":"{self._money.code}",{REAL_BET}{reference}'
            ',"reason":"game malfunction"'
        )
        return self._writer.rollback(self._stamp(), ids, members)

    def _new_round(self) -> str:
        """Begin a round; at live games all bets within half a minute are on one."""
        number = self._writer.clock.half_minutes() if self._live else next(self._writer.serials)
        return f'{self._ids}{number}"'

    def _prize(self) -> int:
        return self._paytable.prize(self._player.stake, self._random())

    def _in_parts(self, won: int) -> list[int]:
        others = self._rng.randrange(8)
        part = won // (others + 1)
        return [part] * others + [won - part * others]

    def _win(self, ids: str, amount: int) -> str:
        self._player.real += amount
        return self._item(ids, self._money.digits(amount), self._money, REAL_WIN)

    def _item(self, ids: str, amount: str, money: Money, kind: str) -> str:
        return self._writer.gameround(self._stamp(), ids, amount, money.code, kind)


UNUSUAL: tuple[Callable[[Table], Iterator[str]], ...] = (
    *(Table.several_bets,) * 24,
    *(Table.free_spins,) * 10,
    *(Table.paid_elsewhere,) * 5,
    Table.two_currencies,
)
"""Ways to play that are not the usual one, each as often as it occurs."""
