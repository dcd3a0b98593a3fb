"""Recording a batch of messages as HTTP records one: the same decoding, transaction and register."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import structlog
from anyio import CapacityLimiter

from app.consuming.reading import Batch
from app.consuming.source import DeadLetter
from app.intake.beside import Beside
from app.intake.comparing import comparing
from app.intake.decoding import Decoded, Decoding
from app.intake.receipts import AnyOutcome
from app.intake.threads import in_thread
from app.limits.buckets import take
from app.limits.limiter import Amounts, Limiter, RateLimitedError
from app.limits.limits import WHOLE_TENANT, Bucket, buckets_of
from app.log.heads import StreamHeads
from app.recording import Outcome, commit
from app.refused import Register
from app.settings import Settings
from app.tenants import Tenant, TenantError, find_tenant
from app.wire.forms import Dialect, Form
from postgres.connections import Pool

log = structlog.get_logger()


class Read(NamedTuple):
    """A batch that is decoded."""

    batch: Batch
    decoded: Decoded


class Recorded(NamedTuple):
    """What became of a batch: how many items came out so, and the messages that can't be recorded."""

    counts: dict[AnyOutcome, int]
    letters: Sequence[DeadLetter]


class Recorder:
    """Records batches for one tenant, one after the other. For one event loop."""

    def __init__(self, pool: Pool, tenant: Tenant, settings: Settings, dialect: Dialect) -> None:
        """Record through `pool`."""
        self.tenant = tenant
        self._pool = pool
        self._form = Form(dialect, lenient=True)
        self._settings = settings
        self._beside = Beside()
        self._decoding = Decoding(self._beside, settings.max_event_bytes)
        self._hashed_by = comparing(self._beside)
        self._limiter = Limiter(partial(take, pool))
        self._buckets: Sequence[Bucket] = ()
        self._known_until_s = 0.0
        self._register = Register(pool)
        self._heads = StreamHeads()
        self._thread = CapacityLimiter(1)

    def new_batch(self, most_items: int) -> Batch:
        """Begin a batch."""
        most_bytes = self._settings.max_body_bytes
        return Batch(self._form.dialect, most_items=most_items, most_message_bytes=most_bytes)

    async def read(self, batch: Batch) -> Read:
        """Decode a batch. Raises one of `postgres.errors.UNAVAILABLE`, and TenantError for one that went."""
        await self._look_up()
        # That another batch is being recorded meanwhile is the rule.
        decoded = await self._decoding.decode(
            [batch.body], self.tenant, alone=False, form=self._form
        )
        return Read(batch, decoded)

    async def record(self, read: Read) -> Recorded:
        """Record a batch durably, and register what is left out of it.

        What is over the tenant's rate limit waits. Raises one of `postgres.errors.UNAVAILABLE`: then it may
        be recorded or not, and is to be tried again. Raises app.log.append.TenantClosedError, and
        UnknownTenantError.
        """
        batch, (prepared, left_out) = read.batch, (read.decoded.batch, read.decoded.left_out)
        await self._wait_for_limits(batch)
        counts: dict[AnyOutcome, int] = {}
        if prepared.keys:
            work = partial(
                commit, self._pool, self.tenant.tenant_id, prepared, self._heads, self._hashed_by
            )
            outcomes: Sequence[Outcome] = (await in_thread(work, self._thread)).outcomes
            counts |= {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
        counts["invalid"] = sum(bool(each.faults) for each in left_out)
        counts["ignored"] = len(left_out) - counts["invalid"]
        refused = [*left_out, *batch.poison()]
        if refused:
            register = partial(self._register.add, self.tenant.tenant_id, refused)
            await in_thread(register, self._thread)
        return Recorded(counts, batch.letters(left_out))

    def close(self) -> None:
        """Let go of what runs beside."""
        self._beside.close()

    async def _look_up(self) -> None:
        """Read again what may change of a tenant, as often as of a key."""
        if time.monotonic() < self._known_until_s:
            return
        found, self._buckets = await in_thread(self._find, self._thread)
        if found.tenant_id != self.tenant.tenant_id:
            raise TenantError(f"the tenant {self.tenant.name!r} was removed")
        self.tenant = found
        self._known_until_s = time.monotonic() + self._settings.key_cache_s

    def _find(self) -> tuple[Tenant, Sequence[Bucket]]:
        with self._pool.connection() as connection:
            found = find_tenant(connection, self.tenant.name)
            return found, buckets_of(connection, found.tenant_id, WHOLE_TENANT)

    async def _wait_for_limits(self, batch: Batch) -> None:
        while True:
            spent: Amounts = {"requests": 1, "items": batch.items, "bytes": batch.size_bytes}
            try:
                await self._limiter.spend(self._buckets, spent)
            except RateLimitedError as error:
                log.info(
                    "waiting for the tenant's rate limit", wait_s=error.wait_s, over=str(error)
                )
                await asyncio.sleep(error.wait_s)
            else:
                return
