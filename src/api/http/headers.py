"""Headers whose lines are one list, however many there are (RFC 9110, 5.2)."""

from litestar.datastructures import Headers

LAST_EVENT_ID = "last-event-id"


def joined(headers: Headers, name: str) -> str:
    """Return all values of a header as one text, which is empty where there is none.

    Taking the first line alone would let the others say something else unheard.
    """
    return ", ".join(headers.getall(name, []))
