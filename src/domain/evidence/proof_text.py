"""A proof of inclusion as a text of its own, to be verified offline (C2SP tlog-proof@v1)."""

from collections.abc import Iterable

from domain.evidence.notes import Note, encode_base64

_HEADER = "c2sp.org/tlog-proof@v1"


def proof_text(index: int, proof: Iterable[bytes], checkpoint: Note, extra: bytes | None) -> str:
    """Return the text: the leaf's index from 0, its audit path, and the checkpoint that it leads to.

    `extra` is what a reader needs besides, and no proof of anything: here the leaf.
    """
    lines = [
        _HEADER,
        *([] if extra is None else [f"extra {encode_base64(extra)}"]),
        f"index {index}",
        *map(encode_base64, proof),
    ]
    return "\n".join(lines) + f"\n\n{checkpoint}"
