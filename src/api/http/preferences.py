"""What a request prefers (RFC 7240)."""

import re
from collections.abc import Mapping
from typing import Any

from litestar import Request

from api.http.headers import joined

_PIECE = re.compile(r'[,;]|(?:[^,;"]|"(?:\\.|[^"\\])*"?)+')
"""What separates preferences and their parameters, or what stands between: a quoted string is one whole."""


def preferences(request: Request[Any, Any, Any]) -> Mapping[str, str]:
    """Return the preferences of a request by name, in lower case; of a repeated one the first counts."""
    found: dict[str, str] = {}
    before = ","
    for piece in _PIECE.findall(joined(request.headers, "prefer")):
        if before == ",":
            name, _, value = piece.partition("=")
            found.setdefault(name.strip().lower(), value.strip().strip('"').strip().lower())
        before = piece if piece in {",", ";"} else ""
    return found
