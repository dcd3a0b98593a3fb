"""By which days a tenant's read models are made: what the operator set, each rule with a number of its own.

A generation of read models names its rule among its versions, under `GAMING_DAY`. One that was made by
another rule than the newest is made anew, as one of another version of the code is. Code that knows no such
rules takes it for newer code's and leaves it alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

import psycopg

from domain.gaming_day import DayRule, DayRuleError, GamingDays, gaming_days
from postgres.connections import Connection
from postgres.rows import fetch_one
from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting the rule of a tenant's days, and reading it."""

    newest_rule: Statement
    live_rule: Statement
    set_rule: Statement


SQL = Sql(__file__)

GAMING_DAY = "gaming_day"
"""Stands among the versions of a generation for the number of its rule; absent for days of UTC."""


class Numbered(NamedTuple):
    """A rule, and its number; 0 where none was set."""

    rule: DayRule
    number: int

    @property
    def days(self) -> GamingDays:
        """The days by it. Raises DayRuleError for a time zone that this version does not know."""
        return gaming_days(self.rule)

    @property
    def versions(self) -> dict[str, int]:
        """What it adds to the versions of a generation that is made by it."""
        return {GAMING_DAY: self.number} if self.number else {}


def newest_rule(connection: Connection, tenant_id: int) -> Numbered:
    """Return the rule that was set last, by which read models are made from then on."""
    return _read(connection, SQL.newest_rule, tenant_id)


def live_rule(connection: Connection, tenant_id: int) -> Numbered:
    """Return the rule of what queries show: an older one until read models are made anew by the newest."""
    return _read(connection, SQL.live_rule, tenant_id)


def set_rule(connection: Connection, tenant_id: int, rule: DayRule) -> bool:
    """Set when a tenant's days begin, from then on; False where that was so already.

    Raises DayRuleError where it is set elsewhere at the same time.
    """
    newest = newest_rule(connection, tenant_id)
    if newest.rule == rule:
        return False
    row = {**rule._asdict(), "tenant_id": tenant_id, "number": newest.number + 1}
    try:
        connection.execute(SQL.set_rule.sql, row)
    except psycopg.errors.UniqueViolation:
        raise DayRuleError(
            "the gaming day was just set by somebody else; look, and try again"
        ) from None
    return True


def numbered(time_zone: str | None, starts_at_minute: int | None, number: int | None) -> Numbered:
    """Return the rule of a row; that of UTC where the row has none, as none was set."""
    if time_zone is None or starts_at_minute is None or number is None:
        return Numbered(DayRule(), 0)
    return Numbered(DayRule(time_zone, starts_at_minute), number)


def without_rule(versions: Mapping[str, int]) -> dict[str, int]:
    """Leave the rule out of the versions of a generation: what is left is of the code."""
    return {name: version for name, version in versions.items() if name != GAMING_DAY}


def _read(connection: Connection, statement: Statement, tenant_id: int) -> Numbered:
    found = fetch_one(connection, statement, {"tenant_id": tenant_id}, numbered)
    return found or Numbered(DayRule(), 0)
