"""Asking a server that is somebody else's: within a time, and for no more than a few bytes."""

from time import monotonic

import httpx
from msgspec import Struct

from app.evidence.anchors.anchor import AnchorError

_TIMEOUT_S = 20.0
_LIMIT_BYTES = 256 * 1024
_SHOWN_CHARACTERS = 300


class Answer(Struct, frozen=True):
    """What a server answered."""

    status: int
    content_type: str
    body: bytes

    def __str__(self) -> str:
        """Return the status and the beginning of the body, for people."""
        words = self.body.decode(errors="replace").strip()[:_SHOWN_CHARACTERS]
        return f"{self.status}, {words!r}" if words else str(self.status)


class Asking:
    """Connections to one server, kept alive. `target`: what it is called in messages."""

    def __init__(self, target: str) -> None:
        self._target = target
        # Without compression: what is small on its way could be large here.
        headers = {"user-agent": "roundbook", "accept-encoding": "identity"}
        self._client = httpx.Client(timeout=_TIMEOUT_S, headers=headers)

    def get(self, url: str) -> Answer:
        """Ask for what is there. Raises AnchorError where there is no answer."""
        return self._ask("GET", url, b"", {})

    def post(self, url: str, body: bytes, content_type: str) -> Answer:
        """Send something. Raises AnchorError where there is no answer."""
        return self._ask("POST", url, body, {"content-type": content_type})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        until = monotonic() + _TIMEOUT_S
        received = bytearray()
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                for piece in response.iter_raw():
                    received += piece
                    if len(received) > _LIMIT_BYTES:
                        raise AnchorError(f"{self._target} answers more than {_LIMIT_BYTES} bytes")
                    if monotonic() > until:
                        raise AnchorError(f"{self._target} takes longer than {_TIMEOUT_S:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise AnchorError(f"{self._target} can't be asked: {why}") from error
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Answer(response.status_code, content_type, bytes(received))
