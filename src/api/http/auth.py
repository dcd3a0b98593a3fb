"""Who is asking: one API key per request, its tenant and its scopes."""

import threading
import time
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import anyio.to_thread
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from api.http.head_method import is_head
from api.http.headers import LAST_EVENT_ID, joined
from api.http.log_ids import LOG_ID
from api.http.problems import ProblemError
from api.http.shared import Shared
from app.accesses import AccessLog, NewAccess
from app.tenants import KnownKey, Scope, Tenant, find_key
from postgres.connections import Pool

HEADER = "x-api-key"
_REMEMBERED_KEYS = 10_000
_LONGEST_KEY = 200
_LONGEST_EVENT_ID = 100


class KeyRing:
    """Looks keys up, and trusts what it read for some seconds: no longer than a revocation may take."""

    def __init__(self, pool: Pool, *, trust_s: float) -> None:
        """Read through `pool`, trust an answer for `trust_s`."""
        self._pool = pool
        self._trust_s = trust_s
        self._known: OrderedDict[str, tuple[float, KnownKey]] = OrderedDict()
        self._lock = threading.Lock()
        self._looking_up: Shared[str, KnownKey | None] = Shared()

    async def find(self, key: str) -> KnownKey | None:
        """Return what is remembered of a key, or look it up, once for all who ask at the same time.

        Raises one of `postgres.errors.UNAVAILABLE`.
        """
        known = self.remembered(key)
        if known is not None:
            return known
        return await self._looking_up.do(key, lambda: self.look_up_anew(key))

    async def look_up_anew(self, key: str) -> KnownKey | None:
        """Look a key up in a thread. Raises one of `postgres.errors.UNAVAILABLE`."""
        return await anyio.to_thread.run_sync(self.look_up, key)

    def remembered(self, key: str) -> KnownKey | None:
        """Return what is known of a key without asking the store, if it is fresh enough."""
        with self._lock:
            found = self._known.get(key)
            if found is None or found[0] < time.monotonic():
                return None
            return found[1]

    def look_up(self, key: str) -> KnownKey | None:
        """Ask the store. Raises one of `postgres.errors.UNAVAILABLE`."""
        asked = time.monotonic()
        with self._pool.connection() as connection:
            found = find_key(connection, key)
        with self._lock:
            self._known.pop(key, None)
            if found is not None:
                self._known[key] = (asked + self._trust_s, found)
                while len(self._known) > _REMEMBERED_KEYS:
                    self._known.popitem(last=False)
        return found


async def require_scope(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Let a request in if its key has the scope that the route asks for (`opt["scope"]`).

    With `audit` it is recorded first, in the log of accesses. A Litestar guard: decided before the body is
    looked at. Raises as `check_key` does, and one of `postgres.errors.UNAVAILABLE`.
    """
    scope: Scope | None = handler.opt.get("scope")
    if scope is not None:
        await check_key(connection, scope)
    if scope == "audit":
        await _record_access(connection)


async def check_key(connection: ASGIConnection[Any, Any, Any, Any], scope: Scope) -> None:
    """Make sure that a request's key is valid now and has a scope; a long answer asks more than once.

    Raises ProblemError `forbidden`, which never tells what exists.
    """
    known = await _find(connection)
    if scope not in known.key.scopes:
        raise ProblemError("forbidden", f"The key does not have the scope {scope!r}.")


def tenant_of(request: Request[Any, Any, Any]) -> Tenant:
    """Return the tenant that a request's key speaks for; a dependency of the routes behind the guard."""
    tenant: Tenant = request.scope["state"]["tenant"]
    return tenant


def key_id_of(request: Request[Any, Any, Any]) -> int:
    """Return the id of a request's key."""
    key_id: int = request.scope["state"]["key_id"]
    return key_id


def log_id_of(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the id of that tenant's log, as it was found with the key: some seconds old at most."""
    log_id: bytes = connection.scope["state"][LOG_ID]
    return log_id


async def look_up_log_id(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the same as the store says it now.

    Raises ProblemError `forbidden`, and one of `postgres.errors.UNAVAILABLE`.
    """
    return (await _find(connection, anew=True)).log_id


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


async def _find(connection: ASGIConnection[Any, Any, Any, Any], *, anew: bool = False) -> KnownKey:
    """Find a request's key, valid now, and keep in the request's state whose it is."""
    text = joined(connection.headers, HEADER)
    if not text:
        raise ProblemError("forbidden", f"The header {HEADER} is missing.")
    ring: KeyRing = connection.app.state.key_ring
    known = None
    if len(text) <= _LONGEST_KEY:
        known = await (ring.look_up_anew(text) if anew else ring.find(text))
    if known is None or not known.key.is_valid(datetime.now(UTC)):
        raise ProblemError("forbidden", "The key is unknown, expired or revoked.")
    state = connection.scope["state"]
    state["tenant"] = known.tenant
    state["key_id"] = known.key.key_id
    state[LOG_ID] = known.log_id
    return known
