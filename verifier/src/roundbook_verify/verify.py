"""The check of a whole bundle: findings, by position, and what was and what was not checked."""

import os
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate, chain, pairwise
from multiprocessing import get_context
from typing import Any
from zipfile import BadZipFile

from cryptography.x509 import Certificate

from .bundle import MIB, STAMPS, Bundle, count, hashes, parse_json
from .events import NO_LINE, Line, check
from .heads import judge
from .notes import ED25519, Checkpoint, Key, parse_checkpoint, unbase64
from .stamps import stamped_at
from .tree import consistent, leads_to, range_root

KEPT, FOLLOWED = 1000, 1 << 18  # findings of a code; streams and erasures that are kept in mind
WORKERS = min(os.cpu_count() or 1, 4)


@dataclass
class Verifier:
    """Checks a bundle: `findings`, `summary` and `unchecked` are what came of it."""

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
        self.summary: dict[str, Any] = {"events": 0, "first": None, "last": None, "size": self.bundle.size}
        self.summary |= {"signed": [], "cosigned": [], "stamped": [], "since": [], "erased": []}
        self.unchecked: list[str] = []
        self._found: dict[str, list[tuple[int, int, str, str]]] = {}
        self._note: Checkpoint | None = None
        self._positions: list[int] = []  # of a stream
        self._erases: list[tuple[int, int]] = []
        self._unjudged: Counter[str] = Counter()

    @property
    def findings(self) -> list[tuple[int, int, str, str]]:
        """First and last position, code and words; of over a thousand of a code the last is for the rest."""
        return sorted(finding for found in self._found.values() for finding in found)

    def add(self, code: str, words: str, first: int = 0, last: int = 0) -> None:
        """Keep a finding; without positions it is about the whole bundle."""
        first, last = first or self.bundle.first, last or first or self.bundle.last
        found = self._found.setdefault(code, [])
        joins = found and found[-1][1] + 1 == first and found[-1][3] == words
        if joins or len(found) > KEPT:
            start, end, *_ = found.pop()
            first, last = min(first, start), max(last, end)
            words = words if joins else "and more of this kind"
        found.append((first, last, code, words))

    @contextmanager
    def _part(self, code: str, name: str) -> Iterator[None]:
        """Make a finding of a part of the bundle that cannot be read, and go on."""
        try:
            yield
        except BadZipFile as exception:
            self.add("bundle", str(exception))
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError) as exception:
            self.add(code, f"{name}: {str(exception) or 'too short'}")

    def run(self) -> None:
        """Check everything."""
        stream = self.bundle.stream
        for words in self.bundle.strange:
            self.add("bundle", words)
        with self._part("signature", "checkpoint"):
            self._note = note = parse_checkpoint(self.bundle.read("checkpoint"))
            self._signatures(note)
            self._since(note)
            self._stamps(note)
        self._events()
        with self._part("root" if stream is None else "heads", "proof.json"):
            self._range() if stream is None else self._heads(stream)
        self._erasures()
        self._limits()

    def _signatures(self, note: Checkpoint) -> None:
        if (note.origin, note.size) != (self.bundle.origin, self.bundle.size):
            self.add("bundle", "the checkpoint is of another origin or size than the manifest says")
        cosigned = {}
        for key, at in note.signed_by(self.keys):
            if at is None:
                code = "signature" if key.kind == ED25519 else "witness"
                self.add(code, f"the signature of {key.name} is wrong")
            elif key.kind != ED25519:
                cosigned[key.public] = f"{key.name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            elif key.name == note.origin:
                self.summary["signed"].append(f"{key.name} {key.id.hex()}")
        if not self.summary["signed"]:
            self.add("signature", f"no key of yours has signed the checkpoint of {note.origin}")
        if len(cosigned) < self.quorum:
            self.add("witness", f"{len(cosigned)} of your witnesses cosigned, not {self.quorum}")
        self.summary["cosigned"] = sorted(cosigned.values())
        known = [(key.name, key.id) for key in self.keys]
        if others := [f"{line[0]} {line[1].hex()}" for line in note.lines if line[:2] not in known]:
            self.unchecked.append(f"signatures of keys that you did not name: {', '.join(others)}")

    def _since(self, note: Checkpoint) -> None:
        kept, shown = self.kept, note[2:4]
        with self._part("fork", "since.json"):
            if "since.json" in self.bundle.sizes:
                size, root, proof = parse_json(self.bundle.read("since.json"), "from", "root", "proof")
                shown = count(size, 1), unbase64(root, 32)
                if not consistent(*shown, *note[2:4], hashes(proof)):
                    self.add("fork", "the log of since.json is not the beginning of this one", 1, size)
        if kept is None:
            return
        if 0 not in [at for key, at in kept.signed_by(self.keys) if key.name == kept.origin]:
            self.add("signature", "the note that you kept is not signed by a key of yours", 1, kept.size)
        if kept.origin != note.origin:
            self.add("fork", f"the note that you kept is of another log, {kept.origin}")
        elif kept.size > note.size:
            words = f"you kept size {kept.size}, this log has {note.size}"
            self.add("rollback", words, note.size + 1, kept.size)
        elif kept[2:4] not in (note[2:4], shown):
            words = "nothing shows that the log that you saw is the beginning of this one"
            self.add("fork", words, 1, kept.size)
        else:
            self.summary["since"].append(kept.size)

    def _stamps(self, note: Checkpoint) -> None:
        names = [name for name in self.bundle.sizes if name.endswith(".tsr")]
        if names and not self.roots:
            self.unchecked.append(f"{len(names)} time stamps, as you named no root (--tsa-root)")
        for name in names[:STAMPS] if self.roots else ():
            with self._part("witness", name):
                text, size, beside = note.text, note.size, name[:-3] + "json"
                if beside in self.bundle.sizes:
                    size, root, proof = parse_json(self.bundle.read(beside), "size", "root", "proof")
                    older, newer = sorted([(count(size, 1), unbase64(root, 32)), note[2:4]])
                    if not consistent(*older, *newer, hashes(proof)):
                        raise ValueError("its log is not one with this")
                    text = f"{note.origin}\n{size}\n{root}\n".encode()
                when = stamped_at(self.bundle.read(name), text, self.roots)
                self.summary["stamped"].append(f"size {size} at {when:%Y-%m-%dT%H:%M:%SZ}")

    def _sealed(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and leaf hash of what was sealed; those of a stream are proven as they go by."""
        bundle, note, at, leaves = self.bundle, self._note, self.bundle.first, self.bundle.leaves()
        positions = range(at, bundle.last + 1) if bundle.stream is None else self._positions
        with self._part("leaves", "leaves"):
            if bundle.stream is None:
                yield from zip(positions, leaves)  # noqa: B905 (which are fewer is said below)
            else:
                for position, path in bundle.audit_paths():
                    leaf = next(leaves)
                    if not at <= position <= bundle.last:
                        self.add("root", "the audit paths are not in the order of positions", position)
                    elif note and not leads_to(note.root, leaf, position - 1, note.size, path):
                        words = "the audit path does not lead to the root of the checkpoint"
                        self.add("root", words, position)
                    at = position + 1
                    self._positions.append(position)
                    yield position, leaf
        if bundle.sizes.get("leaves") != len(positions) * 32:
            self.add("leaves", "they are not 32 bytes for each event that they prove")

    def _lines(self) -> Iterator[Line]:
        """Yield what each line says; where there is much to do, other processes find it out."""
        name, of = "events.ndjson", partial(check, self.bundle.log_id, self.bundle.stream)
        alone, waiting = WORKERS < 2 or self.bundle.sizes.get(name, 0) < 8 * MIB, deque[Future[list[Line]]]()
        with nullcontext() if alone else ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
            with self._part("bundle", name):
                for block in self.bundle.blocks(name):
                    if not pool:
                        yield from of(block)
                        continue
                    waiting.append(pool.submit(of, block))
                    if len(waiting) > 2 * WORKERS:
                        yield from waiting.popleft().result()
            for future in waiting:
                yield from future.result()

    def _placed(self) -> Iterator[tuple[int, Line]]:
        """Yield each line with the position at which it stands, compared with what was sealed there."""
        sealed, end, place = self._sealed(), (0, b""), 0
        expected, leaf = next(sealed, end)
        for line, following in pairwise(chain(self._lines(), [NO_LINE])):
            position, after = line[0], following[0]
            # A position further on is believed where the next line goes on from there.
            while position and 0 < expected < position and not (after and after <= position):
                self.add("gap" if place else "missing", "the event is not there", expected)
                expected, leaf = next(sealed, end)
            place = expected
            if expected and position in (None, expected):
                if line[1] not in (b"", leaf):
                    self.add("leaf", "it is not the event that was sealed", place)
            elif not expected or after is None or after <= expected:
                place = position or self.bundle.last
                self.add("gap", "the event stands where none belongs", place)
            else:
                self.add("gap", f"the line says that it is of position {position}", place)
            yield place, line
            if place == expected:
                expected, leaf = next(sealed, end)
        while expected:
            self.add("missing", "the event is not there", expected)
            expected, leaf = next(sealed, end)

    def _events(self) -> None:
        """Compare each line with those before it."""
        versions, first, last = dict[bytes, int](), (0, b""), (0, b"")  # position and time
        whole = self.bundle.stream is not None or self.bundle.first == 1
        for place, (_, leaf, stream, version, recorded_at, erased, erases, said) in self._placed():
            self.summary["events"] += 1
            for code, words in said:
                if code:
                    self.add(code, words, place)
                else:
                    self._unjudged[words] += 1
            if not leaf:
                continue
            if stream not in versions and len(versions) >= FOLLOWED:
                self._unjudged["versions of a stream, as there are so many"] += 1
            else:
                before = versions.get(stream, 0 if whole else version - 1)
                if version != before + 1:
                    self.add("version", f"version {version} comes after version {before}", place)
                versions[stream] = version
            if recorded_at < last[1]:
                self.add("time", "recorded_at is before that of the event before", place)
            last = place, recorded_at
            first = first if first[0] else last
            if erased and len(self.summary["erased"]) < FOLLOWED:
                self.summary["erased"].append(place)
            if erases and len(self._erases) < FOLLOWED:
                self._erases += [(start, min(stop, place)) for start, stop in erases]
        ends = [{"position": at, "recorded_at": f"{time.decode()}Z"} for at, time in (first, last) if at]
        self.summary["first"], self.summary["last"] = ends or (None, None)

    def _range(self) -> None:
        bundle, leaves = self.bundle, self.bundle.leaves()
        outside = iter(hashes(parse_json(bundle.read("proof.json", MIB >> 4), "range")[0]))
        root = range_root(bundle.size, bundle.first - 1, bundle.last, leaves, outside)
        if next(outside, None) or (self._note and root != self._note.root):
            self.add("root", "leaves and proof do not lead to the root of the checkpoint")

    def _heads(self, stream: bytes) -> None:
        inclusion, told = parse_json(self.bundle.rest, "inclusion", "heads")
        if inclusion or not self._note:
            raise ValueError("inclusion is not of its form, or there is no checkpoint")
        size, version, position, wrong = judge(told, stream, self._note, self.keys)
        for words in wrong:
            self.add("heads", words)
        here = bisect_right(self._positions, size)
        at = self._positions[here - 1] if here else 0
        if (version, position) != (here, at):
            words = f"the statement ends the stream with version {version} at {position}, not {here} at {at}"
            self.add("missing" if version > here else "heads", words, position or at)
        if size < self.bundle.size:
            self.unchecked.append(f"whether events of the stream after position {size} were left out")

    def _erasures(self) -> None:
        """Find erased events that no record names. In a range the record may stand after the end."""
        erased, starts = self.summary["erased"], sorted(self._erases)
        ends = [0, *accumulate((last for _, last in starts), max)]
        without = [at for at in erased if ends[bisect_right(starts, (at, self.bundle.size))] < at]
        for position in without if self.bundle.last == self.bundle.size else ():
            self.add("erased", "it is erased, and no record of an erasure names it", position)
        if erased:
            words = f"the content of {len(erased)} erased events, {len(without)} without a record here"
            self.unchecked.append(words)

    def _limits(self) -> None:
        """Say what was not checked."""
        bundle, kept_in_mind = self.bundle, max(len(self.summary["erased"]), len(self._erases))
        part = bundle.stream is None and (bundle.first, bundle.last) != (1, bundle.size)
        unsaid = {
            "whether anybody but the operator saw this log, as no --witness had to have": not self.quorum,
            "whether this log goes on from one that you saw earlier (--since)": self.kept is None,
            f"events outside of positions {bundle.first} to {bundle.last}": part,
            f"records of more than {FOLLOWED} erasures": kept_in_mind >= FOLLOWED,
            "the bundle's own list of keys: yours alone count": "keys" in bundle.sizes,
            f"what came after position {bundle.size}, and what never reached the log": True,
        }
        self.unchecked += [words for words, true in unsaid.items() if true]
        self.unchecked += [f"{words}: {number} times" for words, number in self._unjudged.items()]
