"""What became of a batch."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from domain.evidence.leaves import HASH_BYTES

Outcome = Literal["stored", "duplicate", "conflict"]


class ReceiptItem(Struct, frozen=True, gc=False):
    """What became of one item. `position` is that of the event recorded under its unique_id.

    With one that is stored comes the hash of its leaf (base64), and where it can be erased its salt (hex):
    who keeps them can prove later what was recorded, also if that was changed before it was sealed.
    """

    unique_id: str
    outcome: Outcome
    position: int
    leaf_hash: str | UnsetType = UNSET
    salt: str | UnsetType = UNSET


class Receipt(Struct, frozen=True):
    """What became of a batch, its items in the order sent.

    Once a read model has reached `log_position`, the whole batch is visible in it.
    """

    stored: int
    duplicate: int
    conflict: int
    log_position: int
    items: list[ReceiptItem]


class Recorded(Struct, frozen=True):
    """What became of a batch, in columns: most clients ask for no receipt, and none is written for them.

    `log_id` is that of the log whose positions they are, 16 bytes. `salts` has one for each item, `hashes`
    the leaf hashes of those that are stored, 32 bytes each; none of what was only foreseen.
    """

    unique_ids: Sequence[str]
    outcomes: Sequence[Outcome]
    positions: Sequence[int]
    log_id: bytes
    log_position: int
    salts: Sequence[bytes]
    hashes: bytes

    def count(self, outcome: Outcome) -> int:
        """Return how many items came out so."""
        return self.outcomes.count(outcome)

    def receipt(self) -> Receipt:
        """Write the receipt."""
        return Receipt(
            self.count("stored"),
            self.count("duplicate"),
            self.count("conflict"),
            self.log_position,
            self._items(),
        )

    def split(self, sizes: Sequence[int]) -> "list[Recorded]":
        """Give each of several batches that were recorded as one, of these sizes, its own."""
        parts, start, stored = [], 0, 0
        for size in sizes:
            part = slice(start, start + size)
            outcomes = self.outcomes[part]
            hashed = stored + HASH_BYTES * outcomes.count("stored")
            parts.append(
                Recorded(
                    self.unique_ids[part],
                    outcomes,
                    self.positions[part],
                    self.log_id,
                    self.log_position,
                    self.salts[part],
                    self.hashes[stored:hashed],
                )
            )
            start += size
            stored = hashed
        return parts

    def _items(self) -> list[ReceiptItem]:
        items, stored = [], 0
        columns = zip(self.unique_ids, self.outcomes, self.positions, self.salts, strict=True)
        for unique_id, outcome, position, salt in columns:
            if outcome != "stored" or not self.hashes:
                items.append(ReceiptItem(unique_id, outcome, position))
                continue
            leaf_hash = b64encode(self.hashes[stored : stored + HASH_BYTES]).decode()
            stored += HASH_BYTES
            items.append(
                ReceiptItem(unique_id, outcome, position, leaf_hash, salt.hex() if salt else UNSET)
            )
        return items
