"""Bundles with what a witness and an authority gave are judged by the auditor's verifier."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from api.tenancy import create_tenant
from app.evidence.anchoring import Anchoring
from app.evidence.anchors.opening import open_anchor
from app.evidence.bundle import Bundle, BundleOf
from app.evidence.log_keys import log_keys
from app.evidence.store import checkpoint_of
from domain.evidence.anchoring import parse_anchors
from domain.evidence.notes import VerifierKey, parse_verifier_key
from postgres.connections import open_pool
from tests.databases import Database
from tests.evidence.auditor import Verdict, judged
from tests.evidence.authority import Authority
from tests.evidence.loopback import forget_proxies, served
from tests.evidence.stating import Attested
from tests.evidence.witness import NAME, Witness

MOMENT = "2025-06-15T15:06:40Z"
"""At which the witness cosigns and the authority stamps."""

Alter = Callable[[str, bytes], bytes]


class Anchored(NamedTuple):
    """A log of ten events, sealed at six and at ten, and what its auditor has.

    The authority stamped the first of these checkpoints, the witness cosigned both.
    """

    attested: Attested
    vkey: VerifierKey
    witness: Witness
    folder: Path

    def judge(self, bundle: Path, root: str = "root.pem") -> Verdict:
        kept, trusted = str(self.folder / "kept.note"), str(self.folder / root)
        witness = ["--witness", self.witness.vkey, "--quorum", "1"]
        return judged(bundle, self.vkey, *witness, "--since", kept, "--tsa-root", trusted)

    def bundle(self, asked: BundleOf, alter: Alter = lambda _, content: content) -> Path:
        """Write what the service writes, each member altered."""
        written, file = self.folder / "written.zip", self.folder / "bundle.zip"
        pieces = Bundle(self.attested.pool, self.attested.tenant.tenant_id, asked).pieces()
        written.write_bytes(b"".join(pieces))
        with ZipFile(written) as whole, ZipFile(file, "w") as altered:
            for name in whole.namelist():
                altered.writestr(name, alter(name, whole.read(name)))
        return file


@pytest.fixture
def anchored(
    fresh_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Anchored]:
    forget_proxies(monkeypatch)
    with ExitStack() as stack:
        pool = stack.enter_context(open_pool(fresh_database.service_url, max_size=5))
        with pool.connection() as connection:
            tenant = create_tenant(connection, "acme")
        attested = Attested(pool, tenant, tmp_path / "keys")
        attested.fill(["a", "b"] * 3)
        attested.seal()
        with pool.connection() as connection:
            vkey = log_keys(connection, attested.log)[0].vkey
        witness, authority = Witness(vkey), Authority()
        by_witness = f"witness:{stack.enter_context(served(witness))}+{witness.vkey}"
        by_authority = f"tsa:{stack.enter_context(served(authority))}/"
        anchorings = []
        for spec in parse_anchors(f"{by_witness} {by_authority}"):
            anchor = open_anchor(spec)
            stack.callback(anchor.close)
            anchorings.append(Anchoring(pool, anchor, interval_s=0))
        stop = threading.Event()
        for each in anchorings:
            each.anchor_all(stop)
        (tmp_path / "kept.note").write_text(note_of(attested, 6))
        attested.fill(["a", "b", "c", "a"])
        attested.seal()
        attested.attest()
        attested.seal()
        anchorings[0].anchor_all(stop)
        for name, root in {"root.pem": authority.root, "other.pem": Authority().root}.items():
            (tmp_path / name).write_bytes(root.public_bytes(Encoding.PEM))
        yield Anchored(attested, parse_verifier_key(vkey), witness, tmp_path)


def note_of(attested: Attested, size: int) -> str:
    with attested.pool.connection() as connection:
        kept = checkpoint_of(connection, attested.log, "log", size)
    assert kept is not None
    return kept.note


def with_another_cosignature(name: str, content: bytes) -> bytes:
    """Change one character of the witness's signature."""
    if name != "checkpoint":
        return content
    lines = content.decode().splitlines(keepends=True)
    [at] = [number for number, line in enumerate(lines) if line.startswith(f"— {NAME} ")]
    changed = "B" if lines[at][-20] == "A" else "A"
    lines[at] = lines[at][:-20] + changed + lines[at][-19:]
    return "".join(lines).encode()


def test_it_is_told_who_cosigned_and_when_it_was_stamped(anchored: Anchored) -> None:
    for asked, events in [
        (BundleOf(since=6), 10),
        (BundleOf(first=2, last=5, since=6), 4),
        (BundleOf(stream="player:a", since=6), 5),
        (BundleOf(stream="player:z", since=6), 0),
    ]:
        told = anchored.judge(anchored.bundle(asked))
        assert (told.status, told.findings) == (0, [])
        assert (told.summary["events"], told.summary["size"]) == (events, 10)
        assert told.summary["cosigned"] == [f"{NAME} at {MOMENT}"]
        assert told.summary["stamped"] == [f"size 6 at {MOMENT}"]
        assert told.summary["since"] == [6]
        assert len(told.summary["signed"]) == 1
        unchecked = "\n".join(told.summary["unchecked"])
        assert not any(words in unchecked for words in ("witness", "time stamp", "--since"))


def test_what_was_altered_or_comes_from_strangers_is_not_proven(anchored: Anchored) -> None:
    whole = BundleOf(since=6)

    told = anchored.judge(anchored.bundle(whole, with_another_cosignature))
    assert (told.status, told.findings) == (1, [(1, 10, "witness")] * 2)
    assert told.summary["cosigned"] == []
    assert told.summary["stamped"] == [f"size 6 at {MOMENT}"]

    told = anchored.judge(anchored.bundle(whole), root="other.pem")
    assert (told.status, told.findings) == (1, [(1, 10, "witness")])
    assert told.summary["cosigned"] == [f"{NAME} at {MOMENT}"]
    assert told.summary["stamped"] == []

    def cut(name: str, content: bytes) -> bytes:
        return content[:-1] if name.endswith(".tsr") else content

    told = anchored.judge(anchored.bundle(whole, cut))
    assert (told.status, told.findings) == (1, [(1, 10, "witness")])

    def without_the_proof(name: str, content: bytes) -> bytes:
        return (
            b'{"from":6,"root":"' + b"A" * 43 + b'=","proof":[]}'
            if name == "since.json"
            else content
        )

    told = anchored.judge(anchored.bundle(whole, without_the_proof))
    assert (told.status, told.findings) == (1, [(1, 6, "fork")] * 2)
    assert told.summary["since"] == []
