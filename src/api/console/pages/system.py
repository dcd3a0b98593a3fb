"""System: how all tenants are, for whoever runs the service."""

from datetime import datetime
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Template

from api.console.asking import Question, in_path
from api.console.place import Place
from api.console.visits import Visit

PLACE = Place("System", "/console/system", "operate")

_TENANTS = "system/tenants"
_MOST_ILL = 1_000


@get("/console/system")
async def list_tenants(visit: NamedDependency[Visit]) -> Template:
    """List the tenants: first those that somebody must look at, then the others, in pages."""
    cursor = visit.parameter("cursor")
    ill = Question(_TENANTS, {"in_trouble": True, "limit": _MOST_ILL})
    well = Question(_TENANTS, {"in_trouble": False, "cursor": cursor})
    found = await visit.ask_all(*([well] if cursor else [ill, well]))
    # One that gets well meanwhile is in both.
    tenants = {row["name"]: row for answer in reversed(found) for row in reversed(answer.rows)}
    return visit.page(
        "system/list.html",
        tenants=[*reversed(tenants.values())],
        next_cursor=found[-1].next_cursor,
    )


@get("/console/system/tenant")
async def show_tenant(visit: NamedDependency[Visit]) -> Template:
    """Show one tenant: what is wrong and what to do about it, its rebuild, limits and keys."""
    path = f"{_TENANTS}/{in_path(visit.parameter('name'))}"
    tenant, keys = await visit.ask_all(
        Question(path), Question(f"{path}/keys", {"cursor": visit.parameter("cursor")})
    )
    now = datetime.fromisoformat(tenant.json["read_at"])
    return visit.page(
        "system/tenant.html",
        tenant=tenant.json,
        keys=[{**key, "state": _state(key, now)} for key in keys.rows],
        labels={key["key_id"]: key["label"] for key in keys.rows},
        next_cursor=keys.next_cursor,
    )


ROUTES = [list_tenants, show_tenant]


def _state(key: dict[str, Any], now: datetime) -> str:
    if key["revoked_at"]:
        return "Revoked"
    ends = key["expires_at"]
    return "Expired" if ends and datetime.fromisoformat(ends) <= now else "Valid"
