"""In which line a request waits: its tenant's queries, or its tenant's streams."""

from litestar.types import Scope

from api.querying.turns import Lane

_STREAM = "stream"


def lane_of(scope: Scope) -> Lane:
    """Return the lane of a request whose key was checked."""
    state = scope["state"]
    return Lane(state["tenant"].tenant_id, "stream" if _STREAM in state else "query")


def begin_stream(scope: Scope) -> Lane:
    """Let a request wait among the streams from now on; gives its lane."""
    scope["state"][_STREAM] = True
    return lane_of(scope)
