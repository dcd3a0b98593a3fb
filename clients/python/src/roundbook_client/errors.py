"""What can go wrong, as exceptions; each says in a sentence what and where."""

from collections.abc import Sequence

from msgspec import Struct

from roundbook_client.rules import Fault


class ClientError(Exception):
    """The client can't do what it was asked for."""


class InvalidItems(ClientError):  # noqa: N818 (what it says is what is wrong)
    """Items are not as the service wants them; nothing of what was given was spooled.

    `faults` are those that the service would name, with the same pointers (`/items/3/data/amount`; the first
    item is 0) and codes; at most the first 1,000 of 10,000 items.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults, of which there is one at least."""
        first = faults[0]
        more = f", and {len(faults) - 1:,} more faults" if len(faults) > 1 else ""
        super().__init__(
            f"{first.pointer}: {first.detail} ({first.code}){more}; nothing was spooled"
        )
        self.faults = list(faults)


class SpoolError(ClientError):
    """The spool's folder can't be used, or written to: nothing of what was given was spooled.

    Unless it says that this is not known; what is sent again is no more than a duplicate.
    """


class SpoolFull(SpoolError):  # noqa: N818 (as queue.Full)
    """There is no room below `max_bytes`: nothing was spooled. There is again as the service takes more."""


class SpoolInUse(SpoolError):  # noqa: N818 (what it says is what is wrong)
    """Another process has the spool open, or did before this one was forked: a spool is one process's."""


class Closed(ClientError):  # noqa: N818 (what it says is what is wrong)
    """The client is closed, was closed while it flushed, or was not entered yet."""


class NotAcknowledged(ClientError, TimeoutError):  # noqa: N818 (what it says is what is wrong)
    """The service did not take all in time. It stays in the spool, and is sent for as long as it takes."""


class AnsweredError(ClientError):
    """The service answered a query with a problem (RFC 9457), or a stranger answered in its place."""

    def __init__(self, status: int, problem: "Problem", retry_after_s: float | None = None) -> None:
        """Keep the status, the problem, and when to come back, in seconds, where the answer says so."""
        named = f" ({problem.type})" if problem.type else ""
        super().__init__(f"{status}: {problem.detail or problem.title or 'no reason given'}{named}")
        self.status = status
        self.problem = problem
        self.retry_after_s = retry_after_s


class OtherLog(AnsweredError):  # noqa: N818 (what it says is what is wrong)
    """What was followed is no longer what the log says: it was restored, or ends before the position.

    `problem.agreed_to` is the position up to which both are the same, None where that is not known. What was
    applied beyond it is to be taken back, before it is followed again with `problem.log_id`.
    """


class OutOfOrderError(ClientError):
    """After an event came one that is not the next: something on the way lost or doubled it."""


class ProblemFault(Struct, frozen=True):
    """One thing that is wrong with a request: with what a pointer says, or with a parameter."""

    code: str = ""
    detail: str = ""
    pointer: str = ""
    parameter: str = ""


class Problem(Struct, frozen=True):
    """What the service says went wrong; `type` is stable, for programs."""

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    request_id: str = ""
    errors: list[ProblemFault] = []
    log_id: str | None = None
    log_position: int | None = None
    agreed_to: int | None = None
