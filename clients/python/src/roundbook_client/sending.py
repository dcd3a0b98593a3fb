"""What both clients have in common: an outbox, as long as they are open."""

from pathlib import Path

from roundbook_client.counters import Counters
from roundbook_client.errors import Closed
from roundbook_client.options import Options
from roundbook_client.outbox import Outbox
from roundbook_client.service import Service


class Sending:
    """A client of the service at `url`, in the name of `key`'s tenant.

    `spool` is a folder, of this client alone, in which items wait for the service; without one the client
    only asks. It is opened by `with`, or by `open`, and what it holds from before is sent from then on.
    """

    def __init__(
        self, url: str, *, key: str, spool: str | Path | None = None, options: Options | None = None
    ) -> None:
        """Keep what was told."""
        self._service = Service(url, key)
        self._options = options or Options()
        self._folder = None if spool is None else Path(spool)
        self._opened: Outbox | None = None

    def _open_outbox(self) -> None:
        if self._folder is not None and self._opened is None:
            self._opened = Outbox(self._folder, self._service, self._options)

    def _take_outbox(self) -> Outbox | None:
        outbox, self._opened = self._opened, None
        return outbox

    @property
    def _outbox(self) -> Outbox:
        if self._opened is None:
            why = "is not open" if self._folder else "was made without a spool, so it can't send"
            raise Closed(f"the client {why}")
        return self._opened

    @property
    def counters(self) -> Counters:
        """What became of items since the client was opened."""
        return self._outbox.counters

    @property
    def problem(self) -> str | None:
        """Why nothing goes through at present; None while all is well."""
        return self._outbox.problem

    @property
    def spool_bytes(self) -> int:
        """How large the spool is; what is acknowledged in its youngest segment is part of that."""
        return self._outbox.size_bytes

    @property
    def log_position(self) -> int:
        """Up to which position all that is acknowledged is in the log: `at_least` of queries."""
        return self._outbox.log_position
