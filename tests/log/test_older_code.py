"""While hosts are upgraded one by one, older code goes on beside newer: what it needs stays.

Steps that were released are as they were, columns that came later can be left out, and a snapshot is only
read by code that knows its shape.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct

from api.schema import SCHEMA
from app.log.snapshots import TOPICS
from domain.aggregates import Game, Player
from domain.events import GameUpdated, PlayerUpdated
from postgres.connections import Connection, connect
from postgres.migrate import Migration, Schema, migrate
from tests.databases import Database

SRC = Path(__file__).parents[2] / "src"

RELEASED = {
    "app/migrations/0001_log": "7b4c277ffe127483b9d175ffed513706b2b6f2704141cb9ae93c818b6348990d",
    "projections/migrations/0002_read_models": (
        "75998860e0fa9a3bf1bcc35a902081cc489f5aefe3d05df41ff53d584fe98a3d"
    ),
    "app/migrations/0003_evidence": (
        "4140e5f234ea2d6fe8ed9336b6b42a89ae82bee850cc1b6bcf3c368bd4e3af73"
    ),
    "app/migrations/0004_sealing": (
        "9d17d9bef585b1cd68b3c83b18dd19b38c6078da5f9e446d76406988508a9087"
    ),
    "app/migrations/0005_erasure": (
        "2a2b07a45a78bec70b75a3ecb3487327db8223bb2d5aa0ac288b52bff663b907"
    ),
    "app/migrations/0006_accesses": (
        "b10599b99f29c8d805b521b6f4b6267e2382bc5c10b67345eb9b8dc446b5f75c"
    ),
    "app/migrations/0007_heads": (
        "6bc4b1625ed631735a97aa2de70555c4ffebbd2c07a8c026486fc4164a7d4fd1"
    ),
    "app/migrations/0008_privileges": (
        "2063d60bb902a514c138b8fdfa72d401819d4f51e4ce2e92c62702ce749a922e"
    ),
    "app/migrations/0009_rate_limits": (
        "aac677778ca793ed50d0d2c1238a2acdef3e6d867341ca467765a9c9f270ab11"
    ),
    "app/migrations/0010_said_of_evidence": (
        "4aa4295c3f17e15714a49f5c14581f118ded4b7f4a3ebf7cf2367353e2a2075b"
    ),
    "app/migrations/0011_changes": (
        "9a2ee2837ac99054c9c138e85a24befb7f14f46b8a0e6c70f40a816b433318d0"
    ),
    "app/migrations/0012_histories": (
        "6e62e6158c8ed5f2f725b324c01ed7c627c864013a44ed6c99d42824a3402b8c"
    ),
    "app/migrations/0013_compatible_code": (
        "54f670950e02fb94c72b039658ef5a8bf3763fded46a81d2e7b2e81c4a8cb8a5"
    ),
    "app/migrations/0014_lives": (
        "c36309ed98c3287c9901478f4b0dc6175b8468a0256632bccc89e78e4b181704"
    ),
    "app/migrations/0015_where_writers_are": (
        "3bc01783f5fa3a56976f77a7ab1beab71ca66a300b92fa4b5324fa5b6334529f"
    ),
    "app/migrations/0016_clusters": (
        "8427ca733282d26f5cbfaa24c3d7db75f108589e5b350dc2c8f9147f6eeea14a"
    ),
    "app/migrations/0019_refused": (
        "fa33f36ab0852d3c0f09163167bf7d931f79a0958c64c6b2a682232d77266164"
    ),
    "app/migrations/0020_subscriptions": (
        "77918b4e79e8d04f7190e41a71fa7cb4522639d631ca240a1ca32c86b472f9a2"
    ),
    "projections/migrations/0017_rollbacks": (
        "82c8ecf6ae6951e3ee3dcc66c7c1b62f2c213bbe0fb47350286f93b412174e12"
    ),
    "projections/migrations/0018_gaming_days": (
        "f8b48e4211a1a58b3e41da53db4f267200c87238b7d4765be32d7ae10da1492b"
    ),
    "app/migrations/0021_operate": (
        "3deab9b3b459df61eebd6b5fe42e2f341f1bb783b4eb0761b26e274b4a954dc0"
    ),
    "projections/migrations/0022_usernames": (
        "dd21e5e3234e236ee431a4b68c47b6519d515b38774ffb52d0fe988d71f1b7b1"
    ),
}
"""SHA-256 of each step that was released. A step is added here with its release, and never changed."""

_FIRST = 2
"""The steps of the first version: code that knows no others may still be at work."""


@pytest.mark.parametrize("step", RELEASED)
def test_a_released_step_is_never_edited(step: str) -> None:
    assert hashlib.sha256((SRC / f"{step}.sql").read_bytes()).hexdigest() == RELEASED[step]


class Column(NamedTuple):
    type: str
    may_be_left_out: bool


_COLUMNS = """
    select table_name || '.' || column_name, data_type,
           is_nullable = 'YES' or column_default is not null or is_generated = 'ALWAYS' or is_identity = 'YES'
      from information_schema.columns where table_schema = 'roundbook'
"""


def columns(connection: Connection) -> dict[str, Column]:
    return {name: Column(*column) for name, *column in connection.execute(_COLUMNS)}


def broken_by(before: Mapping[str, Column], after: Mapping[str, Column]) -> list[str]:
    """Name what code that knows the columns `before` can't work with any more."""
    tables = {name.partition(".")[0] for name in before}
    faults = []
    for name, column in after.items():
        known = before.get(name)
        if known is None and name.partition(".")[0] in tables and not column.may_be_left_out:
            faults.append(f"{name} has no default")
        elif known and known.may_be_left_out and not column.may_be_left_out:
            faults.append(f"{name} can't be left out any more")
        elif known and known.type != column.type:
            faults.append(f"{name} was {known.type}")
    return faults + [f"{name} is gone" for name in before if name not in after]


def broken_by_steps(steps: Sequence[Migration], database: Database) -> dict[str, list[str]]:
    """Apply steps behind those that there are, and tell of each what it breaks."""
    faults = {}
    with connect(database.owner_url) as owner:
        before = columns(owner)
        for step in steps:
            owner.execute(step.statements.encode())
            after = columns(owner)
            if broken := broken_by(before, after):
                faults[step.name] = broken
            before = after
    return faults


def test_no_step_breaks_code_that_does_not_know_it(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = SCHEMA.migrations()
    with connect(fresh_database.owner_url) as owner:
        owner.execute("drop schema roundbook cascade")
    with monkeypatch.context() as patched:
        patched.setattr(Schema, "migrations", lambda _: known[:_FIRST])
        patched.setattr(Schema, "grants", lambda _: [])
        migrate(SCHEMA, fresh_database.owner_url, fresh_database.service_url)
    assert broken_by_steps(known[_FIRST:], fresh_database) == {}


def test_a_step_that_does_is_found(fresh_database: Database) -> None:
    steps = [
        Migration(9990, "new table", "create table fresh (id int primary key, old int not null)"),
        Migration(9991, "good", "alter table fresh add column good int not null default 0"),
        Migration(9992, "nullable", "alter table balances add column note text"),
        Migration(9993, "no default", "alter table balances add column extra numeric not null"),
        Migration(9994, "later", "alter table fresh add column bad int not null"),
        Migration(9995, "required", "alter table transactions alter amount_eur set not null"),
        Migration(9996, "retyped", "alter table activity alter rounds type numeric"),
        Migration(9997, "dropped", "alter table players drop column gender"),
        Migration(9998, "renamed", "alter table games rename provider to studio"),
    ]
    assert broken_by_steps(steps, fresh_database) == {
        "no default": ["balances.extra has no default"],
        "later": ["fresh.bad has no default"],
        "required": ["transactions.amount_eur can't be left out any more"],
        "retyped": ["activity.rounds was bigint"],
        "dropped": ["players.gender is gone"],
        "renamed": ["games.provider is gone"],
    }


SHAPES = {
    "Player.v1": """\
Balance.bet_bonus: Decimal
Balance.bet_real: Decimal
Balance.bets: int
Balance.deposited: Decimal
Balance.deposited_eur: Decimal
Balance.deposits: int
Balance.win_bonus: Decimal
Balance.win_real: Decimal
Balance.wins: int
Balance.withdrawals: int
Balance.withdrawn: Decimal
Player.balances: dict[str, Balance]
Player.id: str
Player.profile: Profile
Player.sighting: Sighting
Player.version: int
PlayerUpdated.affiliate: str | NoneType | UnsetType
PlayerUpdated.consent_email: bool | NoneType | UnsetType
PlayerUpdated.country: str | NoneType | UnsetType
PlayerUpdated.currency: str | NoneType | UnsetType
PlayerUpdated.gender: Literal['M', 'F'] | NoneType | UnsetType
PlayerUpdated.is_blocked: bool | NoneType | UnsetType
PlayerUpdated.operator: str | NoneType | UnsetType
PlayerUpdated.player_id: str
PlayerUpdated.registration_date: str | NoneType | UnsetType
PlayerUpdated.tags: list[str] | NoneType | UnsetType
PlayerUpdated.timestamp: Instant
PlayerUpdated.unique_id: str
PlayerUpdated.username: str | NoneType | UnsetType
Profile.stamps: dict[str, tuple[datetime, str]]
Profile.values: dict[str, Any]
Sighting.first_seen: datetime
Sighting.last_login: datetime | NoneType
Sighting.last_seen: datetime
Sighting.logins: int""",
    "Game.v1": """\
Game.id: str
Game.profile: Profile
Game.sighting: Sighting
Game.version: int
GameUpdated.categories: list[str] | NoneType | UnsetType
GameUpdated.device: str | NoneType | UnsetType
GameUpdated.features: list[str] | NoneType | UnsetType
GameUpdated.game_id: str
GameUpdated.has_freespins: Literal['yes', 'no', 'unknown'] | NoneType | UnsetType
GameUpdated.name: str | NoneType | UnsetType
GameUpdated.provider: str | NoneType | UnsetType
GameUpdated.themes: list[str] | NoneType | UnsetType
GameUpdated.timestamp: Instant
GameUpdated.unique_id: str
Profile.stamps: dict[str, tuple[datetime, str]]
Profile.values: dict[str, Any]
Sighting.first_seen: datetime
Sighting.last_login: datetime | NoneType
Sighting.last_seen: datetime
Sighting.logins: int""",
    "Player.v2": """\
Balance.bet_bonus: Decimal
Balance.bet_real: Decimal
Balance.bets: int
Balance.deposited: Decimal
Balance.deposited_eur: Decimal
Balance.deposits: int
Balance.rolled_back: TakenBack
Balance.win_bonus: Decimal
Balance.win_real: Decimal
Balance.wins: int
Balance.withdrawals: int
Balance.withdrawn: Decimal
Player.balances: dict[str, Balance]
Player.id: str
Player.profile: Profile
Player.sighting: Sighting
Player.version: int
PlayerUpdated.affiliate: str | NoneType | UnsetType
PlayerUpdated.consent_email: bool | NoneType | UnsetType
PlayerUpdated.country: str | NoneType | UnsetType
PlayerUpdated.currency: str | NoneType | UnsetType
PlayerUpdated.gender: Literal['M', 'F'] | NoneType | UnsetType
PlayerUpdated.is_blocked: bool | NoneType | UnsetType
PlayerUpdated.operator: str | NoneType | UnsetType
PlayerUpdated.player_id: str
PlayerUpdated.registration_date: str | NoneType | UnsetType
PlayerUpdated.tags: list[str] | NoneType | UnsetType
PlayerUpdated.timestamp: Instant
PlayerUpdated.unique_id: str
PlayerUpdated.username: str | NoneType | UnsetType
Profile.stamps: dict[str, tuple[datetime, str]]
Profile.values: dict[str, Any]
Sighting.first_seen: datetime
Sighting.last_login: datetime | NoneType
Sighting.last_seen: datetime
Sighting.logins: int
TakenBack.bet_bonus: Decimal
TakenBack.bet_real: Decimal
TakenBack.bets: int
TakenBack.win_bonus: Decimal
TakenBack.win_real: Decimal
TakenBack.wins: int""",
    "Game.v2": """\
Game.id: str
Game.profile: Profile
Game.sighting: Sighting
Game.version: int
GameUpdated.categories: list[str] | NoneType | UnsetType
GameUpdated.device: str | NoneType | UnsetType
GameUpdated.features: list[str] | NoneType | UnsetType
GameUpdated.game_id: str
GameUpdated.has_freespins: Literal['yes', 'no', 'unknown'] | NoneType | UnsetType
GameUpdated.name: str | NoneType | UnsetType
GameUpdated.provider: str | NoneType | UnsetType
GameUpdated.themes: list[str] | NoneType | UnsetType
GameUpdated.theoretical_rtp: Decimal | NoneType | UnsetType
GameUpdated.timestamp: Instant
GameUpdated.unique_id: str
GameUpdated.volatility: Decimal | NoneType | UnsetType
Profile.stamps: dict[str, tuple[datetime, str]]
Profile.values: dict[str, Any]
Sighting.first_seen: datetime
Sighting.last_login: datetime | NoneType
Sighting.last_seen: datetime
Sighting.logins: int""",
}
"""What a snapshot of each topic is made of. A topic that was released keeps its shape for ever."""


def shape(*kinds: type[Struct]) -> set[str]:
    """Write down the members of structs, and of all structs in them, by name and type."""
    lines = set()
    for kind in kinds:
        for name, type_ in get_type_hints(kind).items():
            lines.add(f"{kind.__name__}.{name}: {_written(type_)}")
            lines |= shape(*_structs(type_))
    return lines


def _structs(type_: Any) -> Iterator[type[Struct]]:
    if isinstance(type_, type) and get_origin(type_) is None and issubclass(type_, Struct):
        yield type_
    for argument in get_args(type_):
        yield from _structs(argument)


def _written(type_: Any) -> str:
    """Write a type the same way under every version of Python."""
    held = [_written(each) for each in get_args(type_)]
    origin = get_origin(type_)
    if origin in {Union, UnionType}:
        return " | ".join(held)
    if origin is not None:
        return f"{getattr(origin, '__name__', origin)}[{', '.join(held)}]"
    return type_.__name__ if isinstance(type_, type) else repr(type_)


def test_a_shape_tells_of_structs_in_structs() -> None:
    class Inner(Struct):
        amount: int

    class Outer(Struct):
        held: dict[str, list[Inner]] | None

    assert shape(Outer) == {
        "Outer.held: dict[str, list[Inner]] | NoneType",
        "Inner.amount: int",
    }


def test_a_snapshot_of_another_shape_has_another_topic() -> None:
    """If this fails, give the aggregate the next topic in app.log.snapshots, and its shape a text here.

    A profile holds whatever an update can name. What folds make of the same events is told by no shape: a
    change of theirs needs the next topic too.
    """
    updates: dict[type[Player | Game], type[Struct]] = {Player: PlayerUpdated, Game: GameUpdated}
    for kind, topic in TOPICS.items():
        assert shape(kind, updates[kind]) == set(SHAPES[topic].split("\n"))
