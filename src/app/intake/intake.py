"""From a request's stream of bytes to a receipt, within budgets of memory and time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from traceback import clear_frames
from typing import NamedTuple

from anyio import CapacityLimiter

from app.intake.beside import Beside
from app.intake.comparing import comparing
from app.intake.decoding import Decoded, Decoding
from app.intake.group_commit import GroupCommit
from app.intake.holding import Holder, Holding, HoldingBudget
from app.intake.reading import read_body
from app.intake.receipts import Taken
from app.intake.threads import in_thread
from app.intake.working import WorkingBudget
from app.recording import foresee
from app.refused import Register
from app.settings import Settings
from app.tenants import Tenant
from app.wire.body import BodyTooLargeError, decompress
from app.wire.forms import PLAIN, Form
from postgres.connections import Pool

_DECOMPRESSING_THREADS = 2
_REGISTERING_THREADS = 2


Admit = Callable[[int, int], Awaitable[None]]
"""Lets a batch of so many items, none while they are not counted, and of so many bytes in, or raises."""


_Finish = Callable[[Tenant, Decoded], Awaitable[Taken]]


class Sent(NamedTuple):
    """What a request sends: its body as it comes and how long that is to be, and how it is to be read."""

    chunks: AsyncIterator[bytes]
    declared_bytes: int
    encoding: str
    form: Form = PLAIN


class Ingest:
    """Takes batches in. For one event loop."""

    def __init__(self, settings: Settings, pool: Pool, *, threads: int) -> None:
        """Record through `pool`, for `threads` tenants at once."""
        self._settings = settings
        self._holding = HoldingBudget(settings.max_inflight_bytes)
        self._unpacking = WorkingBudget(_DECOMPRESSING_THREADS)
        self._threads = CapacityLimiter(_DECOMPRESSING_THREADS)
        self._working = WorkingBudget(settings.max_working_bytes)
        self._beside = Beside()
        self._decoding = Decoding(self._beside, settings.max_event_bytes)
        self._hashed_by = comparing(self._beside)
        self._commits = GroupCommit(
            pool,
            threads=threads,
            patience_s=settings.lock_timeout_s,
            hashed_by=self._hashed_by,
        )
        self._pool = pool
        self._register = Register(pool)
        self._registering = CapacityLimiter(_REGISTERING_THREADS)

    async def take(
        self, sent: Sent, tenant: Tenant, key_id: int, *, admit: Admit | None = None
    ) -> Taken:
        """Read, check and record a batch, sent by a key of a tenant, which `admit` may refuse.

        Items that are left out are registered before this returns. Raises what `admit`,
        `app.intake.reading.read_body`, `app.wire.body.decompress`, `app.wire.forms.decode_form` and
        `app.recording.commit` raise.
        """
        return await self._work(sent, tenant, key_id, admit, self._record)

    async def check(
        self, sent: Sent, tenant: Tenant, key_id: int, *, admit: Admit | None = None
    ) -> Taken:
        """Tell what would become of a batch, and record nothing. Raises as `take` does."""
        return await self._work(sent, tenant, key_id, admit, self._foresee)

    async def _record(self, tenant: Tenant, decoded: Decoded) -> Taken:
        recorded = await self._commits.record(tenant.tenant_id, decoded.batch)
        if decoded.left_out:
            register = partial(self._register.add, tenant.tenant_id, decoded.left_out)
            await in_thread(register, self._registering)
        return Taken(recorded, decoded.left_out)

    async def _foresee(self, tenant: Tenant, decoded: Decoded) -> Taken:
        batch = decoded.batch
        work = partial(foresee, self._pool, tenant.tenant_id, batch, self._hashed_by)
        return Taken(await in_thread(work, self._registering), decoded.left_out)

    async def _work(
        self, sent: Sent, tenant: Tenant, key_id: int, admit: Admit | None, finish: _Finish
    ) -> Taken:
        holding = Holding(self._holding, Holder(tenant.tenant_id, key_id))
        try:
            return await self._read(sent, tenant, holding, admit, finish)
        except BaseException as error:
            # Or what was sent would live on, uncounted, until the client has read the answer.
            clear_frames(error.__traceback__)
            raise
        finally:
            holding.release()

    def close(self) -> None:
        """Let go of what it runs beside this process. To be called when nothing is taken in any more."""
        self._beside.close()

    async def _read(
        self, sent: Sent, tenant: Tenant, holding: Holding, admit: Admit | None, finish: _Finish
    ) -> Taken:
        parts = await read_body(sent.chunks, sent.declared_bytes, holding, self._settings)
        size_bytes = sum(map(len, parts))
        if sent.encoding:
            encoded_bytes = size_bytes
            parts = [await self._unpack(parts, sent.encoding, tenant)]
            size_bytes = len(parts[0])
            holding.add(max(0, size_bytes - encoded_bytes))
        elif size_bytes > self._settings.max_body_bytes:
            raise BodyTooLargeError(self._settings.max_body_bytes)
        if admit is not None:
            # What was sent counts whatever is in it, and is looked at only where it may be.
            await admit(0, size_bytes)
        async with self._working.share(tenant.tenant_id, size_bytes):
            alone = self._working.at_work == 1
            decoded = await self._decoding.decode(parts, tenant, alone=alone, form=sent.form)
            del parts
            if admit is not None:
                await admit(len(decoded.batch.keys) + len(decoded.left_out), size_bytes)
            return await finish(tenant, decoded)

    async def _unpack(self, parts: list[bytes], encoding: str, tenant: Tenant) -> bytes:
        work = partial(decompress, parts, encoding, self._settings.max_body_bytes)
        async with self._unpacking.share(tenant.tenant_id, 1):
            return await in_thread(work, self._threads)
