"""What can be wrong with a batch that is JSON: faults with pointers, collected and counted."""

from typing import Any

from msgspec import Struct

MAX_REPORTED_FAULTS = 1_000


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong: where (an RFC 6901 JSON Pointer), what (stable, for programs), and why."""

    pointer: str
    code: str
    detail: str


class TooManyItemsError(Exception):
    """The batch holds more items than one request may."""

    def __init__(self, limit_items: int) -> None:
        """Keep the limit, in items."""
        super().__init__(f"the batch holds more than {limit_items:,} items")
        self.limit_items = limit_items

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.limit_items,)


class InvalidItemsError(Exception):
    """The batch is not as the contract wants it: its faults in order, at most the first 1,000.

    `total` is how many were found: the search ends at the first that is not reported any more, so that
    1,001 means more than 1,000.
    """

    def __init__(self, faults: list[Fault], total: int) -> None:
        """Keep the faults, in the order of the batch, and how many were found."""
        count = f"more than {len(faults):,}" if total > len(faults) else f"{total:,}"
        super().__init__(f"faults: {count}; at {faults[0].pointer!r}: {faults[0].detail}")
        self.faults = faults
        self.total = total

    def __reduce__(self) -> tuple[Any, ...]:
        """Go from one process to another."""
        return type(self), (self.faults, self.total)


class Faults:
    """Collects the faults of a batch or an item, and ends the search when there are enough."""

    def __init__(self, most: int = MAX_REPORTED_FAULTS) -> None:
        """Note `most` at most."""
        self._most = most
        self._found: list[Fault] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note a fault. Raises InvalidItemsError when it is one more than are reported."""
        if len(self._found) == self._most:
            raise InvalidItemsError(self._found, self._most + 1)
        self._found.append(Fault(pointer, code, detail))

    @property
    def found(self) -> list[Fault]:
        """The faults, in the order in which they were found."""
        return self._found

    def raise_any(self) -> None:
        """Raise InvalidItemsError if a fault was noted."""
        if self._found:
            raise InvalidItemsError(self._found, len(self._found))
