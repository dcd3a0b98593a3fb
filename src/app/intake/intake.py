"""From a request's stream of bytes to a receipt, within budgets of memory and time."""

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
from anyio import CapacityLimiter, to_thread

from app.intake.budgets import Holding, HoldingBudget, WorkingBudget
from app.intake.decoding import Decoding
from app.intake.group_commit import GroupCommit
from app.recording import Recorded
from app.settings import Settings
from app.tenants import Tenant
from app.wire.body import BodyTooLargeError, decompress, most_encoded_bytes
from postgres.connections import Pool

_DECOMPRESSING_THREADS = 2


class BodyTooSlowError(Exception):
    """The body did not arrive in time."""


class Ingest:
    """Takes batches in. For one event loop."""

    def __init__(self, settings: Settings, pool: Pool, *, threads: int) -> None:
        """Record through `pool`, for `threads` tenants at once."""
        self._settings = settings
        self._holding = HoldingBudget(settings.max_inflight_bytes)
        self._working = WorkingBudget(settings.max_working_bytes)
        self._decompressing = CapacityLimiter(_DECOMPRESSING_THREADS)
        self._decoding = Decoding()
        self._commits = GroupCommit(pool, threads=threads, patience_s=settings.lock_timeout_s)

    async def take(
        self,
        chunks: AsyncIterator[bytes],
        declared_bytes: int,
        encoding: str,
        tenant: Tenant,
        *,
        admit: Callable[[int, int], Awaitable[None]] | None = None,
    ) -> Recorded:
        """Read, check and record a batch, which `admit` may refuse for the number of its items and bytes.

        Raises what `admit`, `app.wire.body.decompress`, `app.wire.items.decode_batch` and
        `app.recording.commit` raise, BodyTooSlowError and app.intake.budgets.OverBudgetError.
        """
        holding = Holding(self._holding)
        try:
            try:
                with anyio.fail_after(self._settings.body_timeout_s):
                    body = await self._read(chunks, declared_bytes, holding)
            except TimeoutError as error:
                raise BodyTooSlowError from error
            if encoding:
                encoded_bytes = len(body)
                body = await to_thread.run_sync(
                    decompress,
                    body,
                    encoding,
                    self._settings.max_body_bytes,
                    limiter=self._decompressing,
                )
                holding.add(max(0, len(body) - encoded_bytes))
            elif len(body) > self._settings.max_body_bytes:
                raise BodyTooLargeError(self._settings.max_body_bytes)
            async with self._working.share(tenant.tenant_id, len(body)):
                alone = self._working.at_work == 1
                batch = await self._decoding.decode(body, tenant, alone=alone)
                size_bytes = len(body)
                del body
                if admit is not None:
                    await admit(len(batch.keys), size_bytes)
                return await self._commits.record(tenant.tenant_id, batch)
        finally:
            holding.release()

    def close(self) -> None:
        """Let go of what it runs beside this process. To be called when nothing is taken in any more."""
        self._decoding.close()

    async def _read(
        self, chunks: AsyncIterator[bytes], declared_bytes: int, holding: Holding
    ) -> bytes:
        """Read what was sent, no more than can decompress to the limit."""
        limit_bytes = self._settings.max_body_bytes
        most_bytes = most_encoded_bytes(limit_bytes)
        if declared_bytes > most_bytes:
            raise BodyTooLargeError(limit_bytes)
        parts = []
        read_bytes = 0
        async for chunk in chunks:
            holding.add(len(chunk))
            read_bytes += len(chunk)
            if read_bytes > most_bytes:
                raise BodyTooLargeError(limit_bytes)
            parts.append(chunk)
        return b"".join(parts)
