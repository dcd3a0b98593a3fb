"""What is kept of a log outside its database: a file of anchors, and what its signer remembers."""

from collections.abc import Iterator
from pathlib import Path

from app.evidence.guard import last_path
from app.evidence.verification.anchored import AnchoredFile
from app.evidence.verification.findings import Findings
from app.evidence.verification.keys import SigningKeys
from app.evidence.verification.streaks import Source
from app.evidence.verification.tree import Target
from app.log.leaves import Log
from domain.evidence.checkpoints import Tree, parse_checkpoint

TREES: tuple[Tree, ...] = ("log", "heads", "accesses")


class Elsewhere:
    """What can be read: what the signer remembers, and a file of anchors, as they are at the beginning."""

    def __init__(self, log: Log, origin: str, folder: Path, file: AnchoredFile | None) -> None:
        """Read what is kept of the log with that origin, in the folder of the keys too."""
        self._origin = origin
        self._remembered = {tree: _last_signed(log, tree, folder) for tree in TREES}
        self._file = file

    @property
    def is_remembered(self) -> bool:
        """Whether the signer's memory of the log could be read."""
        return self._remembered["log"] is not None

    @property
    def largest(self) -> int:
        """The greatest size that the log is said to have had."""
        last = self._remembered["log"]
        anchored = self._file.sizes.get(self._origin, 0) if self._file else 0
        return max(last.size if last else 0, anchored)

    def roots(self, tree: Tree, keys: SigningKeys, findings: Findings) -> Iterator[Target]:
        """Yield the roots that a tree must have, in order of size."""
        last = self._remembered[tree]
        for target in self._file.targets(tree, keys, findings) if self._file else ():
            if last is not None and last.size < target.size:
                yield last
                last = None
            yield target
        if last is not None:
            yield last


def _last_signed(log: Log, tree: Tree, folder: Path) -> Target | None:
    """Return what the signer remembers that it signed, None where that can't be read."""
    path = last_path(folder, log.log_id, tree)
    try:
        last = parse_checkpoint(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return Target(last.size, last.root, Source(f"the signer's {path.name}", "fork"))
