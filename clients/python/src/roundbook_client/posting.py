"""Sending one batch until every item of it is recorded, or refused for good."""

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import stamina
from httpx2 import AsyncClient, Response
from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from roundbook_client.checking import BODY
from roundbook_client.counters import Counting
from roundbook_client.dead_letters import DeadLetters, Refused
from roundbook_client.errors import AnsweredError
from roundbook_client.retrying import answered, delay_or_not
from roundbook_client.rules import Fault
from roundbook_client.spool.reading import Batch
from roundbook_client.spool.records import Position

EVENTS = "/api/v1/events"
_LONGEST_PAUSE_S = 30.0
_OUTCOMES = ("stored", "duplicate", "conflict")
_POINTER = re.compile(r"/items/(\d+)(.*)", re.ASCII | re.DOTALL)

log = logging.getLogger("roundbook_client")
_elements = Decoder(list[Raw]).decode


class _Invalid(Struct, frozen=True):
    errors: list[Fault]


_read_invalid = Decoder(_Invalid).decode


class _Part(NamedTuple):
    """Some items of a batch: where that begins, their indexes in it, and their texts."""

    batch: Position
    indexes: Sequence[int]
    texts: Sequence[bytes]


class Poster:
    """Sends batches to the service. For the event loop of the drainer."""

    def __init__(
        self,
        http: AsyncClient,
        dead_letters: DeadLetters,
        counting: Counting,
        report: Callable[[str | None], None],
        slow_retry_s: float,
    ) -> None:
        """Send with `http`; `report` is told why nothing goes through, and None as soon as something does."""
        self._http = http
        self._dead_letters = dead_letters
        self._counting = counting
        self._report = report
        self._slow_retry_s = slow_retry_s
        self.smallest_refused_bytes: int | None = None
        """The smallest body that was too large for the service."""
        self.log_position = 0
        """The greatest position that the service named."""

    async def send(self, batch: Batch) -> None:
        """Send a batch until every item of it is recorded or in the file of dead letters. Raises OSError."""
        content = b",".join(record.content for record in batch.records)
        answer = await self._post(BODY % content, batch.items)
        if not answer.is_success:
            texts = [bytes(text) for text in _elements(b"[%b]" % content)]
            await self._go_on(_Part(batch.begin, range(len(texts)), texts), answer)

    async def _send(self, part: _Part) -> None:
        if part.texts:
            answer = await self._post(BODY % b",".join(part.texts), len(part.texts))
            if not answer.is_success:
                await self._go_on(part, answer)

    async def _go_on(self, part: _Part, answer: Response) -> None:
        """Do what is left to do where a batch was too large (413), or had items with faults (422)."""
        batch, indexes, texts = part
        if answer.status_code == 422:
            faults = _faults_by_item(answer)
            self._set_aside(part, faults)
            left = [at for at in range(len(texts)) if at not in faults]
            await self._send(_Part(batch, [indexes[at] for at in left], [texts[at] for at in left]))
        elif len(texts) == 1:
            self._set_aside(part, {0: [Fault("", "too-large", answered(answer).problem.detail)]})
        else:
            middle = len(texts) // 2
            await self._send(_Part(batch, indexes[:middle], texts[:middle]))
            await self._send(_Part(batch, indexes[middle:], texts[middle:]))

    def _set_aside(self, part: _Part, faults: dict[int, list[Fault]]) -> None:
        refused = (Refused(part.indexes[at], part.texts[at], found) for at, found in faults.items())
        self._counting.add(refused=self._dead_letters.add(part.batch, refused))

    async def _post(self, body: bytes, items: int) -> Response:
        """Send until the service took it (204), or refused it for what it holds: 413, 422."""
        async for attempt in stamina.retry_context(
            on=self._pause, attempts=None, timeout=None, wait_max=_LONGEST_PAUSE_S
        ):
            with attempt:
                answer = await self._http.post(EVENTS, content=body)
                status = answer.status_code
                # Not every 204 is Roundbook's: only one that accounts for each item acknowledges them.
                is_taken = status == 204 and sum(_counts(answer).values()) == items
                is_refused = status == 413 or (status == 422 and _faults_by_item(answer))
                if not (is_taken or is_refused):
                    raise answered(answer)
        self._report(None)
        if is_taken:
            self._counting.add(**_counts(answer))
            said = answer.headers.get("log-position", "")
            self.log_position = max(self.log_position, int(said) if said.isdecimal() else 0)
        elif status == 413:
            known = self.smallest_refused_bytes or len(body)
            self.smallest_refused_bytes = min(known, len(body))
        return answer

    def _pause(self, error: Exception) -> bool | float:
        """Tell stamina when to try again, which is always: nothing is given up."""
        reason = str(error) or type(error).__name__
        self._report(reason)
        known = delay_or_not(error)
        if known is False and isinstance(error, AnsweredError):
            log.error("the service refuses what is sent, and is asked again: %s", reason)
            return self._slow_retry_s
        return known


def _faults_by_item(answer: Response) -> dict[int, list[Fault]]:
    """Sort the faults of a batch by the index of their item, at which their pointers then begin."""
    found: dict[int, list[Fault]] = {}
    with suppress(MsgspecError):
        for fault in _read_invalid(answer.content).errors:
            named = _POINTER.fullmatch(fault.pointer)
            if named is not None:
                below = Fault(named[2], fault.code, fault.detail)
                found.setdefault(int(named[1]), []).append(below)
    return found


def _counts(answer: Response) -> dict[str, int]:
    """Read what became of a batch: nothing, where who answered is no Roundbook."""
    said = {name: answer.headers.get(f"events-{name}", "") for name in _OUTCOMES}
    return {name: int(count) for name, count in said.items() if count.isdecimal()}
