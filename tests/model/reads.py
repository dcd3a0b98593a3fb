"""The read models (§3), each a plain walk over the log."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.model.days import UTC_DAYS, Days
from tests.model.log import Entry
from tests.model.shapes import CATALOGUE, FACETS, FLOWS, GROUPS, PROFILE, in_order
from tests.model.values import Ratio, Row, instant, minus, total

Entries = Sequence[Entry]
Key = tuple[str, ...]

MONEY = {"deposit", "withdraw", "gameround", "rollback"}
IF_UNKNOWN: dict[str, Any] = {
    "tags": [],
    "categories": [],
    "features": [],
    "themes": [],
    "device": "undefined",
    "has_freespins": "unknown",
}


def balances(entries: Entries, *, at_position: int | None, as_of: datetime | None) -> list[Row]:
    """Net flows per player and currency."""
    chosen = [
        entry
        for entry in entries
        if entry.event in MONEY
        and (at_position is None or entry.position <= at_position)
        and (as_of is None or entry.at <= as_of)
    ]
    groups = _grouped(chosen, "player_id", "currency")
    return in_order("balances", [_balance(key, members) for key, members in groups.items()])


def _balance(key: Key, entries: Entries) -> Row:
    deposits = [entry for entry in entries if entry.event == "deposit"]
    withdrawals = [entry for entry in entries if entry.event == "withdraw"]
    played = _of(entries, "gameround", "rollback")
    deposited = total(*(entry.amount for entry in deposits))
    withdrawn = total(*(entry.amount for entry in withdrawals))
    flows = _flows(played)
    bets, wins = _bets_and_wins(played)
    return {
        "player_id": key[0],
        "currency": key[1],
        "real": total(deposited, minus(withdrawn), minus(flows["bet_real"]), flows["win_real"]),
        "bonus": total(flows["win_bonus"], minus(flows["bet_bonus"])),
        "deposited": deposited,
        "withdrawn": withdrawn,
        **flows,
        "deposited_eur": total(*(entry.amount_eur or Decimal(0) for entry in deposits)),
        "counts": {
            "deposits": len(deposits),
            "withdrawals": len(withdrawals),
            "bets": len(bets),
            "wins": len(wins),
        },
        "rolled_back": _rolled_back(played),
    }


def rounds(entries: Entries) -> list[Row]:
    """Bets paired with wins, what was taken back of them, and ends."""
    of_rounds = _of(entries, "gameround", "rollback", "roundend")
    groups = _grouped(of_rounds, "player_id", "game_id", "round_id")
    return in_order("rounds", [_round(key, members) for key, members in groups.items()])


def _round(key: Key, entries: Entries) -> Row:
    bets, wins = _bets_and_wins(entries)
    ends = [entry.at for entry in _of(entries, "roundend")]
    by_currency = _grouped(_of(entries, "gameround", "rollback"), "currency")
    sums = [
        {
            "currency": currency,
            **flows,
            "net_real": total(flows["win_real"], minus(flows["bet_real"])),
            "net_bonus": total(flows["win_bonus"], minus(flows["bet_bonus"])),
            "rolled_back": _rolled_back(members),
        }
        for (currency,), members in sorted(by_currency.items())
        for flows in [_flows(members)]
    ]
    return {
        "player_id": key[0],
        "game_id": key[1],
        "round_id": key[2],
        "status": _status_of_round(entries),
        "mixed_currency": len(by_currency) > 1,
        "first_at": min(entry.at for entry in entries),
        "last_at": max(entry.at for entry in entries),
        "bet_count": len(bets),
        "win_count": len(wins),
        "ended_at": min(ends, default=None),
        "sums": sums,
        "bets": _played(bets, _taken_back(entries, is_win=False)),
        "wins": _played(wins, _taken_back(entries, is_win=True)),
    }


def _status_of_round(entries: Entries) -> str:
    bets, wins = _bets_and_wins(entries)
    back_bets, back_wins = _bets_and_wins(entries, "rollback")
    if back_bets + back_wins and len(back_bets) == len(bets) and len(back_wins) == len(wins):
        return "rolled_back"
    if _of(entries, "roundend") and not wins:
        return "settled"
    if bets:
        return "settled" if wins else "open"
    return "unmatched"


def _taken_back(entries: Entries, *, is_win: bool) -> dict[str, Entry]:
    """Find, by the unique_id that they refer to, the earliest of a round's rollbacks of bets or of wins."""
    found: dict[str, Entry] = {}
    for entry in sorted(_of(entries, "rollback"), key=_by_time):
        if entry.data["is_win"] is is_win and entry.data.get("reference") is not None:
            found.setdefault(entry.data["reference"], entry)
    return found


def _played(entries: Entries, taken_back: dict[str, Entry]) -> list[Row]:
    return [
        {
            "unique_id": entry.unique_id,
            "timestamp": entry.at,
            "amount": entry.amount,
            "currency": entry.data["currency"],
            "is_bonus": entry.data["is_bonus"],
            "position": entry.position,
            "rolled_back_by": by.unique_id if by else None,
            "rolled_back_at": by.at if by else None,
        }
        for entry in sorted(entries, key=_by_time)
        for by in [taken_back.get(entry.unique_id)]
    ]


SAME = ("player_id", "game_id", "round_id", "amount", "currency", "is_win", "is_bonus")


def rollbacks(entries: Entries) -> list[Row]:
    """Rollbacks, and what each takes back."""
    known = {entry.unique_id: entry for entry in entries}
    taken = _of(entries, "rollback")
    rows = [
        {
            **{name: entry.data[name] for name in SAME},
            "unique_id": entry.unique_id,
            "position": entry.position,
            "timestamp": entry.at,
            "amount": entry.amount,
            "reference": entry.data.get("reference"),
            "reason": entry.data.get("reason"),
            "status": _status_of_rollback(entry, known, taken),
        }
        for entry in taken
    ]
    return in_order("rollbacks", rows)


def _status_of_rollback(entry: Entry, known: dict[str, Entry], rollbacks: Entries) -> str:
    reference = entry.data.get("reference")
    if reference is None:
        return "unreferenced"
    if reference not in known:
        return "unmatched"
    others = [each for each in rollbacks if each.data.get("reference") == reference]
    if entry is not min(others, key=_by_time):
        return "repeated"
    meant = known[reference]
    same = meant.event == "gameround" and all(meant.data[name] == entry.data[name] for name in SAME)
    return "matched" if same else "mismatched"


def games(entries: Entries) -> list[Row]:
    """The catalogue: all games that any event names."""
    groups = _grouped(_of(entries, "game", "gameround", "rollback", "roundend"), "game_id")
    rows = [
        {"game_id": game_id, **_latest(_of(members, "game"), CATALOGUE), **_seen(members)}
        for (game_id,), members in groups.items()
    ]
    return in_order("games", rows)


def players(entries: Entries) -> list[Row]:
    """The profiles of all players that any event names."""
    groups = _grouped((entry for entry in entries if entry.event != "game"), "player_id")
    return in_order("players", [_player(key, members) for key, members in groups.items()])


def _player(key: Key, entries: Entries) -> Row:
    logins = _of(entries, "login")
    return {
        "player_id": key[0],
        **_latest(_of(entries, "player"), PROFILE),
        **_seen(entries),
        "last_login": max((entry.at for entry in logins), default=None),
        "logins": len(logins),
    }


def transactions(entries: Entries) -> list[Row]:
    """Deposits and withdrawals."""
    rows = [
        {
            "unique_id": entry.unique_id,
            "position": entry.position,
            "type": entry.event,
            "player_id": entry.data["player_id"],
            "timestamp": entry.at,
            "amount": entry.amount,
            "currency": entry.data["currency"],
            "method": entry.data["method"],
            "amount_eur": entry.amount_eur,
        }
        for entry in _of(entries, "deposit", "withdraw")
    ]
    return in_order("transactions", rows)


def facets(catalogue: Iterable[Row]) -> dict[str, list[Row]]:
    """The number of games with each value; a value counts once for a game, null never."""
    counts: dict[str, Counter[str]] = {facet: Counter() for facet in FACETS}
    for game in catalogue:
        for facet, member in FACETS.items():
            value = game[member]
            counts[facet].update(set(value) if isinstance(value, list) else {value} - {None})
    return {
        facet: [{"value": value, "count": count} for value, count in sorted(found.items())]
        for facet, found in counts.items()
    }


def activity(
    entries: Entries,
    group_by: Collection[str],
    *,
    currency: str | None = None,
    days: Days = UTC_DAYS,
) -> list[Row]:
    """Bets, wins and rounds by any of day, game and currency; never added across currencies."""
    if currency is None and "currency" not in group_by:
        raise ValueError("amounts are never added across currencies")
    members = [member for group, member in GROUPS.items() if group in group_by]
    groups: dict[Key, list[Entry]] = defaultdict(list)
    for entry in _of(entries, "gameround", "rollback"):
        if currency in {None, entry.data["currency"]}:
            groups[tuple(_cell(entry, days)[member] for member in members)].append(entry)
    rows = [
        {**dict(zip(members, key, strict=True)), **_activity(found, days)}
        for key, found in groups.items()
    ]
    return in_order("activity", rows)


def _cell(entry: Entry, days: Days) -> dict[str, str]:
    return {
        "day": days.of(entry.at).isoformat(),
        "game_id": entry.data["game_id"],
        "currency": entry.data["currency"],
    }


def _activity(entries: Entries, days: Days) -> Row:
    bets, wins = _bets_and_wins(entries)
    flows = _flows(entries)
    staked = Fraction(total(flows["bet_real"], flows["bet_bonus"]))
    returned = Fraction(total(flows["win_real"], flows["win_bonus"]))
    cells_of_rounds = {
        (*_cell(entry, days).values(), entry.data["player_id"], entry.data["round_id"])
        for entry in entries
    }
    return {
        "rounds": len(cells_of_rounds),
        "bets": len(bets),
        "wins": len(wins),
        **flows,
        "ggr_real": total(flows["bet_real"], minus(flows["win_real"])),
        "ggr_bonus": total(flows["bet_bonus"], minus(flows["win_bonus"])),
        "rtp": Ratio(returned / staked) if staked else None,
        "rolled_back": _rolled_back(entries),
    }


def _of(entries: Iterable[Entry], *events: str) -> list[Entry]:
    return [entry for entry in entries if entry.event in events]


def _grouped(entries: Iterable[Entry], *members: str) -> dict[Key, list[Entry]]:
    groups: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[tuple(entry.data[member] for member in members)].append(entry)
    return groups


def _bets_and_wins(entries: Entries, event: str = "gameround") -> tuple[list[Entry], list[Entry]]:
    return (
        [entry for entry in _of(entries, event) if not entry.data["is_win"]],
        [entry for entry in _of(entries, event) if entry.data["is_win"]],
    )


def _flows(played: Entries) -> dict[str, Decimal]:
    """Add up bets and wins, net of rollbacks."""
    sent, back = (_sums(_of(played, event)) for event in ("gameround", "rollback"))
    return {flow: total(sent[flow], minus(back[flow])) for flow in FLOWS}


def _sums(entries: Entries) -> dict[str, Decimal]:
    amounts: dict[str, list[Decimal]] = {flow: [] for flow in FLOWS}
    for entry in entries:
        side = "win" if entry.data["is_win"] else "bet"
        money = "bonus" if entry.data["is_bonus"] else "real"
        amounts[f"{side}_{money}"].append(entry.amount)
    return {flow: total(*found) for flow, found in amounts.items()}


def _rolled_back(entries: Entries) -> Row:
    bets, wins = _bets_and_wins(entries, "rollback")
    return {**_sums(_of(entries, "rollback")), "bets": len(bets), "wins": len(wins)}


def _by_time(entry: Entry) -> tuple[datetime, str]:
    return (entry.at, entry.unique_id)


def _latest(updates: Entries, members: Iterable[str]) -> Row:
    """Let each update in order of time overwrite what it names, then read what is left."""
    known: Row = {}
    for entry in sorted(updates, key=_by_time):
        known.update({member: entry.data[member] for member in members if member in entry.data})
    row = {
        member: IF_UNKNOWN.get(member) if known.get(member) is None else known[member]
        for member in members
    }
    for member in {"theoretical_rtp", "volatility"} & row.keys():
        number: Any = row[member]
        row[member] = None if number is None else Decimal(number.text)
    registered = row.get("registration_date")
    if registered is not None:
        row["registration_date"] = instant(registered)
    return row


def _seen(entries: Entries) -> Row:
    times = [entry.at for entry in entries]
    return {"first_seen": min(times), "last_seen": max(times)}
