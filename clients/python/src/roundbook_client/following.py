"""What is followed, how far it was read, and what the answers mean; free of how it is asked for.

The stream is of server-sent events (HTML standard, section 9.2) as the service writes them: a line with the
position as `id`, one with the entry as `data`, an empty one.
"""

from collections.abc import Mapping

from httpx2 import Response, codes
from msgspec.json import Decoder

from roundbook_client.errors import AnsweredError, OtherLog, OutOfOrderError
from roundbook_client.queries import Parameters, written
from roundbook_client.retrying import of_stranger
from roundbook_client.shapes import Entry

_TYPE = "urn:roundbook:problem:"
_decode = Decoder(Entry).decode


def read_entry(text: bytes) -> Entry:
    """Read an entry, and keep its text."""
    entry = _decode(text)
    entry.text = text.decode()
    return entry


class Following:
    """How far a log was read, and of which log that is."""

    def __init__(
        self, after: int, log_id: str | None, to_position: int | None, filters: Parameters
    ) -> None:
        """Go on after a position of a log, None where it is not known yet."""
        self.position = after
        self.log_id = log_id
        self._filters = written({**filters, "to_position": to_position})
        self._is_bounded = to_position is not None
        self._has_gaps = any(value is not None for value in filters.values())
        self._rest = b""

    def request(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the parameters and the headers with which to ask for what follows."""
        log_id = {} if self.log_id is None else {"log_id": self.log_id}
        headers = {"accept": "text/event-stream", "last-event-id": str(self.position)}
        return {**self._filters, **log_id}, headers

    def begin(self, answer: Response) -> bool:
        """Take an answer of success; tell whether there is something to read.

        Raises AnsweredError for one that is not the service's: a proxy may answer anything with 200.
        """
        self._rest = b""
        log_id = answer.headers.get("log-id")
        is_complete = answer.status_code == codes.NO_CONTENT and self._is_bounded
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        if log_id is None or not (is_complete or is_stream):
            raise of_stranger(answer)
        self.log_id = log_id
        return is_stream

    def go_on_after(self, error: AnsweredError) -> None:
        """Go on with a log that is the same up to here, as after a failover. Raises OtherLog, or `error`."""
        if error.status != codes.CONFLICT:
            raise error
        problem = error.problem
        agreed = problem.agreed_to
        is_other = problem.type == f"{_TYPE}other-log" and problem.log_id is not None
        if not is_other or agreed is None or agreed < self.position:
            raise OtherLog(error.status, problem) from None
        self.log_id = problem.log_id

    def read(self, piece: bytes) -> list[Entry]:
        """Return the entries that a piece of the stream completes. Raises OutOfOrderError."""
        *whole, self._rest = (self._rest + piece).split(b"\n\n")
        entries = []
        for message in whole:
            fields = _fields(message)
            if "id" not in fields:
                continue  # a comment: a sign of life
            position = int(fields["id"])
            if "data" in fields:
                self._check(position)
                entry = read_entry(fields["data"].encode())
                entry.log_id = self.log_id or ""
                entries.append(entry)
            self.position = position
        return entries

    def _check(self, position: int) -> None:
        """Without filters positions have no gaps: what was lost or doubled on the way shows here."""
        is_next = position > self.position if self._has_gaps else position == self.position + 1
        if not is_next:
            raise OutOfOrderError(f"after position {self.position} came {position}")


def _fields(message: bytes) -> Mapping[str, str]:
    return dict(line.partition(": ")[::2] for line in message.decode().split("\n"))
