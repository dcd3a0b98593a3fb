"""The reports there are: their parameters, what they say, and how they are made."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from api.querying.parameters import Apart, Fault, Query
from api.reporting.report import Report
from projections.reading import Snapshot
from projections.reports.accounts import AccountDay, AccountFilters, AccountSum, report_accounts
from projections.reports.open_rounds import (
    OpenRound,
    OpenRoundFilters,
    OpenSum,
    report_open_rounds,
)
from projections.reports.restated import RestatedDay, RestatedFilters, report_restated
from projections.reports.revenue import RevenueFilters, RevenueRow, report_revenue
from projections.reports.rtp import RtpFilters, RtpRow, report_rtp
from projections.reports.shape import Content
from projections.reports.significant import (
    KINDS as SIGNIFICANT,
)
from projections.reports.significant import (
    SignificantFilters,
    SignificantRow,
    report_significant,
)
from projections.reports.statement import (
    StatementFilters,
    StatementRow,
    StatementSum,
    report_statement,
)

Make = Callable[[Snapshot, Any, datetime], Content]
"""Makes a report for some filters, now."""


class ReportKind(NamedTuple):
    """A report that can be asked for by its name."""

    name: str
    title: str
    about: str
    answer: type[Report[Any, Any]]
    query: Query[Any, None]
    make: Make
    by_key: bool = False
    """Whether it is of one player, whose rows are looked up by keys."""

    def example(self) -> Report[Any, Any]:
        """Return what the examples of its parameters get on the sample day, as it begins."""
        text = files("api.reporting").joinpath("examples", f"{self.name}.json").read_bytes()
        example: Report[Any, Any] = msgspec.json.decode(text, type=self.answer)
        return example


class AccountsReport(Report[AccountDay, AccountSum], frozen=True):
    """What moved in accounts, by gaming day."""


class RevenueReport(Report[RevenueRow, RevenueRow], frozen=True):
    """What was bet and won, and what that comes to."""


class StatementReport(Report[StatementRow, StatementSum], frozen=True):
    """What moved in the accounts of one player, one by one."""


class OpenRoundsReport(Report[OpenRound, OpenSum], frozen=True):
    """Rounds without a win or an end: the funds on game."""


class RtpReport(Report[RtpRow, RtpRow], frozen=True):
    """Returns to player beside those that are expected."""


class RestatedReport(Report[RestatedDay, RestatedDay], frozen=True):
    """Gaming days that changed after they had ended."""


class SignificantReport(Report[SignificantRow, SignificantRow], frozen=True):
    """What an auditor looks at first."""


_DAYS = {
    "from": ("Only gaming days that begin at this time or later.", "2025-01-15"),
    "to": ("Only gaming days that begin before this time.", "2025-01-16"),
}
_TIMES = {
    "from": ("Only what happened at this time or later.", "2025-01-15"),
    "to": ("Only what happened before this time.", "2025-01-16"),
}


def _query(
    name: str,
    filters: type[Struct],
    about: Mapping[str, tuple[str, object]],
    row: type[Struct],
    check: Callable[[Any], Fault | None] = lambda _: None,
    left_out: Callable[[Any], Collection[str]] = lambda _: (),
) -> Query[Any, None]:
    return Query(name, filters, about, row=row, check=check, left_out=left_out)


def _check_revenue(filters: RevenueFilters) -> Fault | None:
    if filters.adds_currencies:
        detail = (
            "must name currency unless one is asked for: amounts are never added across currencies"
        )
        return Fault("group_by", "adds_currencies", detail)
    if {"day", "month"} <= {*filters.group_by}:
        return Fault("group_by", "contradictory", "can't name both day and month")
    return None


KINDS = (
    ReportKind(
        "accounts",
        "Accounts by gaming day",
        "Of each player, currency and gaming day on which something moved: what was there, what moved, and"
        " what was left, real and bonus money apart. opening + deposits - withdrawals - bets + wins +"
        " rolled_back = closing. It is reconciled with the balances, and without `player_id` with what"
        " was played by game.",
        AccountsReport,
        _query(
            "accounts",
            AccountFilters,
            {
                **_DAYS,
                "player_id": ("Only accounts of this player.", "StQ-1"),
                "currency": ("Only accounts in this currency.", "EUR"),
            },
            AccountDay,
        ),
        lambda seen, filters, _: report_accounts(seen, filters),
    ),
    ReportKind(
        "revenue",
        "Revenue",
        "What was bet and won, net of rollbacks, and what that comes to: gross gaming revenue (`ggr`, bets"
        " minus wins) and return to player (`rtp`). The sum of the rows is reconciled with the whole.",
        RevenueReport,
        _query(
            "revenue",
            RevenueFilters,
            {
                **_DAYS,
                "group_by": (
                    (
                        "What to add up by: some of `day` or `month`, `game`, `provider` and `currency`,"
                        " separated by commas; `day,currency` where it is absent. It must name `currency`,"
                        " or a currency must be asked for."
                    ),
                    ["day", "currency"],
                ),
                "game_id": ("Only revenue in this game.", "btg/bonanza"),
                "provider": ("Only revenue in games of this provider.", Apart("Big Time Gaming")),
                "currency": ("Only revenue in this currency.", "EUR"),
            },
            RevenueRow,
            _check_revenue,
            lambda filters: filters.left_out,
        ),
        lambda seen, filters, _: report_revenue(seen, filters),
    ),
    ReportKind(
        "statement",
        "Statement of a player",
        "Each movement of one player in order of time, what it changed, and the balance in its currency after"
        " it; `totals` have what was there before and what was left, which is reconciled with the balances.",
        StatementReport,
        _query(
            "statement",
            StatementFilters,
            {
                "player_id": ("Whose statement.", "StQ-1"),
                "currency": ("Only movements in this currency.", "EUR"),
                **_TIMES,
            },
            StatementRow,
        ),
        lambda seen, filters, _: report_statement(seen, filters),
        by_key=True,
    ),
    ReportKind(
        "open-rounds",
        "Open rounds",
        "Rounds without a win or an end, the oldest first, and what is at stake in them: the funds on game,"
        " net of rollbacks, summed by currency in `totals`. `age_s` is from the first bet to `generated_at`.",
        OpenRoundsReport,
        _query(
            "open-rounds",
            OpenRoundFilters,
            {
                "older_than": (
                    "Only rounds whose first bet was so long ago, or longer: a whole number of s, m, h or d.",
                    "24h",
                ),
                "player_id": ("Only rounds of this player.", Apart("StQ-1")),
                "game_id": ("Only rounds of this game.", Apart("btg/bonanza")),
            },
            OpenRound,
        ),
        report_open_rounds,
    ),
    ReportKind(
        "rtp",
        "Return to player",
        "By game and currency the actual return to player, the theoretical one, and how far they are apart"
        " (`deviation`), in standard errors by the game's volatility and the number of bets: `flagged`"
        " beyond 3. It is null where the catalogue does not know what is expected of a game.",
        RtpReport,
        _query(
            "rtp",
            RtpFilters,
            {
                **_DAYS,
                "provider": ("Only games of this provider.", Apart("Big Time Gaming")),
                "beyond": (
                    "Only games that are farther off than so many standard errors.",
                    Apart(3),
                ),
            },
            RtpRow,
        ),
        lambda seen, filters, _: report_rtp(seen, filters),
    ),
    ReportKind(
        "significant",
        "Significant events",
        "In order of time: conflicts, late items (which were recorded when the gaming day on which they"
        " happened had ended), wins from a `threshold` on, in whatever currency, blocks and consents of"
        " players that changed, items that were refused, and keys that were made or revoked. The period is"
        " that in which wins happened, of late items that of their gaming days, of all others when they were"
        " recorded; so is `at`.",
        SignificantReport,
        _query(
            "significant",
            SignificantFilters,
            {
                **_TIMES,
                "kind": (
                    f"Only these kinds, separated by commas: some of {', '.join(SIGNIFICANT)}.",
                    ["win", "block", "consent"],
                ),
                "threshold": (
                    "From which amount on a win is significant. Absent: none is.",
                    50,
                ),
            },
            SignificantRow,
        ),
        report_significant,
    ),
    ReportKind(
        "restated",
        "Restated days",
        "Gaming days whose figures changed after they had ended: as they were known at the end of the day"
        " itself, or of `known_at` where that is later, as they are now, and the late events that make the"
        " difference, the first 100 by their unique_ids. known + changed = now.",
        RestatedReport,
        _query(
            "restated",
            RestatedFilters,
            {
                **_DAYS,
                "known_at": (
                    "As known at the end of this gaming day; of each day itself where it is absent.",
                    Apart("2025-01-20"),
                ),
            },
            RestatedDay,
        ),
        report_restated,
    ),
)
"""All of them."""
