"""Logs of made-up events, and what signs them."""

from pathlib import Path

from msgspec import Struct

from app.evidence.guard import GuardedSigner, Prove, Signer, begin_guard
from app.evidence.keys import SigningKey, parse_key
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of
from tests.evidence.trees import made_up, naive_consistency, naive_root

LOG_ID = bytes.fromhex("00112233445566778899aabbccddeeff")
ORIGIN = f"roundbook.invalid/log/{LOG_ID.hex()}"


class History(Struct, frozen=True):
    """What is in a tree; another `seed` is another past."""

    seed: int = 0
    tree: Tree = "log"

    def at(self, size: int) -> Checkpoint:
        root = naive_root(made_up(size, seed=self.seed))
        return Checkpoint(origin_of(ORIGIN, self.tree), size, root)

    def prove(self, size: int) -> Prove:
        return lambda old_size: naive_consistency(old_size, made_up(size, seed=self.seed))


def a_key(name: str = ORIGIN) -> SigningKey:
    """The same key at each call."""
    return SigningKey(name, b"\7" * 32)


def guarded(folder: Path, *signers: Signer, tree: Tree = "log") -> GuardedSigner:
    return GuardedSigner(folder, LOG_ID, ORIGIN, tree, signers or (a_key(),))


def begun(folder: Path, *signers: Signer, tree: Tree = "log") -> GuardedSigner:
    """What signs a log that was just made."""
    begin_guard(folder, LOG_ID, ORIGIN)
    return guarded(folder, *signers, tree=tree)


assert parse_key(a_key().text) == a_key()
