"""Where the service is, and HTTP to it."""

import re
from urllib.parse import quote

from httpx2 import AsyncClient, Client
from msgspec import Struct

from roundbook_client.options import VERSION

_URL = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_KEY = re.compile(r"[!-~]+")


class Service(Struct, frozen=True):
    """The URL of a service, and a key, which is shown nowhere.

    Raises ValueError for what is no URL, and for a key that no header can hold: HTTP clients show it then.
    """

    url: str
    key: str

    def __post_init__(self) -> None:
        """Refuse what can't be meant."""
        if not _URL.match(self.url):
            raise ValueError("the URL of the service begins with no http:// or https:// and a host")
        if not _KEY.fullmatch(self.key):
            raise ValueError("the key is empty, or has other characters than visible ASCII in it")

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"Service({self.url!r})"

    def client(self, timeout_s: float) -> Client:
        """Make the client of threads that may wait."""
        return Client(base_url=self.url, headers=self._headers(), timeout=timeout_s)

    def async_client(self, timeout_s: float) -> AsyncClient:
        """Make the client of an event loop."""
        return AsyncClient(base_url=self.url, headers=self._headers(), timeout=timeout_s)

    def _headers(self) -> dict[str, str]:
        return {
            "x-api-key": self.key,
            "content-type": "application/json",
            "user-agent": f"roundbook-client/{VERSION}",
        }


def path_with_id(collection: str, one: str) -> str:
    """Return the path of a player or a game, whose id may hold anything.

    Dots are encoded, too: `.` and `..` would be taken for folders.
    """
    return f"/api/v1/{collection}/" + quote(one, safe="").replace(".", "%2E")
