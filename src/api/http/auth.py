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

from api.http.headers import joined
from api.http.log_ids import LOG_ID
from api.http.problems import ProblemError
from app.tenants import KnownKey, Scope, Tenant, find_key
from postgres.connections import Pool

HEADER = "x-api-key"
_REMEMBERED_KEYS = 10_000
_LONGEST_KEY = 200


class KeyRing:
    """Looks keys up, and trusts what it read for some seconds: no longer than a revocation may take."""

    def __init__(self, pool: Pool, *, trust_s: float) -> None:
        """Read through `pool`, trust an answer for `trust_s`."""
        self._pool = pool
        self._trust_s = trust_s
        self._known: OrderedDict[str, tuple[float, KnownKey]] = OrderedDict()
        self._lock = threading.Lock()

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

    A Litestar guard: decided before the body is looked at. Raises as `check_key` does.
    """
    scope: Scope | None = handler.opt.get("scope")
    if scope is not None:
        await check_key(connection, scope)


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


def log_id_of(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the id of that tenant's log, as it was found with the key: some seconds old at most."""
    log_id: bytes = connection.scope["state"][LOG_ID]
    return log_id


async def look_up_log_id(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """Return the same as the store says it now.

    Raises ProblemError `forbidden`, and one of `postgres.errors.UNAVAILABLE`.
    """
    return (await _find(connection, anew=True)).log_id


async def _find(connection: ASGIConnection[Any, Any, Any, Any], *, anew: bool = False) -> KnownKey:
    """Find a request's key, valid now, and keep in the request's state whose it is."""
    text = joined(connection.headers, HEADER)
    if not text:
        raise ProblemError("forbidden", f"The header {HEADER} is missing.")
    ring: KeyRing = connection.app.state.key_ring
    known = None if anew else ring.remembered(text)
    if known is None and len(text) <= _LONGEST_KEY:
        known = await anyio.to_thread.run_sync(ring.look_up, text)
    if known is None or not known.key.is_valid(datetime.now(UTC)):
        raise ProblemError("forbidden", "The key is unknown, expired or revoked.")
    state = connection.scope["state"]
    state["tenant"] = known.tenant
    state["key_id"] = known.key.key_id
    state[LOG_ID] = known.log_id
    return known
