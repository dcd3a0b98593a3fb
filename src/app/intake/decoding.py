"""From bodies to prepared batches: in this process, or in the one beside it.

Decoding is the service's own largest share of a batch's cost, and Python lets one thread of a process compute
at a time: a thread that feeds PostgreSQL with one batch waits for a thread that decodes the next. What is not
in the form that clients commonly send costs more still, in long steps that no other thread can interrupt.
"""

from datetime import UTC, datetime
from functools import partial

from anyio import CapacityLimiter

from app.intake.beside import Beside
from app.intake.threads import in_thread
from app.recording.prepare import Prepared, prepare
from app.tenants import Tenant
from app.wire.items import (
    MAX_EVENT_BYTES,
    InvalidItemsError,
    TooManyItemsError,
    UncommonError,
    decode_batch,
)
from app.wire.json_text import NotJsonError

# A small body is read faster than a thread is asked to.
_SMALL_BYTES = 16_384

# What it costs to send a body to another process and the batch back is well below what that saves.
_LARGE_BYTES = 262_144

# JSON is taken apart in one step, in which no other thread computes: of so much it takes some milliseconds.
# 10,000 items of usual size are less.
_LARGEST_HERE_BYTES = 4 << 20

_THREADS = 2

_REFUSALS = (NotJsonError, TooManyItemsError, InvalidItemsError)


def decode(
    body: bytes,
    tenant: Tenant,
    max_event_bytes: int = MAX_EVENT_BYTES,
    *,
    common_only: bool = False,
) -> Prepared:
    """Read, check and prepare a batch. Raises as `app.wire.items.decode_batch` does."""
    items = decode_batch(
        body,
        currencies=tenant.allowed_currencies(),
        now=datetime.now(UTC),
        max_event_bytes=max_event_bytes,
        common_only=common_only,
    )
    return prepare(items)


class Decoding:
    """Decodes batches without holding up the event loop, in which it is to be used."""

    def __init__(self, beside: Beside, max_event_bytes: int) -> None:
        """Decode here or `beside`, items whose `data` has up to `max_event_bytes`."""
        self._beside = beside
        self._max_event_bytes = max_event_bytes
        self._threads = CapacityLimiter(_THREADS)

    async def decode(self, parts: list[bytes], tenant: Tenant, *, alone: bool) -> Prepared:
        """Decode a batch; `alone` says that this process works on no other. Raises as `decode` does.

        The parts of its body are put together where it is decoded, and stand as one in `parts` then.
        """

        def here(*, common_only: bool = False) -> Prepared:
            body = _whole(parts)
            return decode(body, tenant, self._max_event_bytes, common_only=common_only)

        size_bytes = sum(map(len, parts))
        if size_bytes <= _SMALL_BYTES:
            return here()
        if size_bytes >= _LARGE_BYTES:
            largest = size_bytes > _LARGEST_HERE_BYTES
            if largest or not alone:
                batch = await self._decode_beside(parts, tenant, patient=largest)
                if batch is not None:
                    return batch
            try:
                return await in_thread(partial(here, common_only=True), self._threads)
            except UncommonError:
                batch = await self._decode_beside(parts, tenant, patient=True)
            if batch is not None:
                return batch
        return await in_thread(here, self._threads)

    async def _decode_beside(
        self, parts: list[bytes], tenant: Tenant, *, patient: bool
    ) -> Prepared | None:
        decoded = await self._beside.run(
            _decode_or_refuse, parts, tenant, self._max_event_bytes, patient=patient
        )
        if decoded is None or isinstance(decoded, Prepared):
            return decoded
        try:
            raise decoded
        finally:
            del decoded


def _whole(parts: list[bytes]) -> bytes:
    """Put a body together, and let go of its parts."""
    if len(parts) != 1:
        parts[:] = [b"".join(parts)]
    return parts[0]


def _decode_or_refuse(
    parts: list[bytes], tenant: Tenant, max_event_bytes: int
) -> Prepared | Exception | None:
    """Decode a batch, or return why it is refused; None leaves whatever else happens to who asked."""
    try:
        return decode(_whole(parts), tenant, max_event_bytes)
    except _REFUSALS as refusal:
        return refusal
    except Exception:  # noqa: BLE001 (it will be raised once more where it is answered)
        return None
