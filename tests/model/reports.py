"""Reports as a person would add them up from the log, amounts as the service writes them."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model import reads
from tests.model.days import Days
from tests.model.log import Entry
from tests.model.values import Row, minus, total

Choose = Callable[[Entry], bool]
PLAYED = {"gameround", "rollback"}
FLAGGED_BEYOND = 3


def plain(amount: Decimal) -> str:
    """Write an amount without an exponent, trailing zeros or a minus on zero."""
    text = f"{amount:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def accounts(entries: Iterable[Entry], days: Days, first: date, end: date) -> list[Row]:
    """What was there, moved and was left, on each day from the first to before the end."""
    moved: dict[tuple[str, str], dict[date, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        if entry.event in reads.MONEY:
            whose = (entry.data["player_id"], entry.data["currency"])
            moved[whose][days.of(entry.at)].append(entry)
    rows = []
    for (player_id, currency), by_day in sorted(moved.items()):
        left = {"real": Decimal(0), "bonus": Decimal(0)}
        for day, found in sorted(by_day.items()):
            purses = {}
            for kind, opening in left.items():
                purses[kind], left[kind] = _purse(found, kind, opening)
            if first <= day < end:
                whose_day = {"player_id": player_id, "currency": currency, "day": day.isoformat()}
                rows.append({**whose_day, **purses})
    return rows


def _purse(entries: Sequence[Entry], kind: str, opening: Decimal) -> tuple[Row, Decimal]:
    def sum_of(choose: Choose) -> Decimal:
        return total(*(entry.amount for entry in entries if choose(entry)))

    def is_of(event: str, *, is_win: bool) -> Choose:
        return lambda each: (
            each.event == event
            and each.data["is_win"] is is_win
            and each.data["is_bonus"] is (kind == "bonus")
        )

    is_real = kind == "real"
    moves = {
        "deposits": sum_of(lambda each: is_real and each.event == "deposit"),
        "withdrawals": sum_of(lambda each: is_real and each.event == "withdraw"),
        "bets": sum_of(is_of("gameround", is_win=False)),
        "wins": sum_of(is_of("gameround", is_win=True)),
        "rolled_back": total(
            sum_of(is_of("rollback", is_win=False)), minus(sum_of(is_of("rollback", is_win=True)))
        ),
    }
    closing = total(
        opening,
        moves["deposits"],
        minus(moves["withdrawals"]),
        minus(moves["bets"]),
        moves["wins"],
        moves["rolled_back"],
    )
    row = {"opening": opening, **moves, "closing": closing}
    return {name: plain(amount) for name, amount in row.items()}, closing


def revenue(
    entries: Sequence[Entry], days: Days, first: date, end: date, group_by: Sequence[str]
) -> list[Row]:
    """What was bet and won by day or month, game, provider and currency."""
    providers = {row["game_id"]: row["provider"] for row in reads.games(entries)}
    groups: dict[tuple[tuple[str, Any], ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.event in PLAYED and first <= (day := days.of(entry.at)) < end:
            of = {
                "day": ("day", day.isoformat()),
                "month": ("month", f"{day:%Y-%m}"),
                "game": ("game_id", entry.data["game_id"]),
                "provider": ("provider", providers[entry.data["game_id"]]),
                "currency": ("currency", entry.data["currency"]),
            }
            groups[tuple(of[group] for group in of if group in group_by)].append(entry)
    rows = []
    for group, found in groups.items():
        sums = reads.activity(found, ("currency",), days=days)
        assert len(sums) == 1
        rows.append({**dict(group), **_played(sums[0])})
    return sorted(rows, key=lambda row: [str(row.get(name) or "") for name in _ORDER])


_ORDER = ("day", "month", "game_id", "provider", "currency")


def _played(activity: Row) -> Row:
    names = ("bet_real", "bet_bonus", "win_real", "win_bonus", "ggr_real", "ggr_bonus")
    counts = {name: activity[name] for name in ("rounds", "bets", "wins")}
    rtp = None if activity["rtp"] is None else _six_digits(activity["rtp"].value)
    return {**counts, **{name: plain(activity[name]) for name in names}, "rtp": rtp}


def _six_digits(ratio: Fraction) -> str:
    return plain(Decimal(round(ratio * 10**6)).scaleb(-6))


def statement(
    entries: Iterable[Entry],
    player_id: str,
    currency: str,
    at_or_after: datetime,
    before: datetime,
) -> list[Row]:
    """Each movement with the balance after it."""
    left = {"real": Decimal(0), "bonus": Decimal(0)}
    rows = []
    mine = [
        entry
        for entry in entries
        if entry.event in reads.MONEY
        and (entry.data["player_id"], entry.data["currency"]) == (player_id, currency)
    ]
    for entry in sorted(mine, key=lambda each: (each.at, each.position)):
        kind = "bonus" if entry.data.get("is_bonus") else "real"
        takes = {"deposit": False, "withdraw": True}.get(entry.event)
        if takes is None:
            takes = entry.data["is_win"] is (entry.event == "rollback")
        change = minus(entry.amount) if takes else entry.amount
        left[kind] = total(left[kind], change)
        if at_or_after <= entry.at < before:
            rows.append(
                {
                    "position": entry.position,
                    "unique_id": entry.unique_id,
                    "type": entry.type,
                    "amount": plain(entry.amount),
                    f"change_{kind}": plain(change),
                    "balance_real": plain(left["real"]),
                    "balance_bonus": plain(left["bonus"]),
                }
            )
    return rows


def open_rounds(entries: Sequence[Entry], begun_by: datetime) -> list[Row]:
    """What is at stake in rounds without a win or an end, the oldest first."""
    return [
        {
            "player_id": row["player_id"],
            "game_id": row["game_id"],
            "round_id": row["round_id"],
            "currency": sums["currency"],
            "bets": row["bet_count"],
            "stake_real": plain(sums["bet_real"]),
            "stake_bonus": plain(sums["bet_bonus"]),
        }
        for row in sorted(reads.rounds(entries), key=lambda each: each["first_at"])
        if row["status"] == "open" and row["first_at"] <= begun_by
        for sums in row["sums"]
    ]


def rtp(entries: Sequence[Entry], days: Days) -> list[Row]:
    """Returns to player, and their distance from what is expected in standard errors, about."""
    expected = {row["game_id"]: row for row in reads.games(entries)}
    rows = []
    for row in reads.activity(entries, ("game", "currency"), days=days):
        game = expected[row["game_id"]]
        bets = row["bets"] - row["rolled_back"]["bets"]
        bet = Fraction(total(row["bet_real"], row["bet_bonus"]))
        win = Fraction(total(row["win_real"], row["win_bonus"]))
        theoretical, volatility = game["theoretical_rtp"], game["volatility"]
        deviation = None
        if theoretical is not None and volatility and bets > 0 and bet > 0:
            error = float(volatility) / math.sqrt(bets)
            deviation = (float(win / bet) - float(theoretical)) / error
        rows.append(
            {
                "game_id": row["game_id"],
                "currency": row["currency"],
                "rounds": row["rounds"],
                "bets": row["bets"],
                "rtp": _six_digits(win / bet) if bet else None,
                "deviation": None if deviation is None else round(deviation, 2),
                "flagged": deviation is not None and abs(deviation) > FLAGGED_BEYOND,
            }
        )
    return rows
