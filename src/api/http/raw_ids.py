"""Ids in paths: an id may hold anything, so its part of the path is taken raw and decoded once.

So is the name of a tile, which has slashes.

Litestar routes by a normalised path, in which `a//b` and `a/b` are one. Before it routes, the id's part
is therefore replaced by one safe segment, the hexadecimal of its bytes, which the route's parameter
turns back.
"""

from urllib.parse import unquote_to_bytes

from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

_PREFIXES = (b"/api/v1/players/", b"/api/v1/games/", b"/api/v1/evidence/tile/")
_NOWHERE = "/api"


def raw_ids(app: ASGIApp) -> ASGIApp:
    """Wrap `app` so that the ids in its paths arrive whole."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            raw_path: bytes = scope.get("raw_path") or b""
            for prefix in _PREFIXES:
                encoded = raw_path.removeprefix(prefix)
                if encoded and encoded != raw_path:
                    scope["path"] = prefix.decode() + unquote_to_bytes(encoded).hex()
                    break
            else:
                # A prefix that was spelled with percent signs leads to no id: it was not taken raw.
                if scope["path"].encode().startswith(_PREFIXES):
                    scope["path"] = _NOWHERE
        await app(scope, receive, send)

    return wrapped


def decode_id(segment: str) -> str:
    """Turn the safe segment back into the id. Raises NotFoundException where it can be no id."""
    try:
        decoded = bytes.fromhex(segment).decode()
    except ValueError:
        raise NotFoundException from None
    if "\0" in decoded:  # which PostgreSQL would not even compare with
        raise NotFoundException
    return decoded
