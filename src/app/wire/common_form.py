"""The fast way from `data` to a valid item, for items in the form that clients commonly send.

A reader answers None for whatever it is not sure about: invalid data, and valid data in an uncommon form
(a repeated member, an amount with an exponent). `rules` decides about those, exactly. A reader must never
accept what the rules refuse. It does not look for NUL: whoever calls it has made sure there is none.
"""

import re
from collections.abc import Callable, Container
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct, ValidationError
from msgspec.json import Decoder

from app.wire.item import Item
from domain.instant import Instant, parse_day_or_instant
from domain.money import MAX_FRACTION_DIGITS, MAX_INTEGER_DIGITS
from domain.streams import game_stream, player_stream

Reader = Callable[[bytes], Item | None]

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


def common_form_readers(currencies: Container[str], latest: datetime) -> dict[str, Reader]:
    """Make a reader for each event of the wire; `latest` is the greatest timestamp that is accepted."""
    moment_of = Instant.parse

    def sound(moment: datetime, amount: Raw, currency: str) -> bool:
        return (
            moment <= latest
            and _is_plain_amount(amount) is not None
            and currency in currencies
        )

    def gameround(state: bytes) -> Item | None:
        data = _GAMEROUND.decode(state)
        moment = moment_of(data.timestamp)
        if not sound(moment, data.amount, data.currency):
            return None
        topic = "WinPaid" if data.is_win else "BetPlaced"
        return Item(data.unique_id, topic, player_stream(data.player_id), moment, state)

    def deposit(state: bytes) -> Item | None:
        data = _DEPOSIT.decode(state)
        moment = moment_of(data.timestamp)
        in_eur = data.amount_eur
        if not sound(moment, data.amount, data.currency) or not (
            in_eur == _NULL or _is_plain_amount(in_eur)
        ):
            return None
        return Item(data.unique_id, "Deposited", player_stream(data.player_id), moment, state)

    def withdraw(state: bytes) -> Item | None:
        data = _WITHDRAW.decode(state)
        moment = moment_of(data.timestamp)
        if not sound(moment, data.amount, data.currency):
            return None
        return Item(data.unique_id, "Withdrawn", player_stream(data.player_id), moment, state)

    def player(state: bytes) -> Item | None:
        data = _PLAYER.decode(state)
        moment = moment_of(data.timestamp)
        if data.registration_date is not None:
            parse_day_or_instant(data.registration_date)
        if moment > latest:
            return None
        return Item(data.unique_id, "PlayerUpdated", player_stream(data.player_id), moment, state)

    def game(state: bytes) -> Item | None:
        data = _GAME.decode(state)
        moment = moment_of(data.timestamp)
        if moment > latest:
            return None
        return Item(data.unique_id, "GameUpdated", game_stream(data.game_id), moment, state)

    def login(state: bytes) -> Item | None:
        data = _LOGIN.decode(state)
        moment = moment_of(data.timestamp)
        if moment > latest:
            return None
        return Item(data.unique_id, "LoggedIn", player_stream(data.player_id), moment, state)

    readers = (gameround, deposit, withdraw, player, game, login)
    return {reader.__name__: _or_none(reader) for reader in readers}
