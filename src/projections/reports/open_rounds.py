"""Open rounds: rounds without a win or an end, and what is at stake in them: the funds on game."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from domain.ids import Id
from domain.money import plain
from postgres.statements import Statement, Statements
from projections.entries import group_by
from projections.models.round_sums import decode_sums
from projections.reading import Amount, Snapshot, select
from projections.reports.shape import MOST_ROWS, Content, add, whole


class Sql(Statements):
    """Finding open rounds."""

    open_rounds: Statement


SQL = Sql(__file__)

_FIRST = datetime.min.replace(tzinfo=UTC)


class OpenRoundFilters(Struct, frozen=True):
    """Which rounds; `older_than` says for how long at least they have been open."""

    older_than: timedelta | None = None
    player_id: Id | None = None
    game_id: Id | None = None


class OpenRound(Struct, frozen=True):
    """What is at stake in a round in one currency, and for how long it has been open.

    `bets` are those of the round, whatever their currency.
    """

    player_id: str
    game_id: str
    round_id: str
    currency: str
    first_at: datetime
    last_at: datetime
    age_s: int
    bets: int
    stake_real: Amount
    stake_bonus: Amount


class OpenSum(Struct, frozen=True):
    """The funds on game in one currency."""

    currency: str
    rounds: int
    stake_real: Amount
    stake_bonus: Amount


class _Found(NamedTuple):
    player_id: str
    game_id: str
    round_id: str
    first_at: datetime
    last_at: datetime
    bet_count: int
    sums: str


def report_open_rounds(seen: Snapshot, filters: OpenRoundFilters, now: datetime) -> Content:
    """Report the rounds that are open, the oldest first. Raises TooLongError."""
    begun_by = None if filters.older_than is None else _before(now, filters.older_than)
    found = select(seen, SQL.open_rounds, _Found, filters, begun_by=begun_by, limit=MOST_ROWS + 1)
    whole(found)
    stakes = [
        (each, currency, stake)
        for each in found
        for currency, stake in sorted(decode_sums(each.sums).items())
    ]
    rows = [
        OpenRound(
            each.player_id,
            each.game_id,
            each.round_id,
            currency,
            each.first_at,
            each.last_at,
            max(int((now - each.first_at).total_seconds()), 0),
            each.bet_count,
            plain(stake.bet_real),
            plain(stake.bet_bonus),
        )
        for each, currency, stake in stakes
    ]
    totals = [
        OpenSum(
            currency,
            len(rounds),
            plain(add(*(stake.bet_real for stake in rounds))),
            plain(add(*(stake.bet_bonus for stake in rounds))),
        )
        for currency, rounds in sorted(
            group_by(
                (stake for _, _, stake in stakes), (currency for _, currency, _ in stakes)
            ).items()
        )
    ]
    return Content(rows, totals, [])


def _before(now: datetime, span: timedelta) -> datetime:
    return now - span if span < now - _FIRST else _FIRST
