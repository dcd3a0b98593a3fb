"""From bodies to prepared batches: in this process, or in the one beside it.

Decoding is the service's own largest share of a batch's cost, and Python lets one thread of a process compute
at a time: a thread that feeds PostgreSQL with one batch waits for a thread that decodes the next. What is not
in the form that clients commonly send costs more still, in long steps that no other thread can interrupt.
"""

from datetime import UTC, datetime

from anyio import CapacityLimiter
from msgspec import Struct

from app.intake.beside import Beside
from app.intake.threads import in_thread
from app.recording.prepare import Prepared, prepare
from app.tenants import Tenant
from app.wire.forms import PLAIN, Form, LeftOut, decode_form
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


class Decoded(Struct, frozen=True):
    """A batch that is ready for the log, and the items that are left out of it."""

    batch: Prepared
    left_out: list[LeftOut] = []


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


def decode_as(body: bytes, tenant: Tenant, max_event_bytes: int, form: Form) -> Decoded:
    """Do the same of a batch in any form. Raises as `app.wire.forms.decode_form` does."""
    if form == PLAIN:
        return Decoded(decode(body, tenant, max_event_bytes))
    items, left_out = decode_form(
        body,
        form,
        currencies=tenant.allowed_currencies(),
        now=datetime.now(UTC),
        max_event_bytes=max_event_bytes,
    )
    return Decoded(prepare(items), left_out)


class Decoding:
    """Decodes batches without holding up the event loop, in which it is to be used."""

    def __init__(self, beside: Beside, max_event_bytes: int) -> None:
        """Decode here or `beside`, items whose `data` has up to `max_event_bytes`."""
        self._beside = beside
        self._max_event_bytes = max_event_bytes
        self._threads = CapacityLimiter(_THREADS)

    async def decode(
        self, parts: list[bytes], tenant: Tenant, *, alone: bool, form: Form = PLAIN
    ) -> Decoded:
        """Decode a batch; `alone` says that this process works on no other. Raises as `decode_as` does.

        The parts of its body are put together where it is decoded, and stand as one in `parts` then.
        """

        def here() -> Decoded:
            return decode_as(_whole(parts), tenant, self._max_event_bytes, form)

        def common_here() -> Decoded:
            body = _whole(parts)
            return Decoded(decode(body, tenant, self._max_event_bytes, common_only=True))

        size_bytes = sum(map(len, parts))
        if size_bytes <= _SMALL_BYTES:
            return here()
        if size_bytes >= _LARGE_BYTES:
            largest = size_bytes > _LARGEST_HERE_BYTES
            if largest or not alone:
                decoded = await self._decode_beside(parts, tenant, form, patient=largest)
                if decoded is not None:
                    return decoded
            if form.dialect == "events":
                try:
                    return await in_thread(common_here, self._threads)
                except UncommonError:
                    pass
            decoded = await self._decode_beside(parts, tenant, form, patient=True)
            if decoded is not None:
                return decoded
        return await in_thread(here, self._threads)

    async def _decode_beside(
        self, parts: list[bytes], tenant: Tenant, form: Form, *, patient: bool
    ) -> Decoded | None:
        decoded = await self._beside.run(
            _decode_or_refuse, parts, tenant, self._max_event_bytes, form, patient=patient
        )
        if decoded is None or isinstance(decoded, Decoded):
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
    parts: list[bytes], tenant: Tenant, max_event_bytes: int, form: Form
) -> Decoded | Exception | None:
    """Decode a batch, or return why it is refused; None leaves whatever else happens to who asked."""
    try:
        return decode_as(_whole(parts), tenant, max_event_bytes, form)
    except _REFUSALS as refusal:
        return refusal
    except Exception:  # noqa: BLE001 (it will be raised once more where it is answered)
        return None
