"""What is on its way to the service: checked, spooled, and drained. Both clients have one."""

import logging
from collections.abc import Sequence
from pathlib import Path

from roundbook_client.checking import Checker
from roundbook_client.counters import Counters, Counting
from roundbook_client.dead_letters import DeadLetters
from roundbook_client.draining import Drainer
from roundbook_client.errors import NotAcknowledged, SpoolError
from roundbook_client.items import Item, Sendable
from roundbook_client.options import Options
from roundbook_client.service import Service
from roundbook_client.spool.records import Position, Record
from roundbook_client.spool.spool import Spool, Ticket

log = logging.getLogger("roundbook_client")

_DEAD_LETTERS = "dead-letters.ndjson"


class Outbox:
    """A spool, and the thread that drains it. Raises SpoolError where it can't be opened."""

    def __init__(self, folder: Path, service: Service, options: Options) -> None:
        """Open the spool in a folder, and send what it holds from before."""
        self._checker = Checker(options.currencies, options.max_event_bytes)
        self._counting = Counting()
        # The lock first: what is in the folder is another client's as long as that has it.
        self._spool = Spool(folder, options.max_spool_bytes)
        try:
            dead_letters = DeadLetters(
                Path(options.dead_letters or folder / _DEAD_LETTERS),
                self._spool.marks.spool_id,
                self._spool.marks.mark.acknowledged,
            )
            self._drainer = Drainer(
                service.async_client(options.timeout_s),
                dead_letters,
                self._counting,
                batch_items=options.batch_items,
                linger_s=options.linger_s,
                slow_retry_s=options.slow_retry_s,
            )
        except BaseException as error:
            self._spool.close()
            if isinstance(error, OSError):
                raise SpoolError(f"the file of dead letters can't be used: {error}") from error
            raise
        self._spool.tell = self._written
        self._drainer.start(self._spool)

    @property
    def counters(self) -> Counters:
        """What became of items since this was opened."""
        return self._counting.read()

    @property
    def problem(self) -> str | None:
        """Why nothing goes through at present; None if something does, or nothing is to be sent."""
        return self._drainer.problem

    @property
    def size_bytes(self) -> int:
        """How large the spool is."""
        return self._spool.size_bytes

    @property
    def log_position(self) -> int:
        """The greatest position that acknowledgements named, before a restart too."""
        return self._spool.marks.mark.log_position

    def check(self, items: Sendable | Sequence[Sendable]) -> list[Record]:
        """Write what is to be sent. Raises InvalidItems, TypeError."""
        # Nearly all that is no sequence is typed.
        if isinstance(items, Item) or not isinstance(items, Sequence) or isinstance(items, bytes):
            return self._checker.records([items])
        return self._checker.records(items)

    def put(self, records: Sequence[Record]) -> Ticket:
        """Take records in, to be committed. Raises SpoolFull, SpoolInUse, Closed."""
        return self._spool.put(records)

    def write(self, ticket: Ticket) -> None:
        """Return once it is known whether they are on the disk, which `commit` tells."""
        self._spool.write(ticket)

    def commit(self, ticket: Ticket) -> None:
        """Return once they are on the disk. Raises SpoolError."""
        self._spool.commit(ticket)

    def _written(self, items: int) -> None:
        self._counting.add(spooled=items)
        self._drainer.wake()

    def flush(self, timeout_s: float | None) -> int:
        """Return, once all that was spooled is acknowledged, up to which position it is in the log.

        Raises NotAcknowledged after `timeout_s`, which None is never, Closed and SpoolInUse.
        """
        self._spool.check_owner()
        sizes = self._spool.written().sizes
        ends = [Position(number, size_bytes) for number, size_bytes in sizes.items() if size_bytes]
        self._drainer.wait(max(ends, default=Position(0, 0)), timeout_s)
        return self.log_position

    def close(self, timeout_s: float) -> None:
        """Flush for so long at most, and let go of the spool: what is left is sent at the next start."""
        if self._spool.is_inherited:
            return  # it is the parent's, who goes on
        try:
            self.flush(timeout_s)
        except NotAcknowledged as error:
            log.warning("%s", error)
        finally:
            self._drainer.stop()
            self._spool.close()
