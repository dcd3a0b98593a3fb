"""What a request prefers (RFC 7240)."""

from collections.abc import Mapping
from typing import Any

from litestar import Request

from api.http.headers import joined


def preferences(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """Return the preferences of a request by name, in lower case; of a repeated one the first counts."""
    found: dict[str, str] = {}
    for preference in joined(request.headers, "prefer").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"').strip().lower())
    return found
