"""The tables of an export: what their columns are, and how CSV of PostgreSQL's becomes them, by Arrow.

Lists and what is in JSON come as text. Amounts are decimals of 38 digits, 18 of them after the point.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from pyarrow import csv

from domain.decoding import decode
from domain.events import Event, RoundEvent
from domain.fasttrack import event_of
from domain.gaming_day import GamingDays
from domain.item_types import EVENT_TYPES
from domain.money import ZERO
from domain.streams import PLAYER
from projections.exporting import Name
from projections.models.round_sums import sums_by_currency

AMOUNT = pa.decimal128(38, 18)
DAY = "gaming_day"
"""The column that is only in the names of folders."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = pa.timestamp("us", tz="UTC")
_TEXTS = pa.list_(pa.string())
_decode_texts = msgspec.json.Decoder(list[str]).decode

_SUMS = ("bet_real", "bet_bonus", "win_real", "win_bonus")
_TAKEN_BACK = tuple(f"rolled_back_{name}" for name in _SUMS)
_TAKEN_BACK_COUNTS = ("rolled_back_bets", "rolled_back_wins")
_NO_SUMS: tuple[str | None, Sequence[Any]] = (None, (None,) * 4)
_NOTHING_BACK = ("0",) * 4 + (0, 0)


class TableKind(NamedTuple):
    """How a table is read: the columns of the CSV, and what is made of those that Arrow does not read.

    `is_added_to`: its rows never change. Of others a row comes again, with a greater log_position.
    """

    columns: Mapping[str, pa.DataType]
    finish: Callable[[pa.Table], pa.Table]
    is_added_to: bool


def read_rows(kind: TableKind, lines: Sequence[bytes], days: GamingDays) -> pa.Table:
    """Read lines of CSV. Raises pyarrow.ArrowInvalid where an amount is too large."""
    held = b"".join(lines)
    columns = {**kind.columns, DAY: pa.date32() if "day" in kind.columns else _MOMENT}
    table = csv.read_csv(
        pa.BufferReader(held),
        csv.ReadOptions(
            column_names=list(columns), block_size=max(len(held), 1), use_threads=False
        ),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types=columns,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    at = table.schema.get_field_index(DAY)
    return kind.finish(table.set_column(at, DAY, _days_of(table[DAY], days)))


def _days_of(filed: pa.ChunkedArray, days: GamingDays) -> pa.Array:
    """Return the days of moments, most of which are of the same day as the one before."""
    if filed.type != _MOMENT:
        return filed
    found: list[date] = []
    day, begin, end = date.min, 0, 0
    for at in filed.cast(pa.int64()).to_pylist():
        if not begin <= at < end:
            day = days.of(_EPOCH + timedelta(microseconds=at))
            begin, end = _micros(days.begin(day)), _micros(days.end(day))
        found.append(day)
    return pa.array(found, pa.date32())


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _events(table: pa.Table) -> pa.Table:
    """Add what the events say, and which type they were sent as."""
    topics = table["type"].to_pylist()
    streams = table["stream"].to_pylist()
    states = table["data"].cast(pa.binary()).to_pylist()
    told = [
        (None,) * len(_TOLD) if state is None else _told(decode(topic, state, stream))
        for topic, state, stream in zip(topics, states, streams, strict=True)
    ]
    columns = {
        **{name: table[name] for name in ("position", "stream", "version")},
        "event": pa.array([EVENT_TYPES[topic] for topic in topics], pa.string()),
        "type": pa.array(list(map(event_of, topics)), pa.string()),
        **{name: table[name] for name in ("occurred_at", "recorded_at")},
        "player_id": pa.array([_id_in(stream, PLAYER) for stream in streams], pa.string()),
        **{
            name: pa.array(values, kind)
            for (name, kind), values in zip(_TOLD.items(), zip(*told, strict=True), strict=True)
        },
        **{name: table[name] for name in ("data", DAY)},
    }
    return pa.table(columns)


_TOLD = {
    "unique_id": pa.string(),
    "game_id": pa.string(),
    "round_id": pa.string(),
    "amount": AMOUNT,
    "bonus_amount": AMOUNT,
    "currency": pa.string(),
}


def _told(event: Event) -> tuple[Any, ...]:
    amount = getattr(event, "amount", None)
    return (
        event.unique_id or None,
        getattr(event, "game_id", None),
        getattr(event, "round_id", None),
        amount,
        _bonus_amount(event) if isinstance(event, RoundEvent) else None,
        None if amount is None else getattr(event, "currency", None),  # else that of a profile
    )


def _bonus_amount(event: RoundEvent) -> Decimal:
    """Return the part of an amount that is bonus money."""
    if event.is_bonus:
        return event.amount
    split: Decimal = getattr(event, "bonus_amount", ZERO)
    return split


def _id_in(stream: str, kind: str) -> str | None:
    return stream.removeprefix(kind) if stream.startswith(kind) else None


def _rounds(table: pa.Table) -> pa.Table:
    """Make a row of each currency of a round, and one of a round without any, as one that only ended."""
    rows: list[int] = []
    currencies: list[str | None] = []
    amounts: list[Sequence[Any]] = []
    for row, sums in enumerate(table["sums"].to_pylist()):
        for currency, of_currency in sums_by_currency(sums) or [_NO_SUMS]:
            rows.append(row)
            currencies.append(currency)
            back = of_currency[5] if len(of_currency) > 5 else _NOTHING_BACK
            amounts.append((*of_currency[:4], *back))
    whole = table.drop_columns(["sums", DAY]).take(pa.array(rows, pa.int64()))
    whole = whole.append_column("currency", pa.array(currencies, pa.string()))
    names = (*_SUMS, *_TAKEN_BACK, *_TAKEN_BACK_COUNTS)
    for name, values in zip(names, zip(*amounts, strict=True), strict=True):
        column = pa.array(values)
        whole = whole.append_column(
            name, column if name in _TAKEN_BACK_COUNTS else column.cast(pa.string()).cast(AMOUNT)
        )
    return whole.append_column(DAY, table[DAY].take(pa.array(rows, pa.int64())))


def _with_lists(*names: str) -> Callable[[pa.Table], pa.Table]:
    def finish(table: pa.Table) -> pa.Table:
        for name in names:
            texts = [_decode_texts(text) for text in table[name].to_pylist()]
            at = table.schema.get_field_index(name)
            table = table.set_column(at, name, pa.array(texts, _TEXTS))
        return table

    return finish


def _as_it_is(table: pa.Table) -> pa.Table:
    return table


_ID = _TEXT = pa.string()
_COUNT = pa.int64()
_NUMBER = AMOUNT

KINDS: dict[Name, TableKind] = {
    "events": TableKind(
        {
            "position": _COUNT,
            "stream": _ID,
            "version": _COUNT,
            "type": _TEXT,
            "occurred_at": _MOMENT,
            "recorded_at": _MOMENT,
            "data": _TEXT,
        },
        _events,
        is_added_to=True,
    ),
    "transactions": TableKind(
        {
            "position": _COUNT,
            "unique_id": _ID,
            "type": _TEXT,
            "player_id": _ID,
            "timestamp": _MOMENT,
            "amount": AMOUNT,
            "currency": _TEXT,
            "method": _TEXT,
            "amount_eur": AMOUNT,
        },
        _as_it_is,
        is_added_to=True,
    ),
    "rounds": TableKind(
        {
            "player_id": _ID,
            "game_id": _ID,
            "round_id": _ID,
            "status": _TEXT,
            "mixed_currency": pa.bool_(),
            "first_at": _MOMENT,
            "last_at": _MOMENT,
            "bet_count": _COUNT,
            "win_count": _COUNT,
            "ended_at": _MOMENT,
            "sums": _TEXT,
        },
        _rounds,
        is_added_to=False,
    ),
    "activity": TableKind(
        {
            "day": pa.date32(),
            "game_id": _ID,
            "currency": _TEXT,
            "rounds": _COUNT,
            "bets": _COUNT,
            "wins": _COUNT,
            **dict.fromkeys((*_SUMS, *_TAKEN_BACK), AMOUNT),
            **dict.fromkeys(_TAKEN_BACK_COUNTS, _COUNT),
        },
        _as_it_is,
        is_added_to=False,
    ),
    "players": TableKind(
        {
            "player_id": _ID,
            "username": _TEXT,
            "registration_date": _MOMENT,
            "country": _TEXT,
            "currency": _TEXT,
            "gender": _TEXT,
            "affiliate": _TEXT,
            "operator": _TEXT,
            "tags": _TEXT,
            "consent_email": pa.bool_(),
            "is_blocked": pa.bool_(),
            "first_seen": _MOMENT,
            "last_seen": _MOMENT,
            "last_login": _MOMENT,
            "logins": _COUNT,
        },
        _with_lists("tags"),
        is_added_to=False,
    ),
    "games": TableKind(
        {
            "game_id": _ID,
            "name": _TEXT,
            "provider": _TEXT,
            "categories": _TEXT,
            "features": _TEXT,
            "themes": _TEXT,
            "device": _TEXT,
            "has_freespins": _TEXT,
            "first_seen": _MOMENT,
            "last_seen": _MOMENT,
            "theoretical_rtp": _NUMBER,
            "volatility": _NUMBER,
        },
        _with_lists("categories", "features", "themes"),
        is_added_to=False,
    ),
}
"""In the order of writing: what is added to comes first, so that a run that is killed has not lost it."""


def as_of(table: pa.Table, position: int) -> pa.Table:
    """Say in each row up to which position of the log it shows all events."""
    column: Any = pa.array([position] * table.num_rows, pa.int64())
    return table.append_column("log_position", column)
