"""The last versions of a log's streams, remembered from one commit to the next."""

from collections.abc import Sequence

from app.log.statements import SQL
from postgres.connections import Connection
from postgres.rows import fetch_pairs

_REMEMBERED_STREAMS = 100_000
_LONGEST_CATCH_UP = 20_000


class StreamHeads:
    """What a writer knows of one tenant's streams as of a position of its log.

    Other writers may have gone on since: what they did is read from the log, under its lock. For one
    writer at a time.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._as_of = 0
        self._versions: dict[str, int] = {}
        self._pending: dict[str, int] = {}
        self.expects_new = False
        """Whether the last batch held nothing that was recorded before: the next may be like it."""

    def forget(self) -> None:
        """Know nothing any more, and expect nothing."""
        self._as_of = 0
        self._versions = {}
        self.expects_new = False

    def next_versions(
        self, connection: Connection, tenant_id: int, head: int, streams: Sequence[str]
    ) -> list[int]:
        """Give each new event of these streams, in order, its version: the last one plus one.

        To be called within `locked_log`, with the log's head; `advance` makes it known for the next.
        """
        self._catch_up(connection, tenant_id, head)
        pending: dict[str, int] = {}
        missing = [stream for stream in dict.fromkeys(streams) if stream not in self._versions]
        if missing and head:
            parameters = {"tenant_id": tenant_id, "streams": missing}
            found = fetch_pairs(connection, SQL.stream_heads, parameters, "stream", int)
            pending = {stream: version or 0 for stream, version in found}
        versions = []
        for stream in streams:
            version = pending.get(stream)
            if version is None:
                version = self._versions.get(stream, 0)
            version += 1
            pending[stream] = version
            versions.append(version)
        self._pending = pending
        return versions

    def advance(self, head: int, *, expects_new: bool) -> None:
        """Know what was just committed; the log's head is now `head`."""
        if len(self._versions) > _REMEMBERED_STREAMS:
            self._versions = {}
        self._versions |= self._pending
        self._as_of = head
        self.expects_new = expects_new

    def _catch_up(self, connection: Connection, tenant_id: int, head: int) -> None:
        """Learn what other writers appended since."""
        if head == self._as_of:
            return
        # A log that is shorter than it was is another one: the database was restored meanwhile.
        if not self._as_of or not 0 < head - self._as_of <= _LONGEST_CATCH_UP:
            self._versions = {}
            return
        parameters = {"tenant_id": tenant_id, "after": self._as_of}
        self._versions |= fetch_pairs(connection, SQL.heads_since, parameters, "stream", int)
