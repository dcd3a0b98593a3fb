"""Who is asking: one API key per request, its tenant and its scopes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar

import anyio.to_thread
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope as ASGIScope

from api.http.head_method import is_head
from api.http.headers import LAST_EVENT_ID, joined
from api.http.log_ids import HISTORY_ID, LOG_ID
from api.http.problems import ProblemError
from api.http.rate_limits import limit_request, rate_limited
from api.http.shared import Shared
from api.http.starting import Asker, another_turn
from api.http.wrong_keys import TooManyWrongKeysError, WrongKeys, network
from app.accesses import AccessLog, NewAccess
from app.limits.limits import Bucket, buckets_of
from app.lives.uses import KeyUses
from app.log.histories import reading_id
from app.tenants import Key, KnownKey, Scope, Tenant, find_key
from postgres.connections import Pool

V = TypeVar("V")

HEADER = "x-api-key"
ANY: Literal["any"] = "any"
"""What stands in the place of a scope where every key will do."""

READ_ONLY = "read_only"
"""What of the application's state says that nothing can be written."""

_WRITES: frozenset[Scope] = frozenset({"ingest", "audit"})
"""The scopes whose requests are recorded themselves, or record something."""

_HEADER_NAME = HEADER.encode()
_REMEMBERED_KEYS = 10_000
_LONGEST_KEY = 200
_LONGEST_EVENT_ID = 100


class Remembered(NamedTuple):
    """What is known of a key, what limits it, and until when that is trusted."""

    known: KnownKey
    limits: tuple[Bucket, ...]
    until_s: float


class KeyRing:
    """Looks keys up, and trusts what it read for some seconds: no longer than a revocation may take.

    That a key is unknown is remembered for as long, so that the same one again costs no look-up.
    """

    def __init__(self, pool: Pool, *, trust_s: float) -> None:
        """Read through `pool`, trust an answer for `trust_s`."""
        self._pool = pool
        self._trust_s = trust_s
        self._known: OrderedDict[str, Remembered] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self._uses = KeyUses()
        self._looking_up: Shared[str, Remembered | None] = Shared()

    async def find(self, key: str) -> Remembered | None:
        """Look a key up, once for all who ask at the same time.

        Raises one of `postgres.errors.UNAVAILABLE`.
        """
        return await self._looking_up.do(key, lambda: self.find_anew(key))

    async def find_anew(self, key: str) -> Remembered | None:
        """Look a key up in a thread, from now on. Raises one of `postgres.errors.UNAVAILABLE`."""
        return await anyio.to_thread.run_sync(self.look_up, key)

    def remembered(self, key: str) -> Remembered | None:
        """Return what is known of a key without asking the store, if it is fresh enough."""
        with self._lock:
            found = self._known.get(key)
            return None if found is None or found.until_s < time.monotonic() else found

    def whose(self, key: str) -> tuple[int, int] | None:
        """Return the ids of the tenant and the key, if the key was found before, however long ago."""
        with self._lock:
            found = self._known.get(key)
        return None if found is None else (found.known.tenant.tenant_id, found.known.key.key_id)

    def is_unknown(self, key: str) -> bool:
        """Return whether a key is known to be unknown."""
        with self._lock:
            return self._unknown.get(key, 0.0) >= time.monotonic()

    def look_up(self, key: str) -> Remembered | None:
        """Ask the store. Raises one of `postgres.errors.UNAVAILABLE`."""
        until_s = time.monotonic() + self._trust_s
        with self._pool.connection() as connection:
            known = find_key(connection, key)
            limits = known and buckets_of(connection, known.tenant.tenant_id, known.key.key_id)
            if known is not None and known.key.is_valid(datetime.now(UTC)):
                self._uses.note(connection, known.key.key_id)
        with self._lock:
            self._known.pop(key, None)
            if known is None:
                _remember(self._unknown, key, until_s)
                return None
            self._unknown.pop(key, None)
            found = Remembered(known, limits or (), until_s)
            _remember(self._known, key, found)
        return found


def _remember(keys: OrderedDict[str, V], key: str, value: V) -> None:
    keys[key] = value
    while len(keys) > _REMEMBERED_KEYS:
        keys.popitem(last=False)


async def require_scope(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let a request in if its key has the scope that the route asks for (`opt["scope"]`).

    It must be within its limits, and with `audit` it is recorded first, in the log of accesses. A Litestar
    guard: decided before the body is looked at. Raises as `check_key` and `limit_request` do.
    """
    scope: Scope | Literal["any"] | None = handler.opt.get("scope")
    if scope is not None:
        limits = await check_key(connection, scope)
        _check_writes(connection, scope)
        if limits:
            await limit_request(connection, limits)
    if scope == "audit":
        await _record_access(connection)
        await another_turn(connection.scope)


def who_asks(ring: KeyRing, scope: ASGIScope) -> Asker:
    """Tell who asks by what is known already: whether the key is valid still, the guard finds out."""
    for name, value in scope["headers"]:
        if name == _HEADER_NAME:
            ids = ring.whose(value.decode("latin-1"))
            if ids is not None:
                return Asker(*ids)
    return Asker(None, network(address_of(scope)))


def address_of(scope: ASGIScope) -> str:
    """Return where a request comes from, as a proxy says it where one is trusted."""
    client = scope["client"]
    return client[0] if client else ""


async def check_key(
    connection: ASGIConnection[Any, Any, Any, Any], scope: Scope | Literal["any"]
) -> tuple[Bucket, ...]:
    """Make sure that a request's key is valid now and has a scope; a long answer asks more than once.

    Returns what limits the key. Raises ProblemError `forbidden`, which never tells what exists,
    `tenant-closed` for what is sent to a tenant that is closed, `rate-limited` where the address sent too
    many wrong keys, and one of `postgres.errors.UNAVAILABLE`.
    """
    found = await _find(connection)
    if scope != ANY and scope not in found.known.key.scopes:
        raise ProblemError("forbidden", f"The key does not have the scope {scope!r}.")
    if scope == "ingest" and found.known.tenant.closed_at is not None:
        raise closed(found.known.tenant)
    return found.limits


def closed(tenant: Tenant) -> ProblemError:
    """Return the refusal of what is sent for a tenant that is closed."""
    return ProblemError(
        "tenant-closed", f"The tenant {tenant.name} is closed: nothing was recorded."
    )


def tenant_of(request: Request[Any, Any, Any]) -> Tenant:
    """Return the tenant that a request's key speaks for; a dependency of the routes behind the guard."""
    tenant: Tenant = request.scope["state"]["tenant"]
    return tenant


def key_id_of(request: Request[Any, Any, Any]) -> int:
    """Return the id of a request's key."""
    return key_of(request).key_id


def key_of(request: Request[Any, Any, Any]) -> Key:
    """Return what is known of a request's key."""
    key: Key = request.scope["state"]["key"]
    return key


def log_id_of(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the id of that tenant's log, as it was found with the key: some seconds old at most."""
    log_id: bytes = connection.scope["state"][LOG_ID]
    return log_id


def name_log(connection: ASGIConnection[Any, Any, Any, Any], log_id: bytes) -> bytes:
    """Return what the log with this id is called in the answer of a request, and keep that beside it."""
    state = connection.scope["state"]
    named = reading_id(log_id, state[HISTORY_ID])
    state[LOG_ID] = named
    return named


async def look_up_log_id(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the same as the store says it now.

    Raises ProblemError `forbidden`, and one of `postgres.errors.UNAVAILABLE`.
    """
    await _find(connection, anew=True)
    return log_id_of(connection)


def _check_writes(
    connection: ASGIConnection[Any, Any, Any, Any], scope: Scope | Literal["any"]
) -> None:
    """Raise ProblemError `read-only` for what must be written, or recorded first, where that can't be."""
    if connection.app.state[READ_ONLY] and scope in _WRITES:
        detail = (
            "Nothing can be recorded on this host, which reads from a standby. Send it to a host that writes."
            if scope == "ingest"
            else "With the scope audit each request is recorded before it is answered, which can't be on this"
            " host, which reads from a standby. Ask a host that writes."
        )
        raise ProblemError("read-only", detail)


async def _record_access(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    scope: Any = connection.scope
    accesses: AccessLog = connection.app.state.accesses
    access = NewAccess(
        key_id=scope["state"]["key_id"],
        method="HEAD" if is_head(scope) else scope["method"],
        path=_as_sent(scope["raw_path"]),
        query=_as_sent(scope["query_string"]),
        # One that is fit is whole; what is longer is refused, and need not be kept.
        last_event_id=_as_sent(joined(connection.headers, LAST_EVENT_ID).encode())[
            :_LONGEST_EVENT_ID
        ],
    )
    await accesses.record(scope["state"]["tenant"].tenant_id, access)


def _as_sent(text: bytes) -> str:
    """Write what HTTP allows to be ASCII alone as it was sent, and all else so that any store takes it."""
    return text.decode("ascii", "backslashreplace").replace("\0", "\\x00")


async def _find(
    connection: ASGIConnection[Any, Any, Any, Any], *, anew: bool = False
) -> Remembered:
    """Find a request's key, valid now, and keep in the request's state whose it is."""
    try:
        known = (found := await _valid(connection, anew=anew)).known
    except ProblemError:
        wrong_keys: WrongKeys = connection.app.state.wrong_keys
        await wrong_keys.refuse_late(address_of(connection.scope), connection.scope)
        raise
    state = connection.scope["state"]
    state["tenant"] = known.tenant
    state["key_id"] = known.key.key_id
    state["key"] = known.key
    state[HISTORY_ID] = known.history_id
    state[LOG_ID] = reading_id(known.log_id, known.history_id)
    return found


async def _valid(connection: ASGIConnection[Any, Any, Any, Any], *, anew: bool) -> Remembered:
    """Find a request's key, valid now, or raise ProblemError."""
    text = joined(connection.headers, HEADER)
    if not text:
        raise ProblemError("forbidden", f"The header {HEADER} is missing.")
    ring: KeyRing = connection.app.state.key_ring
    found = None if anew else ring.remembered(text)
    if found is None and len(text) <= _LONGEST_KEY and not ring.is_unknown(text):
        found = await _look_up(connection, ring, text, ring.find_anew if anew else ring.find)
        await another_turn(connection.scope)
    if found is None or not found.known.key.is_valid(datetime.now(UTC)):
        raise ProblemError("forbidden", "The key is unknown, expired or revoked.")
    return found


async def _look_up(
    connection: ASGIConnection[Any, Any, Any, Any],
    ring: KeyRing,
    text: str,
    look_up: Callable[[str], Awaitable[Remembered | None]],
) -> Remembered | None:
    """Look a key up, in its turn where its address sent wrong ones. Who was right before goes on.

    All clients of a proxy have its address, so nobody waits for it but with a key that is new here. Raises
    ProblemError `rate-limited` where too many wait.
    """
    if ring.whose(text) is not None:
        return await look_up(text)
    wrong_keys: WrongKeys = connection.app.state.wrong_keys
    address = address_of(connection.scope)
    try:
        async with wrong_keys.turn(address, connection.scope):
            # What is known by now.
            found = ring.remembered(text)
            if found is None and not ring.is_unknown(text):
                found = await look_up(text)
                if found is None:
                    wrong_keys.count(address)
            return found
    except TooManyWrongKeysError as error:
        detail = "Too many unknown keys came from this address; try again."
        raise rate_limited("wrong-keys", detail, error.wait_s) from None
