"""Which media type a request accepts best (RFC 9110, section 12.5.1).

By hand, as Litestar's own choice knows no q=0 and no precedence of the more specific range.
"""

import re
from collections.abc import Sequence
from typing import Any

from litestar import Request

from api.http.headers import joined
from api.http.problems import ProblemError

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"
TEXT = "text/plain"
BYTES = "application/octet-stream"
ZIP = "application/zip"

_QVALUE = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)


def negotiate(request: Request[Any, Any, Any], offered: Sequence[str]) -> str:
    """Choose what to answer with; the first one offered where the client doesn't care.

    Raises ProblemError `not-acceptable`.
    """
    header = joined(request.headers, "accept")
    ranges = [_parse(element) for element in header.split(",") if element.strip()]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) <= 0:
        raise ProblemError(
            "not-acceptable", f"This is given as {' or '.join(offered)}.", offered=list(offered)
        )
    return best


def _parse(element: str) -> tuple[str, float]:
    """Read one range and its quality; one that is no qvalue (from 0 to 1, three decimals) admits nothing."""
    media_range, *parameters = (part.strip().lower() for part in element.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = value.strip()
            return media_range, float(quality) if _QVALUE.fullmatch(quality) else 0.0
    return media_range, 1.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that covers a media type, 0 if none does."""
    by_precedence = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    for precise in by_precedence:
        found = [quality for media_range, quality in ranges if media_range == precise]
        if found:
            return max(found)
    return 0.0
