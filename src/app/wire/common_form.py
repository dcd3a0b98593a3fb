"""The fast way from `data` to a valid item, for items in the form that clients commonly send.

A reader raises ValueError for whatever it is not sure about: invalid data, and valid data
in an uncommon form (a repeated member, an amount with an exponent). `rules` decides about those, exactly.
A reader never accepts what the rules refuse, but for NUL: whoever calls it has made sure there is none.
"""

import re
from collections.abc import Callable, Container
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct
from msgspec.json import Decoder

from app.wire.item import Item
from domain.instant import parse_datetime, parse_day_or_instant
from domain.money import MAX_FRACTION_DIGITS, MAX_INTEGER_DIGITS
from domain.streams import game_stream, player_stream

Reader = Callable[[bytes], Item]

_Id = Annotated[str, Meta(min_length=1, max_length=255)]

_is_plain_amount = re.compile(
    rb"(?:0|[1-9][0-9]{0,%d})(?:\.[0-9]{1,%d})?" % (MAX_INTEGER_DIGITS - 1, MAX_FRACTION_DIGITS)
).fullmatch
_NULL = Raw(b"null")


class _Data(Struct, gc=False):
    unique_id: _Id
    timestamp: str


class _PlayerData(_Data, gc=False):
    player_id: _Id


class _Gameround(_PlayerData, gc=False):
    game_id: _Id
    round_id: _Id
    amount: Raw
    currency: str
    is_win: bool
    is_bonus: bool


class _Withdraw(_PlayerData, gc=False):
    amount: Raw
    currency: str
    method: _Id


class _Deposit(_Withdraw, gc=False):
    amount_eur: Raw = _NULL


class _Player(_PlayerData, gc=False):
    username: str | None = None
    registration_date: str | None = None
    country: str | None = None
    currency: str | None = None
    gender: Literal["M", "F"] | None = None
    affiliate: str | None = None
    operator: str | None = None
    tags: list[str] | None = None
    consent_email: bool | None = None
    is_blocked: bool | None = None


class _Game(_Data, gc=False):
    game_id: _Id
    name: str | None = None
    provider: str | None = None
    categories: list[str] | None = None
    features: list[str] | None = None
    themes: list[str] | None = None
    device: str | None = None
    has_freespins: Literal["yes", "no", "unknown"] | None = None


_GAMEROUND = Decoder(_Gameround)
_WITHDRAW = Decoder(_Withdraw)
_DEPOSIT = Decoder(_Deposit)
_PLAYER = Decoder(_Player)
_GAME = Decoder(_Game)
_LOGIN = Decoder(_PlayerData)


class CommonForm:
    """Readers of `data`, one for each event of the wire, for one batch."""

    def __init__(self, currencies: Container[str], latest: datetime) -> None:
        """Set what the tenant may send: these currencies, and timestamps up to `latest`."""
        self._currencies = currencies
        self._latest = latest
        self.readers: dict[str, Reader] = {
            "gameround": self._gameround,
            "deposit": self._deposit,
            "withdraw": self._withdraw,
            "player": self._player,
            "game": self._game,
            "login": self._login,
        }

    def _gameround(self, state: bytes) -> Item:
        data = _GAMEROUND.decode(state)
        self._check_money(data.amount, data.currency)
        topic = "WinPaid" if data.is_win else "BetPlaced"
        stream = player_stream(data.player_id)
        return Item(data.unique_id, topic, stream, self._moment(data.timestamp), state)

    def _deposit(self, state: bytes) -> Item:
        data = _DEPOSIT.decode(state)
        self._check_money(data.amount, data.currency)
        if data.amount_eur != _NULL:
            self._check_money(data.amount_eur, data.currency)
        stream = player_stream(data.player_id)
        return Item(data.unique_id, "Deposited", stream, self._moment(data.timestamp), state)

    def _withdraw(self, state: bytes) -> Item:
        data = _WITHDRAW.decode(state)
        self._check_money(data.amount, data.currency)
        stream = player_stream(data.player_id)
        return Item(data.unique_id, "Withdrawn", stream, self._moment(data.timestamp), state)

    def _player(self, state: bytes) -> Item:
        data = _PLAYER.decode(state)
        if data.registration_date is not None:
            parse_day_or_instant(data.registration_date)
        stream = player_stream(data.player_id)
        return Item(data.unique_id, "PlayerUpdated", stream, self._moment(data.timestamp), state)

    def _game(self, state: bytes) -> Item:
        data = _GAME.decode(state)
        stream = game_stream(data.game_id)
        return Item(data.unique_id, "GameUpdated", stream, self._moment(data.timestamp), state)

    def _login(self, state: bytes) -> Item:
        data = _LOGIN.decode(state)
        stream = player_stream(data.player_id)
        return Item(data.unique_id, "LoggedIn", stream, self._moment(data.timestamp), state)

    def _moment(self, timestamp: str) -> datetime:
        moment = parse_datetime(timestamp)
        if moment > self._latest:
            raise ValueError("in the future")
        return moment

    def _check_money(self, amount: Raw, currency: str) -> None:
        if not _is_plain_amount(amount) or currency not in self._currencies:
            raise ValueError("not an amount in its common form, or an unknown currency")
