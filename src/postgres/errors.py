"""Which errors mean that the store is out of reach or did not confirm, and which that nothing is left."""

import errno

import psycopg
from eventsourcing.persistence import OperationalError
from psycopg_pool import PoolTimeout

UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    PoolTimeout,
    # A server that became a standby, or gave up waiting for us.
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    # What PostgreSQL has no name for, such as a full quota (a full disk has one).
    psycopg.errors.InternalError_,
    # What the `eventsourcing` library's recorders raise in their place.
    OperationalError,
)
"""What is raised when the store can't be reached, or didn't confirm: to be tried again, no bug."""

# By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), whole classes by their
# first letters: the connection, resources, the operator's intervention, the system below, a standby, the
# server's patience with us, and what has no name.
_OF_THE_SERVER = ("08", "53", "57P", "58", "25006", "25P03", "25P04", "XX000")
_DATABASE_DROPPED = "57P04"

# No file, no memory, no room, and (EAGAIN) no process to be had.
_EXHAUSTED = {
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS),
    *(errno.ENOSPC, errno.EDQUOT, errno.EAGAIN),
}
# CPython has no type of its own for a thread or a lock that the system did not give.
_NO_THREAD = ("can't start new thread", "can't allocate lock")


def is_out_of_reach(error: BaseException) -> bool:
    """Return whether an error is about the store as a whole.

    The other errors of UNAVAILABLE, like a wait for a lock that was in vain or a value too large for an
    index, are about what was asked for: for another tenant the same statement may succeed.
    """
    if not isinstance(error, UNAVAILABLE):
        return False
    if isinstance(error, OperationalError) and error.__cause__ is not None:
        return is_out_of_reach(error.__cause__)
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(_OF_THE_SERVER)


def is_exhausted(error: BaseException) -> bool:
    """Return whether an error, or one that led to it, is that this process was given no more of something.

    No memory, thread, process or file is to be had, or a disk is full. It is no bug, and may be another
    time: what was asked for can be tried again.
    """
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, OSError) and error.errno in _EXHAUSTED:
            return True
        if isinstance(error, RuntimeError) and str(error).startswith(_NO_THREAD):
            return True
        error = error.__cause__ or error.__context__ or error
    return False


def mends_itself(sqlstate: str) -> bool:
    """Return whether a server that refused a connection for this reason may accept one later by itself.

    It may while it starts, recovers, shuts down or has no room for another. A wrong password, or a role
    or database that is not there, needs somebody.
    """
    return sqlstate.startswith(_OF_THE_SERVER) and sqlstate != _DATABASE_DROPPED
