"""The read models there are: what a projector writes, a rebuild compares, and `status` lists."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from postgres.connections import Connection
from projections.days import without_rule
from projections.entries import Scope, Stretch, Versions
from projections.models import (
    activity,
    balances,
    games,
    players,
    rollbacks,
    rounds,
    transactions,
)


class ReadModel(NamedTuple):
    """A projection: the version of its code, its pure fold, the writing of what that gives, and the tables.

    The tables have `tenant_id` and `generation` in their primary key; the rest of the key is one row's. Where
    it counts `by_day`, its rows depend on when the tenant's days begin.
    """

    version: int
    fold: Callable[[Stretch], Any]
    write: Callable[[Connection, Scope, Any], None]
    tables: Sequence[str]
    by_day: bool


class _Module(Protocol):
    """What the module of a read model has; the type checker holds each of them to it."""

    VERSION: int
    TABLES: list[str]

    @property
    def fold(self) -> Callable[[Stretch], Any]:
        """Return the function that folds a stretch of the log, without any I/O."""

    @property
    def write(self) -> Callable[[Connection, Scope, Any], None]:
        """Return the function that writes what `fold` gave."""


def _of(module: _Module, *, by_day: bool = False) -> ReadModel:
    return ReadModel(module.VERSION, module.fold, module.write, module.TABLES, by_day)


# In the order of writing. What is quickly folded comes first, so that PostgreSQL is at work while the rest is
# folded; rounds come last, as their writing takes Python itself, which nothing else of the chunk wants then.
READ_MODELS: dict[str, ReadModel] = {
    "players": _of(players),
    "games": _of(games),
    "activity": _of(activity, by_day=True),
    "transactions": _of(transactions),
    "rollbacks": _of(rollbacks),
    "balances": _of(balances, by_day=True),
    "rounds": _of(rounds, by_day=True),
}
"""Tables, grants, comparison, versions, the sweep of old rows and `status` follow from this."""


def code_versions() -> dict[str, int]:
    """Return the versions of this code."""
    return {name: model.version for name, model in READ_MODELS.items()}


def is_of_newer_code(versions: Versions) -> bool:
    """Return whether a generation was built by code that knows more than this: not to be touched."""
    here = code_versions()
    of_code = without_rule(versions)
    return any(version > here.get(name, 0) for name, version in of_code.items())


def tables() -> list[str]:
    """List all tables of read models."""
    return [table for model in READ_MODELS.values() for table in model.tables]
