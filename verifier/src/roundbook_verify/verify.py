"""The check of a whole bundle: findings, by position, and what was and what was not checked."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from cryptography.x509 import Certificate

from .bundle import MIB, STAMPS, Bundle, count, hashes, parse_json
from .findings import Findings
from .heads import judge
from .notes import ED25519, Checkpoint, Key, parse_checkpoint, unbase64
from .order import FOLLOWED, Order
from .stamps import stamped_at
from .tree import consistent, range_root


@dataclass
class Verifier:
    """Checks a bundle: `findings` and `summary` are what came of it."""

    bundle: Bundle
    keys: list[Key]
    """Of the log and of witnesses."""
    quorum: int
    """How many witnesses must have cosigned."""
    kept: Checkpoint | None
    """What the auditor kept from an earlier visit."""
    roots: list[Certificate]
    """Of authorities of time stamps."""

    def __post_init__(self) -> None:
        self.findings = Findings(self.bundle.first, self.bundle.last)
        self.summary: dict[str, Any] = {"events": 0, "first": None, "last": None, "size": self.bundle.size}
        self.summary |= {"signed": [], "cosigned": [], "stamped": [], "since": [], "erased": []}
        self._note: Checkpoint | None = None

    def run(self) -> None:
        """Check everything."""
        stream = self.bundle.stream
        for words in self.bundle.strange:
            self.findings.add("bundle", words)
        with self.findings.part("signature", "checkpoint"):
            self._note = note = parse_checkpoint(self.bundle.read("checkpoint"))
            self._signatures(note)
            self._since(note)
            self._stamps(note)
        self._order = order = Order(self.bundle, self._note, self.findings)
        order.run()
        told = [
            {"position": at, "recorded_at": f"{time.decode()}Z"}
            for at, time in (order.first, order.last)
            if at
        ]
        self.summary["first"], self.summary["last"] = told or (None, None)
        self.summary |= {"events": order.events, "erased": order.erased}
        with self.findings.part("root" if stream is None else "heads", "proof.json"):
            self._range() if stream is None else self._heads(stream)
        self._erasures()
        self._limits()

    def _signatures(self, note: Checkpoint) -> None:
        if (note.origin, note.size) != (self.bundle.origin, self.bundle.size):
            self.findings.add("bundle", "the checkpoint is of another origin or size than the manifest says")
        cosigned = {}
        for key, at in note.signed_by(self.keys):
            if at is None:
                code = "signature" if key.kind == ED25519 else "witness"
                self.findings.add(code, f"the signature of {key.name} is wrong")
            elif key.kind != ED25519:
                cosigned[key.public] = f"{key.name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            elif key.name == note.origin:
                self.summary["signed"].append(f"{key.name} {key.id.hex()}")
        if not self.summary["signed"]:
            self.findings.add("signature", f"no key of yours has signed the checkpoint of {note.origin}")
        if len(cosigned) < self.quorum:
            self.findings.add("witness", f"{len(cosigned)} of your witnesses cosigned, not {self.quorum}")
        self.summary["cosigned"] = sorted(cosigned.values())
        known = [(key.name, key.id) for key in self.keys]
        if others := [f"{line[0]} {line[1].hex()}" for line in note.lines if line[:2] not in known]:
            self.findings.unchecked.append(f"signatures of keys that you did not name: {', '.join(others)}")

    def _since(self, note: Checkpoint) -> None:
        kept, shown = self.kept, note[2:4]
        with self.findings.part("fork", "since.json"):
            if "since.json" in self.bundle.sizes:
                size, root, proof = parse_json(self.bundle.read("since.json"), "from", "root", "proof")
                shown = count(size, 1), unbase64(root, 32)
                if not consistent(*shown, *note[2:4], hashes(proof)):
                    self.findings.add(
                        "fork", "the log of since.json is not the beginning of this one", 1, size
                    )
        if kept is None:
            return
        if 0 not in [at for key, at in kept.signed_by(self.keys) if key.name == kept.origin]:
            self.findings.add(
                "signature", "the note that you kept is not signed by a key of yours", 1, kept.size
            )
        if kept.origin != note.origin:
            self.findings.add("fork", f"the note that you kept is of another log, {kept.origin}")
        elif kept.size > note.size:
            words = f"you kept size {kept.size}, this log has {note.size}"
            self.findings.add("rollback", words, note.size + 1, kept.size)
        elif kept[2:4] not in (note[2:4], shown):
            words = "nothing shows that the log that you saw is the beginning of this one"
            self.findings.add("fork", words, 1, kept.size)
        else:
            self.summary["since"].append(kept.size)

    def _stamps(self, note: Checkpoint) -> None:
        names = [name for name in self.bundle.sizes if name.endswith(".tsr")]
        if names and not self.roots:
            self.findings.unchecked.append(f"{len(names)} time stamps, as you named no root (--tsa-root)")
        for name in names[:STAMPS] if self.roots else ():
            with self.findings.part("witness", name):
                text, size, beside = note.text, note.size, name[:-3] + "json"
                if beside in self.bundle.sizes:
                    size, root, proof = parse_json(self.bundle.read(beside), "size", "root", "proof")
                    older, newer = sorted([(count(size, 1), unbase64(root, 32)), note[2:4]])
                    if not consistent(*older, *newer, hashes(proof)):
                        raise ValueError("its log is not one with this")
                    text = f"{note.origin}\n{size}\n{root}\n".encode()
                when = stamped_at(self.bundle.read(name), text, self.roots)
                self.summary["stamped"].append(f"size {size} at {when:%Y-%m-%dT%H:%M:%SZ}")

    def _range(self) -> None:
        bundle, leaves = self.bundle, self.bundle.leaves()
        outside = iter(hashes(parse_json(bundle.read("proof.json", MIB >> 4), "range")[0]))
        root = range_root(bundle.size, bundle.first - 1, bundle.last, leaves, outside)
        if next(outside, None) or (self._note and root != self._note.root):
            self.findings.add("root", "leaves and proof do not lead to the root of the checkpoint")

    def _heads(self, stream: bytes) -> None:
        inclusion, told = parse_json(self.bundle.rest, "inclusion", "heads")
        if inclusion or not self._note:
            raise ValueError("inclusion is not of its form, or there is no checkpoint")
        size, version, position, wrong = judge(told, stream, self._note, self.keys)
        for words in wrong:
            self.findings.add("heads", words)
        here = bisect_right(self._order.positions, size)
        at = self._order.positions[here - 1] if here else 0
        if (version, position) != (here, at):
            words = f"the statement ends the stream with version {version} at {position}, not {here} at {at}"
            self.findings.add("missing" if version > here else "heads", words, position or at)
        if size < self.bundle.size:
            self.findings.unchecked.append(
                f"whether events of the stream after position {size} were left out"
            )

    def _erasures(self) -> None:
        """Find erased events that no record names. In a range the record may stand after the end."""
        erased, starts = self.summary["erased"], sorted(self._order.erases)
        ends = [0, *accumulate((last for _, last in starts), max)]
        without = [at for at in erased if ends[bisect_right(starts, (at, self.bundle.size))] < at]
        for position in without if self.bundle.last == self.bundle.size else ():
            self.findings.add("erased", "it is erased, and no record of an erasure names it", position)
        if erased:
            words = f"the content of {len(erased)} erased events, {len(without)} without a record here"
            self.findings.unchecked.append(words)

    def _limits(self) -> None:
        """Say what was not checked."""
        bundle, kept_in_mind = self.bundle, max(len(self.summary["erased"]), len(self._order.erases))
        part = bundle.stream is None and (bundle.first, bundle.last) != (1, bundle.size)
        unsaid = {
            "whether anybody but the operator saw this log, as no --witness had to have": not self.quorum,
            "whether this log goes on from one that you saw earlier (--since)": self.kept is None,
            f"events outside of positions {bundle.first} to {bundle.last}": part,
            f"records of more than {FOLLOWED} erasures": kept_in_mind >= FOLLOWED,
            "the bundle's own list of keys: yours alone count": "keys" in bundle.sizes,
            f"what came after position {bundle.size}, and what never reached the log": True,
        }
        self.findings.unchecked += [words for words, true in unsaid.items() if true]
        self.findings.unchecked += [
            f"{words}: {number} times" for words, number in self._order.unjudged.items()
        ]
