"""An auditor's own programs: a client of C2SP tlog-tiles written from it, and the verifier of bundles."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from app.evidence.verifying import verify
from domain.evidence.notes import VerifierKey, parse_note

PATHS = "/api/v1/evidence"
HASH = 32
WIDTH = 256
LEAF = 69

VERIFIER = Path(__file__).parents[2] / "verifier" / "src"
_RUN = "import sys; from roundbook_verify.main import main; sys.exit(main())"


class Checkpoint(NamedTuple):
    """The three lines of a checkpoint."""

    origin: str
    size: int
    root: bytes


def read_checkpoint(note: str, vkey: VerifierKey) -> Checkpoint:
    """Take a checkpoint apart; the log's key signed it."""
    assert [found.vkey for found in verify(parse_note(note.encode()), [vkey])] == [vkey]
    origin, size, root, empty, *signatures = note.splitlines()
    assert empty == ""
    assert all(line.startswith("— ") for line in signatures)
    return Checkpoint(origin, int(size), b64decode(root, validate=True))


def tile_path(level: str, n: int, width: int) -> str:
    """Write the path of a tile: "1234067 will be encoded as x001/x234/067"."""
    digits = f"{n:0{-(-len(str(n)) // 3) * 3}}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{number}" + (f".p/{width}" if width < WIDTH else "")


def tiles(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield level, number and width of each tile of a tree of that size."""
    for level in range(8):
        hashes = size // WIDTH**level
        for n in range(hashes // WIDTH):
            yield level, n, WIDTH
        if hashes % WIDTH:
            yield level, hashes // WIDTH, hashes % WIDTH


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def tree_root(hashes: list[bytes]) -> bytes:
    """MTH over leaf hashes, level by level: a last one without a partner goes up as it is."""
    while len(hashes) > 1:
        above = [node(*hashes[at : at + 2]) for at in range(0, len(hashes) - 1, 2)]
        hashes = above + hashes[len(above) * 2 :]
    return hashes[0]


def hashes_in(content: bytes) -> list[bytes]:
    assert len(content) % HASH == 0
    return [content[at : at + HASH] for at in range(0, len(content), HASH)]


def entries_in(content: bytes) -> list[bytes]:
    """Take a bundle of entries apart."""
    entries = []
    while content:
        length = int.from_bytes(content[:2], "big")
        entries.append(content[2 : 2 + length])
        assert len(entries[-1]) == length
        content = content[2 + length :]
    return entries


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def included(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """Return the root that an audit path leads to (RFC 6962, section 2.1.1), by its own recursion."""
    if size == 1:
        assert not proof
        return leaf
    k = 1 << (size - 1).bit_length() - 1
    if index < k:
        return node(included(leaf, index, k, proof[:-1]), proof[-1])
    return node(proof[-1], included(leaf, index - k, size - k, proof[:-1]))


def consistent(
    older: int, newer: int, proof: list[bytes], known: bytes | None
) -> tuple[bytes, bytes]:
    """Return both roots of a consistency proof (RFC 6962, section 2.1.2); `known`: the older, if given."""
    if older == newer:
        root = known if known is not None else proof[0]
        assert len(proof) == (known is None)
        return root, root
    k = 1 << (newer - 1).bit_length() - 1
    if older <= k:
        before, after = consistent(older, k, proof[:-1], known)
        return before, node(after, proof[-1])
    before, after = consistent(older - k, newer - k, proof[:-1], None)
    return node(proof[-1], before), node(proof[-1], after)


def fetch(client: httpx.Client, path: str, **parameters: Any) -> httpx.Response:
    """Ask for evidence that must be given."""
    answer = client.get(f"{PATHS}/{path}", params=parameters or None)
    assert answer.status_code == 200, answer.text
    return answer


def fetch_bundle(client: httpx.Client, folder: Path, **parameters: Any) -> Path:
    """Take a bundle away, as it comes."""
    file = folder / "bundle.zip"
    with (
        client.stream("GET", f"{PATHS}/bundle", params=parameters) as answer,
        file.open("wb") as out,
    ):
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_raw():
            out.write(piece)
    return file


class Verdict(NamedTuple):
    """What `roundbook-verify` says of a bundle."""

    status: int
    findings: list[tuple[int, int, str]]
    summary: dict[str, Any]


def judged(bundle: Path, vkey: VerifierKey, *more: str) -> Verdict:
    """Run the verifier, in a process that knows nothing of Roundbook."""
    ended = subprocess.run(
        [sys.executable, "-c", _RUN, str(bundle), "--vkey", str(vkey), "--json", *more],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(VERIFIER)},
        timeout=60,
    )
    assert ended.returncode in {0, 1}, ended.stderr
    told = json.loads(ended.stdout)
    found = [(each["from"], each["to"], each["code"]) for each in told["findings"]]
    return Verdict(ended.returncode, found, told["summary"])
