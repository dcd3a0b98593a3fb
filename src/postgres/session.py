"""What a session with PostgreSQL is set to, whatever the environment, the database or the role says.

PostgreSQL takes settings from its own file, from the database, the role, the role in the database, the
connection string, and libpq's from the environment and service files. Some change what bytes mean, which
rows are found, or whether a commit lasts. Here is each of those: pinned, or, where only the server's
master may set it, checked and refused by name.
https://www.postgresql.org/docs/current/runtime-config.html
"""

from psycopg import Connection

from postgres.statements import Statement, Statements


class Sql(Statements):
    """Setting a session."""

    take_over: Statement


SQL = Sql(__file__)

MINIMUM_VERSION = 150_000

APPLICATION_NAME = "roundbook"
"""What the service's sessions are called in PostgreSQL."""

PINNED = {
    # Who acts is who connected: `alter role … set role` would have another's rights, until a RESET.
    "role": "none",
    "application_name": APPLICATION_NAME,  # by which the watchdog knows our sessions
    # What bytes mean, on their way in and out.
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "timezone_abbreviations": "Default",
    "bytea_output": "hex",
    "extra_float_digits": "1",  # as many digits as bring the same number back
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "xmlbinary": "base64",
    "xmloption": "content",
    # What our statements mean.
    "search_path": "roundbook, pg_temp",  # temporary tables last: none can stand before one of ours
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "escape_string_warning": "on",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "transform_null_equals": "off",
    # Which rows are found. Where row level security would hide some, the statement fails.
    "row_security": "off",
    "gin_fuzzy_search_limit": "0",  # else a random part of what an index finds
    # What a transaction sees, and that it may write. Under the tenant's lock the head must be read anew.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    # That a commit that was confirmed outlasts a crash.
    "synchronous_commit": "on",
    # How long a session may take. Zero: PostgreSQL does not end it.
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "60s",
    "exit_on_error": "off",
    # They find a client that is gone within half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "tcp_user_timeout": "30s",  # where it never acknowledges what it was sent
    "client_min_messages": "notice",  # `debug` sends a flood with each statement
    # How statements are planned. Ours are short: compiling them costs more than it brings. A way to rows that
    # somebody switched off, as one does to look for faults, must not be missing from our plans.
    "jit": "off",
    "plan_cache_mode": "auto",
    "constraint_exclusion": "partition",
    "enable_seqscan": "on",
    "enable_indexscan": "on",
    "enable_indexonlyscan": "on",
    "enable_bitmapscan": "on",
    "enable_nestloop": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "enable_hashagg": "on",
    "enable_sort": "on",
    "enable_incremental_sort": "on",
    "enable_material": "on",
    "enable_memoize": "on",
}

CHECKED = {
    "server_encoding": "UTF8",  # of the database: it must hold every character
    "fsync": "on",  # else a commit is lost with the power
    "session_replication_role": "origin",  # else the trigger that guards the log does not fire
    # Else pages that are damaged read as empty, or as whatever they hold.
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
    "track_activities": "on",  # else the watchdog sees nobody
    "track_counts": "on",  # else nothing is ever analyzed or vacuumed
}

CITUS = "citus.version"
"""A setting that is there where PostgreSQL has loaded Citus."""

_REMEDY = {
    "server_encoding": "make a database for Roundbook with `create database … encoding 'UTF8' template"
    " template0`, and move what is there with pg_dump"
}


class SessionError(Exception):
    """PostgreSQL does not have a setting that the service counts on; the message names it."""


def take_over(connection: Connection, **others: str) -> dict[str, str] | None:
    """Set a new connection's session to PINNED and to `others`, which come first, and check CHECKED.

    Where a pooler is between nothing is set but for this one statement: returns what each transaction is to
    set (else None). Raises SessionError, and psycopg.Error where PostgreSQL refuses.
    """
    version = connection.info.server_version
    if version < MINIMUM_VERSION:
        raise SessionError(f"PostgreSQL 15 or later is needed, not {_written(version)}")
    wanted = PINNED | others
    parameters = {
        "names": list(wanted),
        "values": list(wanted.values()),
        "checked": [*CHECKED, CITUS],
        "answering": connection.info.backend_pid,
    }
    found: dict[str, str | None] = dict(
        connection.execute(SQL.take_over.sql, parameters).fetchall()
    )
    for name, value in CHECKED.items():
        if found[name] != value:
            remedy = _REMEDY.get(
                name, "set it so for the server, or reset it for database and role"
            )
            raise SessionError(
                f"the database {connection.info.dbname!r} has {name} = {found[name]},"
                f" and Roundbook needs {value}: {remedy}"
            )
    if found[CITUS] is not None and wanted["plan_cache_mode"] != "auto":
        # A plan for any values goes to no node: Citus plans for the tenant at hand.
        wanted["plan_cache_mode"] = "auto"
        connection.execute("set plan_cache_mode = auto")
    if found["backend_pid"] == str(connection.info.backend_pid):
        return None
    return {name: value for name, value in wanted.items() if name in found}


def _written(version: int) -> str:
    """Write a version as people do: 14.2."""
    return f"{version // 10_000}.{version % 10_000}"
