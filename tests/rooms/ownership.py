"""Which room owns which tables, and the doors: statements that may read another room's.

SQL is not parsed: a table is a known name behind `from`, `join`, `into`, `update`, `copy` and the like. What
is put together from names at run time is not seen (the engine deletes and compares what the registry lists).
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from projections.models.registry import READ_MODELS


class Room(NamedTuple):
    """Files, by how their paths below `src` begin, and the tables that are theirs.

    `doors`: by statement, the tables of other rooms that it reads.
    """

    files: Sequence[str]
    tables: frozenset[str]
    doors: Mapping[str, frozenset[str]] = {}


def _tables(*names: str) -> frozenset[str]:
    return frozenset(names)


# Of read models that are more than one module.
_PARTS = {"balances": ["balance_periods", "balance_history"]}

# What adds given rows to a read model reads the row of its generation, so that a cluster sends it whole to
# the node of the tenant (tests/rooms/distributed.py).
_ADDING = {
    "activity": ["add_to_activity", "add_rolled_back"],
    "balances": ["add_to_balances", "add_to_balance_periods", "add_rolled_back"],
    "games": ["see_games", "update_games"],
    "players": ["see_players", "update_players"],
    "rounds": ["update_rounds"],
}

ROOMS = {
    "tenants": Room(
        ["app/tenants", "app/lives/"],
        _tables(
            *("tenants", "tenant_currencies", "api_keys", "key_uses"),
            *("closings", "removed_tenants", "removed_logs"),
        ),
        # With a key it is known for some seconds which log goes on, as it is whether the key is valid.
        {"find_key": _tables("histories"), "log_id_of": _tables("logs")},
    ),
    "log": Room(
        ["app/log/", "app/recording/", "app/conflicts", "app/refused"],
        _tables(
            *("events", "conflicts", "snapshots", "logs", "leaf_runs", "log_turns"),
            *("erased", "erased_conflicts", "holds", "histories", "history_heads", "refused_items"),
        ),
    ),
    "accesses": Room(["app/accesses"], _tables("accesses")),
    "relay": Room(
        ["app/relay/"],
        _tables("subscriptions"),
        {
            "grown_logs": _tables("leaf_runs"),
            # How far a subscription is only means something beside the head of its log.
            **{name: _tables("events", "tenants") for name in ("due", "due_alone")},
            **{name: _tables("tenants") for name in ("claim", "advance")},
            "list_subscriptions": _tables("events"),
            "how_subscriptions_are": _tables("events", "tenants"),
        },
    ),
    "limits": Room(["app/limits/"], _tables("rate_limits", "rate_buckets")),
    "evidence": Room(
        ["app/evidence/"],
        _tables(
            *("log_keys", "tiles", "checkpoints", "anchors", "sealing"),
            *("head_statements", "head_pages", "head_tiles"),
        ),
        {
            "grown_since": _tables("leaf_runs", "accesses"),
            "unsealed": _tables("logs", "events", "accesses"),
            "unsealed_alone": _tables("logs", "events", "accesses"),
            "unsealed_since": _tables("logs", "events"),
            "attested": _tables("logs"),
            "set_finding": _tables("logs"),
            "erased_outside": _tables("events", "erased"),
            "strays": _tables("leaf_runs", "logs"),
            "last_position": _tables("events"),
            "never_sealed": _tables("logs"),
            "sealed_size": _tables("logs"),
            "statuses": _tables("logs"),
            "sealed_log": _tables("logs"),
            "tenants_with_logs": _tables("logs"),
            "trees": _tables("logs"),
            "waiting": _tables("logs"),
            # Verifying is reading all that there is of a log.
            "rows_to_verify": _tables("events"),
            "versions_before": _tables("events"),
            "ends": _tables("events", "leaf_runs"),
            "recorded_hashes": _tables("leaf_runs"),
            "records_at": _tables("events"),
            "all_logs": _tables("logs"),
            "all_log_ids": _tables("logs"),
            "removed_logs": _tables("removed_logs"),
            "impossible_times": _tables("logs", "accesses", "holds", "conflicts", "tenants"),
            "accesses_between": _tables("accesses"),
            "number_of_accesses": _tables("accesses"),
            **{name: _tables("erased") for name in ("erased_between", "erased_by")},
        },
    ),
    # What a backup says of itself is read where it is.
    "backup": Room(
        ["app/backup/"],
        _tables(),
        {"logs_there": _tables("tenants", "logs", "events", "checkpoints")},
    ),
    "tracking": Room(
        ["projections/tracking", "projections/engine/", "projections/status"],
        _tables("tracking"),
        {
            # How far a generation is only means something beside the head of its log.
            "appended": _tables("leaf_runs"),
            "behind": _tables("events"),
            "behind_alone": _tables("events"),
            "claim": _tables("events", "day_rules"),
            # Which days a generation is made by.
            "live": _tables("day_rules"),
            "unkept": _tables("day_rules"),
            "status": _tables("events", "logs"),
            "waiting_since": _tables("events"),
            "progress": _tables("events"),
            # The library's tracking knows tenants by their names.
            "tenant_by_name": _tables("tenants"),
            "position_by_name": _tables("tenants"),
        },
    ),
    "days": Room(["projections/days."], _tables("day_rules"), {"live_rule": _tables("tracking")}),
    # What read models look up in the log, all of it by these three statements.
    "reading": Room(
        ["projections/reading"],
        _tables(),
        {name: _tables("events") for name in ("events_at", "events_by_key", "positions_by_key")},
    ),
    # An export reads what there is, the log and the read models alike.
    "exporting": Room(
        ["projections/exporting"],
        _tables(),
        {
            "copy_events": _tables("events"),
            "copy_transactions": _tables("transactions"),
            "copy_rounds": _tables("rounds", "events"),
            "copy_activity": _tables("activity", "events"),
            "copy_players": _tables("players"),
            "copy_players_since": _tables("players", "events"),
            "copy_games": _tables("games", "events"),
            "erased_since": _tables("events"),
        },
    ),
    **{
        name: Room(
            [f"projections/models/{part}." for part in (name, *_PARTS.get(name, ()))],
            frozenset(model.tables),
            {statement: _tables("tracking") for statement in _ADDING.get(name, ())},
        )
        for name, model in READ_MODELS.items()
    },
    # Reports put together what several read models say.
    "reports": Room(
        ["projections/reports/"],
        _tables(),
        {
            "account_days": _tables("balance_periods"),
            "account_sums": _tables("balance_periods"),
            "balances_of": _tables("balances"),
            "played_by_currency": _tables("activity"),
            "revenue": _tables("activity", "games"),
            "whole_revenue": _tables("activity", "games"),
            "positions_between": _tables("balance_periods"),
            "open_rounds": _tables("rounds"),
            "rtp": _tables("activity", "games"),
            # When something was recorded is known to the log alone.
            "last_position_by": _tables("events"),
            "late_days": _tables("balance_periods"),
            "late_positions": _tables("balance_periods"),
            "begun_days": _tables("balance_periods"),
            "day_sums": _tables("balance_periods"),
            "conflicts_between": _tables("conflicts"),
            "refused_between": _tables("refused_items"),
            "updates_between": _tables("events"),
            "winners": _tables("balance_periods"),
            "winning_positions": _tables("balance_periods"),
        },
    ),
    "migrations": Room(["postgres/migrate"], _tables("migrations")),
}

# Grants and the first steps stand side by side for all rooms of a side.
_WHOLE_SIDE = (
    *("app/grants.sql", "projections/grants.sql", "app/cluster"),
    *("app/migrations/", "projections/migrations/"),
)

_OURS = {"app", "projections", "postgres", "api"}

_NAMED = re.compile(r"^--\s*name:\s*(\w+).*$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")
_CREATED = re.compile(
    r"\bcreate (?:unlogged )?table (?:if not exists )?(?:roundbook\.)?(\w+)", re.IGNORECASE
)
_TABLE = r"(?:only\s+)?(?:roundbook\.)?(\w+)"
_ALIAS = r"(?:\s+(?:as\s+)?\w+)?"
_READ = re.compile(rf"\b(?:from|join|using)\s+{_TABLE}", re.IGNORECASE)
_LISTED = re.compile(rf"\bfrom\s+{_TABLE}{_ALIAS}((?:\s*,\s*{_TABLE}{_ALIAS})+)", re.IGNORECASE)
_WRITTEN = re.compile(
    rf"\b(?:insert\s+into|delete\s+from|update|copy|merge\s+into|truncate(?:\s+table)?|alter\s+table"
    rf"|create\s+table|drop\s+table|lock\s+table|on)\s+{_TABLE}\b(?!\.)",
    re.IGNORECASE,
)
_IS_SQL = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:select|insert|update|delete|with|copy|create|alter|drop|truncate|lock)\b",
    re.IGNORECASE,
)


class Fault(NamedTuple):
    """A statement that touches a table that is not its room's, and not by a door."""

    file: str
    statement: str
    table: str


def faults(src: Path) -> list[Fault]:
    """Find each such statement in a source tree, and each use of another room's statements."""
    return [*_foreign_tables(src, known_tables(src)), *_foreign_statements(src)]


def known_tables(src: Path) -> set[str]:
    """Name all tables: those that some step creates, and that of the steps themselves."""
    steps = [file.read_text() for file in src.rglob("*.sql")]
    return {table for step in steps for table in _CREATED.findall(step)} | {"migrations"}


def room_of(file: str) -> str | None:
    """Name the room of a file, by its path below `src`; None where it has no tables."""
    found = [name for name, room in ROOMS.items() if file.startswith(tuple(room.files))]
    assert len(found) <= 1, f"{file} is of the rooms {found}"
    return found[0] if found else None


def _foreign_tables(src: Path, known: set[str]) -> Iterator[Fault]:
    for path in sorted(src.rglob("*")):
        file = path.relative_to(src).as_posix()
        if path.suffix not in {".sql", ".py"} or file.startswith(_WHOLE_SIDE):
            continue
        name = room_of(file)
        room = ROOMS[name] if name else Room([], frozenset())
        texts = _statements(path) if path.suffix == ".sql" else _sql_in_python(path)
        for statement, text in texts:
            read, written = _touched(text, known)
            allowed = room.tables | room.doors.get(statement, frozenset())
            for table in sorted(read - allowed | written - room.tables):
                yield Fault(file, statement, table)


def _statements(path: Path) -> Iterator[tuple[str, str]]:
    before, *blocks = _NAMED.split(path.read_text())
    yield "", before
    yield from zip(blocks[::2], blocks[1::2], strict=True)


def _sql_in_python(path: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(path.read_text())
    inside = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for each in node.values
    }
    for node in ast.walk(tree):
        text = ""
        if isinstance(node, ast.JoinedStr):
            text = "".join(_text(each) or "{}" for each in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            text = _text(node)
        if _IS_SQL.match(text):
            yield f"line {getattr(node, 'lineno', 0)}", text


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        return node.value.decode(errors="replace")
    return ""


def _touched(text: str, known: set[str]) -> tuple[set[str], set[str]]:
    text = _COMMENT.sub("", text)
    read = set(_READ.findall(text))
    for _, more, *_ in _LISTED.findall(text):
        read |= set(re.findall(rf",\s*{_TABLE}", more))
    written = set(_WRITTEN.findall(text))
    return read & known, written & known


def _foreign_statements(src: Path) -> Iterator[Fault]:
    """Find modules that run the statements of another room: those have functions for it."""
    for path in sorted(src.rglob("*.py")):
        file = path.relative_to(src).as_posix()
        tree = ast.parse(path.read_text())
        imported: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    imported[each.asname or each.name] = f"{node.module}.{each.name}"
            elif isinstance(node, ast.Import):
                imported |= {each.asname or each.name: each.name for each in node.names}
        attributes = [
            imported.get(ast.unparse(node.value), "") + ".SQL"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr == "SQL"
        ]
        for where in [*imported.values(), *attributes]:
            module, _, name = where.rpartition(".")
            if name != "SQL" or module.partition(".")[0] not in _OURS:
                continue
            if room_of(module.replace(".", "/")) != room_of(file):
                yield Fault(file, f"SQL of {module}", "")
