"""Poolers: what is between us and PostgreSQL may give each transaction another session.

So there nothing of a session can be counted on: each transaction brings its settings, and a statement on its
own becomes such a transaction. What can't do without a session of its own refuses by name.

Whether something is between is told by the process that answers: it has another number than we were given
when we connected, as poolers give numbers of their own. What only passes bytes on is none. However a pooler
shares its sessions, each transaction is right by itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Self

import psycopg
from psycopg import sql

from postgres.session import SessionError

_IDLE = psycopg.pq.TransactionStatus.IDLE

Connection = psycopg.Connection[tuple[Any, ...]]

_FIRST = b"set transaction isolation level read committed, not deferrable;"
_ONLY_READS = "select current_setting('transaction_read_only') = 'on' and not pg_is_in_recovery()"
_SET = sql.SQL("select {}")
_ONE = sql.SQL("pg_catalog.set_config({}, {}, true)")

# A pooler says it by the same SQLSTATE as what mends itself, but in one language.
_REFUSED = (
    "unsupported startup parameter",
    "no such user",
    "no such database",
    "authentication failed",
)


class PoolerError(SessionError):
    """Something needs a session of its own, and a pooler gives none; the message names both."""

    def __init__(self, connection: Connection, what: str) -> None:
        """Say what needs it, as “migrating”, and where the connection leads."""
        info = connection.info
        super().__init__(
            f"the database {info.dbname!r} is reached through a pooler ({info.host}, port {info.port}), and"
            f" {what} needs a session of its own: name the server itself in the URL"
        )


class PoolableConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose transactions bring their settings, if it leads through a pooler."""

    settings_of_transactions: bytes | None = None
    """Statements that set them; None where the session has them for good."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Make one; psycopg does that when it has connected."""
        super().__init__(*arguments, **options)
        self.cursor_factory = _Cursor

    @contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002 (as psycopg has it)
    ) -> Iterator[psycopg.Transaction]:
        """Begin a transaction, or a savepoint in one."""
        is_first = self.info.transaction_status == _IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if is_first and self.settings_of_transactions is not None:
                _run(self, _FIRST + self.settings_of_transactions)
            yield transaction

    def of_its_own(self) -> AbstractContextManager[object]:
        """Make what is done in a block a transaction, if it is in none and needs one for its settings."""
        if self.settings_of_transactions is None or self.info.transaction_status != _IDLE:
            return nullcontext()
        return self.transaction()


class _Cursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor each of whose statements is in a transaction that has its settings."""

    def execute(self, *arguments: Any, **options: Any) -> Self:
        with _own(self.connection):
            return super().execute(*arguments, **options)

    def executemany(self, *arguments: Any, **options: Any) -> None:
        with _own(self.connection):
            super().executemany(*arguments, **options)

    @contextmanager
    def copy(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Copy]:
        with _own(self.connection), super().copy(*arguments, **options) as copy:
            yield copy


def _own(connection: Connection) -> AbstractContextManager[object]:
    if isinstance(connection, PoolableConnection):
        return connection.of_its_own()
    return nullcontext()


def is_refused_by_pooler(error: psycopg.OperationalError) -> bool:
    """Return whether a pooler refused a connection for what does not mend itself."""
    return any(words in str(error) for words in _REFUSED)


def is_pooled(connection: Connection) -> bool:
    """Return whether a connection leads through a pooler."""
    return (
        isinstance(connection, PoolableConnection)
        and connection.settings_of_transactions is not None
    )


def work_through_pooler(connection: Connection, settings: Mapping[str, str]) -> None:
    """Let each transaction of a connection bring its settings.

    Raises SessionError where the pooler gives no transaction a session for as long as it lasts, and where the
    role is not to write.
    """
    if not isinstance(connection, PoolableConnection):
        raise PoolerError(connection, "this connection")
    pairs = [_ONE.format(sql.Literal(name), sql.Literal(to)) for name, to in settings.items()]
    connection.settings_of_transactions = _SET.format(sql.SQL(", ").join(pairs)).as_bytes(
        connection
    )
    try:
        with connection.transaction():
            if connection.execute(_ONLY_READS).fetchone() == (True,):
                raise SessionError(
                    f"the role {connection.info.user!r} has default_transaction_read_only = on, which can't"
                    " be overruled through a pooler: reset it for role and database"
                )
    except psycopg.errors.ProtocolViolation as error:
        raise SessionError(
            f"the pooler before the database {connection.info.dbname!r} takes no transactions"
            f" ({error.diag.message_primary}): let it pool transactions or sessions, not statements"
        ) from None


def begin(connection: Connection, how: str) -> None:
    """Begin a transaction by a statement that says how, as `begin read only`. Raises psycopg.Error."""
    pooled = isinstance(connection, PoolableConnection) and connection.settings_of_transactions
    _run(connection, how.encode() + (b";" + pooled if pooled else b""))


def _run(connection: Connection, statements: bytes) -> None:
    """Run statements as they are, and in one message."""
    psycopg.Cursor(connection).execute(statements)


def require_session(connection: Connection, what: str) -> None:
    """Make sure that a connection keeps its session for `what`, as “migrating”. Raises PoolerError."""
    if is_pooled(connection):
        raise PoolerError(connection, what)
