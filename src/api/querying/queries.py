"""Answering queries: what is asked, the wait for a position, one snapshot, the answer with its position."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from litestar import Request, Response
from msgspec import Struct
from psycopg.errors import QueryCanceled

from api.http.accept import CSV, JSON, negotiate
from api.http.auth import key_id_of, log_id_of, tenant_of
from api.http.endings import at_end
from api.http.head_method import is_head
from api.http.leaving import WhileClientStays
from api.http.problems import ProblemError
from api.querying.answers import Found, answer_page
from api.querying.epochs import own_log
from api.querying.gaming_days import see_log
from api.querying.lanes import begin_stream, lane_of
from api.querying.listeners import Listeners
from api.querying.moments import Of
from api.querying.parameters import Asked, Fault, Query, invalid_parameters
from api.querying.positions import Awaited, Positions
from api.querying.reading import Reading
from api.querying.replica import ReplicaAwayError
from api.querying.tables import Find, Piece, Table
from app.log.append import head
from postgres.connections import Connection, Pool
from postgres.errors import UNAVAILABLE
from projections.reading import Snapshot, snapshot

F = TypeVar("F", bound=Struct)
K = TypeVar("K")
V = TypeVar("V")


class Queries:
    """Runs the queries of one request, each in one short read of the store.

    Each waits for its turn and, where one is asked for, for a position. It ends when the client leaves.
    """

    def __init__(
        self, primary: Reading, request: Request[Any, Any, Any], *, replica: Reading | None = None
    ) -> None:
        """Read for who asks by `request`, whose key was checked.

        From a replica, if there is one; what fails there, or what it does not have in time, from the primary,
        and then the rest of the request, too.
        """
        self._primary = primary
        self._reading = replica or primary
        self._request = request
        self._tenant_id = tenant_of(request).tenant_id
        self._key_id = key_id_of(request)
        self._lane = lane_of(request.scope)

    @property
    def pool(self) -> Pool:
        """The connections to read with."""
        return self._reading.pool

    @property
    def positions(self) -> Positions:
        """Where the logs and the read models are, from which is read."""
        return self._reading.positions

    @property
    def listeners(self) -> Listeners:
        """Those who follow a log there."""
        return self._reading.listeners

    @property
    def at_standby(self) -> bool:
        """Whether what is read there may be less than what was acknowledged."""
        return self._reading.is_standby

    def check_source(self) -> None:
        """Make sure that what was begun can go on where it is read from. Raises ReplicaAwayError."""
        if self._reading.replica is not None and not self._reading.replica.is_usable:
            raise ReplicaAwayError("the replica can't be read from any more")

    def open_stream(self) -> None:
        """Take note that what is read is the beginning of a stream, which lasts as long as the request.

        Raises ProblemError `too-many-streams`.
        """
        streams, whose = self._reading.streams, (self._tenant_id, self._key_id)
        streams.open(*whose)
        at_end(self._request.scope, lambda: streams.close(*whose))
        self._lane = begin_stream(self._request.scope)

    async def page(
        self,
        request: Request[Any, Any, Any],
        query: Query[F, K],
        find: Find[F, K],
        *,
        of: Of = "live",
    ) -> Response[Any]:
        """Answer a page of a collection, or in CSV all of it, as it is at one moment.

        A collection that is not `of` the read models is only ever added to.
        """
        asked = await read_request(request, query)
        if asked.media_type == CSV:
            return await self._table(asked, Table(query, asked, find), of)
        rows, position = await self._seen(
            asked,
            of,
            lambda seen: find(seen, asked.at_moments(seen.days).filters, asked.after, asked.limit),
        )
        return answer_page(query, asked, rows, position)

    async def _table(self, asked: Asked[F, K], table: Table[F, K], of: Of) -> Response[Any]:
        """Answer with all rows: those that one piece holds as any query, more as a stream."""
        scope = self._request.scope
        first, _ = await self._seen(asked, of, lambda seen: table.read(seen, None))
        if first.after is None or is_head(scope):
            return table.answer(first)
        self.open_stream()
        moments, reads = self._reading.moments, self._reading.reads
        moment = moments.keep(self._tenant_id, of)
        at_end(scope, lambda: moments.end(moment))

        async def read_on(after: K | None) -> Piece[K]:
            def read() -> Piece[K]:
                return moment.read(lambda seen: table.read(seen, after))

            piece = await reads.run(self._lane, self._key_id, read)
            if piece.after is None:
                moments.end(moment)
            return piece

        async with WhileClientStays(scope, self._request.receive):
            first = await read_on(None)
        if first.position < asked.at_least:
            raise await self._not_reached(Awaited(of, self._tenant_id), asked.at_least)
        return table.stream(self._request, first, read_on)

    async def _seen(
        self, asked: Asked[Any, Any], of: Of, read: Callable[[Snapshot], V]
    ) -> Found[V]:
        if of == "live":
            return await self.live(asked, read)
        return await self.logged(
            asked,
            lambda connection, position: read(see_log(connection, asked.tenant_id, position)),
        )

    async def live(
        self,
        asked: Asked[Any, Any],
        read: Callable[[Snapshot], V],
        *,
        by_key: bool = False,
    ) -> Found[V]:
        """Read from the live read models, in a thread.

        Raises ProblemError `read-models-behind`, and what `read` and the store raise.
        """

        def read_once() -> Found[V] | None:
            pool = self._reading.by_key if by_key else self.pool
            with snapshot(pool, asked.tenant_id) as seen:
                if seen.position < asked.at_least:
                    return None
                return Found(read(seen), seen.position)

        return await self._when_reached(Awaited("live", asked.tenant_id), asked.at_least, read_once)

    async def logged(
        self, asked: Asked[Any, Any], read: Callable[[Connection, int], V], *, after: int = 0
    ) -> Found[V]:
        """Read from the log, whose head is given to `read`, in a thread.

        Without a snapshot: nothing at or below the head that was read first will change. A client goes on
        `after` what it has, so a standby is waited for until it has that. Raises as `live` does.
        """

        def read_once() -> Found[V] | None:
            with self.pool.connection() as connection:
                position = head(connection, asked.tenant_id)
                if position < self._wanted(asked, after):
                    return None
                return Found(read(connection, position), position)

        awaited = Awaited("log", asked.tenant_id)
        return await self._when_reached(awaited, max(asked.at_least, after), read_once)

    def _wanted(self, asked: Asked[Any, Any], known: int) -> int:
        """Return which position there must be for an answer; at a standby also what the client knows."""
        return max(asked.at_least, known) if self._reading.is_standby else asked.at_least

    async def by_key(self, read: Callable[[Pool], V]) -> V:
        """Look something up by keys, in a thread. Raises what `read` and the store raise."""
        async with WhileClientStays(self._request.scope, self._request.receive):
            return await self._read(lambda: read(self._reading.by_key))

    async def at_primary(self, read: Callable[[Pool], V]) -> V:
        """Do the same where the service writes: of how it is now, a standby tells later."""
        self._reading = self._primary
        return await self.by_key(read)

    async def piece_by_key(self, read: Callable[[Pool], V]) -> V:
        """Do the same for a piece of a stream that was begun: who sends it hears when the client leaves."""
        return await self._read(lambda: read(self._reading.by_key))

    async def piece(self, read: Callable[[Pool], V], *, shared_as: Hashable | None = None) -> V:
        """Read a piece of a stream that was begun.

        What is `shared_as` the same is read once for all requests that ask for it at the same time.
        """

        async def make() -> V:
            return await self._read(lambda: read(self.pool))

        if shared_as is None:
            return await make()
        found: V = await self._reading.pieces.do((self._tenant_id, shared_as), make)
        return found

    async def at_position(
        self, asked: Asked[Any, Any], position: int, load: Callable[[Pool], V]
    ) -> Found[V]:
        """Load what the log told up to a position, in a thread. `at_least` waits for the log.

        Raises ProblemError where the log has not come that far, and as `live` does.
        """
        if asked.at_least > position:
            detail = f"must be at most {position}, as nothing after at_position is shown"
            raise invalid_parameters([Fault("at_least", "contradictory", detail)])

        def read_once() -> Found[V] | None:
            with self._reading.by_key.connection() as connection:
                last = head(connection, asked.tenant_id)
            if last < self._wanted(asked, position):
                return None
            if position > last:
                detail = f"must be at most {last}, the head of the log"
                raise invalid_parameters([Fault("at_position", "beyond_head", detail)])
            return Found(load(self._reading.by_key), position)

        return await self._when_reached(Awaited("log", asked.tenant_id), position, read_once)

    async def _when_reached(
        self, awaited: Awaited, at_least: int, read_once: Callable[[], Found[V] | None]
    ) -> Found[V]:
        async with WhileClientStays(self._request.scope, self._request.receive):
            return await self._once_reached(awaited, at_least, read_once)

    async def _once_reached(
        self, awaited: Awaited, at_least: int, read_once: Callable[[], Found[V] | None]
    ) -> Found[V]:
        deadline_s = time.monotonic() + self._reading.at_least_timeout_s
        while True:
            found = await self._read(read_once)
            if found is not None:
                return found
            left_s = deadline_s - time.monotonic()
            if left_s > 0 and await self.positions.reached(awaited, at_least, timeout_s=left_s):
                continue
            if self._reading is self._primary:
                raise await self._not_reached(awaited, at_least)
            self._reading = self._primary

    async def _not_reached(self, awaited: Awaited, at_least: int) -> ProblemError:
        """Tell what was waited for in vain: read models, or what the log itself does not have."""

        def read_once() -> int:
            with self.pool.connection() as connection:
                return head(connection, awaited.tenant_id)

        last = await self._read(read_once)
        if awaited.what == "live" and at_least <= last:
            detail = f"The read models are not at position {at_least} yet."
        else:
            detail = (
                f"The log is not at position {at_least} yet: it ends at {last}. Was it restored from a"
                " backup? Then what you know beyond its head is not in it, and its positions are given again."
            )
        return ProblemError("read-models-behind", detail, log_position=last)

    async def _read(self, read: Callable[[], V]) -> V:
        """Read, and once more from the primary what fails at a replica."""
        replica = self._reading.replica
        if replica is not None:
            try:
                return await self._reading.reads.run(self._lane, self._key_id, read)
            except QueryCanceled:
                raise
            except UNAVAILABLE as error:
                replica.failed(error)
                self._reading = self._primary
        return await self._reading.reads.run(self._lane, self._key_id, read)


async def read_request(
    request: Request[Any, Any, Any], query: Query[F, K], *, of: str = ""
) -> Asked[F, K]:
    """Read a query, which is answered in JSON, and in CSV if it has rows.

    `of` is what the path names, where cursors belong to that. Raises ProblemError: first 406, then 422, then
    409.
    """
    media_type = negotiate(request, query.offered)
    return await read_parameters(request, query, media_type=media_type, of=of)


async def read_parameters(
    request: Request[Any, Any, Any], query: Query[F, K], *, media_type: str = JSON, of: str = ""
) -> Asked[F, K]:
    """Read the parameters of a query for an answer of a media type.

    Dates are left to the snapshot that is read: by its days they are moments. Raises ProblemError:
    `invalid-parameters`, and `other-log` where it goes by what another log gave.
    """
    asked, logs = query.read(
        request.scope["query_string"],
        tenant_of(request).tenant_id,
        log_id_of(request),
        media_type=media_type,
        of=of,
    )
    return asked._replace(log_id=await own_log(request, logs))
