"""Logs of made-up events, and what signs them."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from app.evidence.anchors.anchor import Anchor
from app.evidence.anchors.detecting import hold_against, shown_by
from app.evidence.guard import GuardedSigner, Signer, begin_guard
from app.evidence.keys import SigningKey, parse_key
from domain.evidence.anchoring import Prove
from domain.evidence.checkpoints import Checkpoint, Tree, origin_of
from domain.evidence.notes import VerifierKey
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


def check_against(
    anchor: Anchor, own: Checkpoint, vkeys: Sequence[VerifierKey], prove: Prove
) -> Checkpoint | None:
    """Hold a log against what an anchor shows of it, and return that."""
    shown = shown_by(anchor, own.origin, vkeys)
    if shown is None:
        return None
    hold_against(shown, own, prove)
    return shown.checkpoint


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
