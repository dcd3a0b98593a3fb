"""From messages to one batch: each message's items, as texts, and which faults are whose."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Raw, Struct, json

from app.consuming.source import DeadLetter, Message
from app.wire.faults import Fault, Faults, InvalidItemsError, TooManyItemsError
from app.wire.forms import Dialect, LeftOut
from app.wire.items import MAX_ITEMS, elements_in, elements_of
from app.wire.json_text import MAX_DEPTH, NotJsonError, check_depth, check_syntax, check_utf8

_WHITE_SPACE = b" \t\r\n"
_MOST_BYTES = 4 << 20

_Shape = Literal["data", "item", "array", "batch"]
"""What a body is: the `data` of an item whose type stands beside it, an item, or several."""

# How much deeper than in its message JSON nests in the batch that is made.
_DEEPER: dict[_Shape, int] = {"data": 3, "item": 2, "array": 1, "batch": 0}


class _Members(Struct, gc=False):
    event: Raw = Raw()
    items: Raw = Raw()


_MEMBERS = json.Decoder(_Members)


class _PoisonError(Exception):
    """A message of which nothing can be recorded."""

    def __init__(self, code: str, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.fault = Fault(pointer, code, detail)


class _Read(NamedTuple):
    shape: _Shape
    items: list[bytes]


class Batch:
    """Messages that are recorded together."""

    def __init__(self, dialect: Dialect, *, most_items: int, most_message_bytes: int) -> None:
        """Hold nothing yet. A message with more items than `most_items` makes a batch by itself."""
        self.messages: list[Message] = []
        self._dialect = dialect
        self._most_items = most_items
        self._most_message_bytes = most_message_bytes
        self._items: list[bytes] = []
        self._size_bytes = 0
        # Of each message: its shape and the number of its first item, or why there is none.
        self._read: list[tuple[_Shape, int] | Fault] = []
        self._starts: list[int] = []

    @property
    def is_full(self) -> bool:
        """Whether no other message fits."""
        return len(self._items) >= self._most_items or self._size_bytes >= _MOST_BYTES

    @property
    def items(self) -> int:
        """How many items it has."""
        return len(self._items)

    @property
    def size_bytes(self) -> int:
        """How long the messages are."""
        return self._size_bytes

    @property
    def body(self) -> bytes:
        """The items as the body of one request."""
        return b'{"items":[' + b",".join(self._items) + b"]}"

    def add(self, message: Message) -> bool:
        """Add a message; False where it is not added, as it doesn't fit beside those that are there."""
        read: tuple[_Shape, int] | Fault
        items: list[bytes] = []
        try:
            shape, items = _read(message, self._dialect, self._most_message_bytes)
            read = (shape, len(self._items))
        except _PoisonError as poison:
            read = poison.fault
        more_bytes = len(message.body)
        fits = (
            len(self._items) + len(items) <= self._most_items
            and self._size_bytes + more_bytes <= _MOST_BYTES
        )
        if self.messages and not fits:
            return False
        self.messages.append(message)
        self._read.append(read)
        self._starts.append(len(self._items))
        self._items += items
        self._size_bytes += more_bytes
        return True

    def poison(self) -> list[LeftOut]:
        """Return what to keep of the messages in which no item can be found: why, and nothing of them."""
        return [
            LeftOut(at, "", self._dialect, None, None, [], b"", [read])
            for at, read in enumerate(self._read)
            if isinstance(read, Fault)
        ]

    def letters(self, left_out: Sequence[LeftOut]) -> list[DeadLetter]:
        """Return the messages that can't be recorded as they are, in order, with their faults.

        `left_out` are items that were left out of the batch, in order.
        """
        found: dict[int, list[Fault]] = {}
        for each in left_out:
            if each.faults:
                at = bisect_right(self._starts, each.at) - 1
                found.setdefault(at, []).extend(self._own_faults(at, each))
        for at, read in enumerate(self._read):
            if isinstance(read, Fault):
                found[at] = [read]
        return [DeadLetter(self.messages[at], found[at]) for at in sorted(found)]

    def _own_faults(self, at: int, left_out: LeftOut) -> list[Fault]:
        """Return faults with pointers into the message's own body."""
        read = self._read[at]
        if isinstance(read, Fault):
            return [read]
        shape, first = read
        number = left_out.at - first
        below = {"array": f"/{number}", "batch": f"/items/{number}"}.get(shape, "")
        cut = len(left_out.pointer)
        own = []
        for pointer, code, detail in (
            (each.pointer, each.code, each.detail) for each in left_out.faults
        ):
            rest = pointer[cut:]
            if shape == "data":
                rest = rest.removeprefix("/data").removeprefix("/event")
            own.append(Fault(below + rest, code, detail))
        return own


def _read(message: Message, dialect: Dialect, most_bytes: int) -> _Read:
    """Find the items of a message, without looking into them. Raises _PoisonError."""
    body = message.body
    if len(body) > most_bytes:
        raise _PoisonError("too-large", f"must not be longer than {most_bytes:,} bytes")
    text = body.strip(_WHITE_SPACE)
    try:
        check_utf8(text)
        check_syntax(text)
        if dialect == "fasttrack" and message.type is not None:
            check_depth(text, MAX_DEPTH - _DEEPER["data"])
            event = json.encode(message.type)
            return _Read("data", [b'{"event":' + event + b',"data":' + text + b"}"])
        if text.startswith(b"["):
            check_depth(text, MAX_DEPTH - _DEEPER["array"])
            return _Read("array", [bytes(each) for each in elements_in(text)])
        if not text.startswith(b"{"):
            raise _PoisonError(
                "wrong_type", "must be an item, an array of items, or an object with `items`"
            )
        members = _MEMBERS.decode(text)
        if bytes(members.items) and not bytes(members.event):
            faults = Faults()
            items = elements_of(text, faults)
            faults.raise_any()
            return _Read("batch", [bytes(each) for each in items])
        check_depth(text, MAX_DEPTH - _DEEPER["item"])
        return _Read("item", [text])
    except NotJsonError as error:
        raise _PoisonError("not_json", str(error)) from None
    except TooManyItemsError:
        raise _PoisonError(
            "too_many_items", f"must not hold more than {MAX_ITEMS:,} items"
        ) from None
    except InvalidItemsError as error:
        [fault, *_] = error.faults
        raise _PoisonError(fault.code, fault.detail, fault.pointer) from None
