"""Statements: of one player each movement in order of time, with the balance after it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec import Struct, field

from domain.balance import Balance, Movement, fold_balance
from domain.events import TOPICS, is_bare
from domain.ids import Id
from domain.instant import as_datetime
from domain.money import EXACT, plain
from domain.split import kind_of
from postgres.statements import Statement, Statements
from projections.models.balance_periods import read_as_of
from projections.reading import Amount, Snapshot, read_events, select
from projections.reports.shape import MOST_READ, Check, Content, checks, readable, whole


class Sql(Statements):
    """Finding what moved."""

    positions_between: Statement


SQL = Sql(__file__)

_MOMENT = timedelta(microseconds=1)
_PERIOD = timedelta(minutes=10)
_AT_ONCE = 1_000
_FIRST, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class StatementFilters(Struct, frozen=True):
    """Whose statement, and of which time: from a moment on, before another."""

    player_id: Id
    currency: Id | None = None
    at_or_after: datetime | None = field(default=None, name="from")
    before: datetime | None = field(default=None, name="to")


class StatementRow(Struct, frozen=True):
    """A movement, what it changed, and the balance in its currency after it. `type` is the domain event's."""

    timestamp: datetime
    position: int
    unique_id: str
    type: str
    game_id: str | None
    round_id: str | None
    method: str | None
    currency: str
    amount: Amount
    change_real: Amount
    change_bonus: Amount
    balance_real: Amount
    balance_bonus: Amount


class StatementSum(Struct, frozen=True):
    """What was there before the first movement in a currency, and what was left after the last."""

    currency: str
    movements: int
    opening_real: Amount
    opening_bonus: Amount
    closing_real: Amount
    closing_bonus: Amount


def report_statement(seen: Snapshot, filters: StatementFilters) -> Content:
    """Report what moved, one by one. Raises TooLongError."""
    opening = _balances_before(seen, filters, filters.at_or_after) if filters.at_or_after else {}
    balances, movements = dict(opening), Counter[str]()
    rows = []
    for position, event in _moved(seen, filters):
        before = balances.get(event.currency, Balance())
        after = balances[event.currency] = fold_balance([event], before)
        movements[event.currency] += 1
        rows.append(_row(position, event, before, after))
    totals = [
        StatementSum(
            currency,
            movements[currency],
            *(plain(each) for each in _kinds(opening.get(currency, Balance()))),
            *(plain(each) for each in _kinds(closing)),
        )
        for currency, closing in sorted(balances.items())
    ]
    left = _balances_before(seen, filters, filters.before or _NEVER)
    return Content(rows, totals, [*_reconciled(left, balances)])


def _moved(seen: Snapshot, filters: StatementFilters) -> list[tuple[int, Movement]]:
    """Read what moved in the time that is asked for, in its order."""
    begin = filters.at_or_after
    positions = select(
        seen,
        SQL.positions_between,
        int,
        filters,
        after_period=None if begin is None or begin - _FIRST < _PERIOD else begin - _PERIOD,
        limit=MOST_READ + 1,
    )
    readable(positions)
    found: list[tuple[int, Movement]] = []
    for start in range(0, len(positions), _AT_ONCE):
        for position, event in read_events(seen, positions[start : start + _AT_ONCE]):
            if is_bare(event):
                continue  # erased since; the balances are about to be made anew without
            if not isinstance(event, Movement):
                raise TypeError(f"the event at position {position} moves no money")
            is_within = (begin is None or event.timestamp >= begin) and (
                filters.before is None or event.timestamp < filters.before
            )
            if is_within and filters.currency in {None, event.currency}:
                found.append((position, event))
        whole(found)
    return sorted(found, key=lambda each: (each[1].timestamp, each[0]))


def _row(position: int, event: Movement, before: Balance, after: Balance) -> StatementRow:
    return StatementRow(
        as_datetime(event.timestamp),
        position,
        event.unique_id,
        TOPICS[kind_of(event)],
        getattr(event, "game_id", None),
        getattr(event, "round_id", None),
        getattr(event, "method", None),
        event.currency,
        plain(event.amount),
        plain(EXACT.subtract(after.real, before.real)),
        plain(EXACT.subtract(after.bonus, before.bonus)),
        plain(after.real),
        plain(after.bonus),
    )


def _balances_before(
    seen: Snapshot, filters: StatementFilters, moment: datetime
) -> dict[str, Balance]:
    if moment == _FIRST:
        return {}
    found = read_as_of(seen, filters.player_id, moment - _MOMENT)
    return {
        currency: balance
        for currency, balance in found.items()
        if filters.currency in {None, currency}
    }


def _kinds(balance: Balance) -> tuple[Decimal, Decimal]:
    return balance.real, balance.bonus


def _reconciled(left: Mapping[str, Balance], balances: Mapping[str, Balance]) -> Iterable[Check]:
    for kind in ("real", "bonus"):
        expected, found = (
            {currency: getattr(each, kind) for currency, each in known.items()}
            for known in (left, balances)
        )
        yield from checks(
            f"{kind}: opening + movements = closing, as balances have it", expected, found
        )
