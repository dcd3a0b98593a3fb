"""Requests that are begun, and finished later or never."""

from collections.abc import Sequence

from tests.faults.places import Account
from tests.faults.sending import EVENTS, Item, body_of
from tests.http.service import Service
from tests.http.wire import Wire


class Unfinished(Wire):
    """A request of which a part was sent."""

    def __init__(self, service: Service, account: Account, items: Sequence[Item]) -> None:
        super().__init__(service.address)
        self._rest = body_of(items)
        headers = {"x-api-key": account.key, "content-type": "application/json"}
        self.request(f"POST {EVENTS}", headers | {"content-length": str(len(self._rest))})

    def send_more(self, count: int) -> bool:
        """Send so many bytes more; tells whether there is more to send."""
        self.send(self._rest[:count])
        self._rest = self._rest[count:]
        return bool(self._rest)

    def finish(self) -> None:
        """Send the rest."""
        self.send_more(len(self._rest))


def begin(
    service: Service, account: Account, items: Sequence[Item], *, unsent: int | None = None
) -> Unfinished:
    """Send all of a request but so many bytes; if nothing is said, about a half of it."""
    request = Unfinished(service, account, items)
    size = len(body_of(items))
    request.send_more(size // 2 if unsent is None else size - unsent)
    return request
