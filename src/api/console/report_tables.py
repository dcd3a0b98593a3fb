"""Rows of reports as tables for people: what their columns are called, and how values in them are written."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from api.console.report_forms import KINDS

Kind = Literal[
    "text",
    "sentence",
    "id",
    "player",
    "game",
    "round",
    "event",
    "time",
    "day",
    "age",
    "count",
    "amount",
    "percent",
    "number",
    "flag",
    "word",
    "ids",
]
"""How a value is written."""

_NUMBERS = frozenset(["event", "age", "count", "amount", "percent", "number"])
_SENTENCES = frozenset(["sentence", "ids"])


class Column(NamedTuple):
    """A column. Those beside each other with the same `group` stand beneath it."""

    label: str
    kind: Kind
    group: str = ""

    @property
    def style(self) -> str:
        """Its class: numbers stand to the right, sentences have room."""
        return "number" if self.kind in _NUMBERS else "wide" if self.kind in _SENTENCES else ""


class Table(NamedTuple):
    """Columns by the names of their members, and rows of these."""

    columns: Mapping[str, Column]
    rows: Sequence[Mapping[str, Any]]

    @property
    def headings(self) -> list[tuple[str, str]]:
        """What the columns are called, each with its class."""
        return [(column.label, column.style) for column in self.columns.values()]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """What stands over the columns, and over how many; empty where nothing does."""
        found = groupby(self.columns.values(), key=lambda column: column.group)
        groups = [(group, len([*beneath])) for group, beneath in found]
        return groups if any(group for group, _ in groups) else []


def _purse(name: str, group: str) -> dict[str, Column]:
    labels = {
        "opening": "Opening",
        "deposits": "Deposits",
        "withdrawals": "Withdrawals",
        "bets": "Bets",
        "wins": "Wins",
        "rolled_back": "Rolled back",
        "closing": "Closing",
    }
    return {f"{name}.{each}": Column(label, "amount", group) for each, label in labels.items()}


def _figures(name: str, group: str) -> dict[str, Column]:
    labels = {
        "deposits": "Deposits",
        "withdrawals": "Withdrawals",
        "bets": "Bets",
        "wins": "Wins",
        "ggr": "Gross revenue",
    }
    return {f"{name}.{each}": Column(label, "amount", group) for each, label in labels.items()}


def _money(name: str, group: str) -> dict[str, Column]:
    return {
        f"{name}_real": Column("Real", "amount", group),
        f"{name}_bonus": Column("Bonus", "amount", group),
    }


COLUMNS: Mapping[str, Column] = {
    "timestamp": Column("Time", "time"),
    "at": Column("Time", "time"),
    "day": Column("Gaming day", "day"),
    "month": Column("Month", "day"),
    "known_at": Column("Known at the end of", "day"),
    "kind": Column("What", "word"),
    "type": Column("What", "word"),
    "player_id": Column("Player", "player"),
    "game_id": Column("Game", "game"),
    "round_id": Column("Round", "round"),
    "unique_id": Column("Unique id", "id"),
    "position": Column("Position", "event"),
    "provider": Column("Provider", "text"),
    "method": Column("Method", "text"),
    "detail": Column("In words", "sentence"),
    "what": Column("What is held against what", "sentence"),
    "currency": Column("Currency", "text"),
    "first_at": Column("First bet", "time"),
    "last_at": Column("Last event", "time"),
    "age_s": Column("Open for", "age"),
    "accounts": Column("Accounts", "count"),
    "movements": Column("Movements", "count"),
    "rounds": Column("Rounds", "count"),
    "bets": Column("Bets", "count"),
    "wins": Column("Wins", "count"),
    "late": Column("Late events", "count"),
    "events": Column("By the late events", "ids"),
    "amount": Column("Amount", "amount"),
    "bet": Column("Bet", "amount"),
    "win": Column("Won", "amount"),
    **_money("bet", "Bet"),
    **_money("win", "Won"),
    **_money("ggr", "Gross gaming revenue"),
    **_money("stake", "At stake"),
    **_money("change", "Change"),
    **_money("balance", "Balance after it"),
    **_money("opening", "Opening"),
    **_money("closing", "Closing"),
    "rtp": Column("Return to player", "percent"),
    "theoretical_rtp": Column("Expected return", "percent"),
    "volatility": Column("Volatility", "number"),
    "deviation": Column("Off by, in standard errors", "number"),
    "flagged": Column("Flagged", "flag"),
    **_purse("real", "Real money"),
    **_purse("bonus", "Bonus money"),
    **_figures("known", "As known then"),
    **_figures("now", "Now"),
    **_figures("changed", "Changed by"),
    "expected": Column("Expected", "amount"),
    "found": Column("Found", "amount"),
    "difference": Column("Difference", "amount"),
}
"""All columns of all reports. Members of objects have the object's name before theirs, as in CSV."""

WORDS = {
    **KINDS,
    "Deposited": "Deposit",
    "Withdrawn": "Withdrawal",
    "BetPlaced": "Bet",
    "WinPaid": "Win",
    "BetRolledBack": "Bet rolled back",
    "WinRolledBack": "Win rolled back",
}
"""Values of the kind `word`, in words."""


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return rows as a table, with the columns of the first one."""
    flat_rows = [_flat(row) for row in rows]
    return Table({name: COLUMNS[name] for name in flat_rows[0]} if flat_rows else {}, flat_rows)


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            cells[name] = value
    return cells
