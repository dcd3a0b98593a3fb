"""The check of a whole bundle: findings, by position, and what was and what was not checked."""

import os
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain, islice, pairwise
from multiprocessing import get_context
from typing import Any, NamedTuple

from cryptography.x509 import Certificate

from .bundle import MIB, Bundle, File, UnreadableError, count, hashes, parse_json
from .events import Checked, check
from .heads import judge
from .notes import ED25519, Checkpoint, Key, parse_checkpoint, unbase64
from .stamps import stamped_at
from .tree import Node, consistent, leads_to, push, range_root

KEPT, FOLLOWED = 1000, 1 << 18  # findings of a code; streams and erasures that are kept in mind
WORKERS = min(os.cpu_count() or 1, 4)


class Finding(NamedTuple):
    """What does not hold, at positions from first to last."""

    first: int
    last: int
    code: str
    words: str


class Trust(NamedTuple):
    """What the auditor brings; the keys are those of the log and of witnesses."""

    keys: list[Key]
    quorum: int
    since: Checkpoint | None
    roots: list[Certificate]


class Verifier:
    """Checks a bundle: `findings`, `summary` and `unchecked` are what came of it. Raises UnreadableError."""

    def __init__(self, file: File, trust: Trust) -> None:
        self.bundle, self.trust = Bundle(file), trust
        self.log = self.bundle.manifest()
        self.summary: dict[str, Any] = {"events": 0, "first": None, "last": None, "size": self.log.size}
        self.summary |= {"signed": [], "cosigned": [], "stamped": [], "since": [], "erased": []}
        self.unchecked: list[str] = []
        self._found: dict[str, list[Finding]] = {}
        self._note: Checkpoint | None = None
        self._sealed = self._as_sealed()
        self._ahead: list[tuple[int, bytes]] = []  # taken from there, and not yet found as a line
        self._subtrees: list[Node] = []
        self._positions: list[int] = []  # of a stream
        self._versions: dict[bytes, int] = {}
        self._records: list[tuple[int, int]] = []
        self._unjudged: Counter[str] = Counter()

    @property
    def findings(self) -> list[Finding]:
        """All of them, by position; of more than a thousand of one code the last stands for the rest."""
        return sorted(finding for found in self._found.values() for finding in found)

    def add(self, code: str, words: str, first: int = 0, last: int = 0) -> None:
        """Keep a finding; without positions it is about the whole bundle."""
        last = last or first or self.log.last
        first, found = first or self.log.first, self._found.setdefault(code, [])
        joins = found and found[-1].last + 1 == first and found[-1].words == words
        if joins or len(found) > KEPT:
            before = found.pop()
            first, last = min(first, before.first), max(last, before.last)
            words = words if joins else "and more of this kind"
        found.append(Finding(first, last, code, words))

    @contextmanager
    def _part(self, code: str, name: str) -> Iterator[None]:
        """Make a finding of a part of the bundle that cannot be read, and go on."""
        try:
            yield
        except UnreadableError as exception:
            self.add("bundle", str(exception))
        except (ValueError, KeyError, TypeError, StopIteration) as exception:
            self.add(code, f"{name}: {str(exception) or 'too short'}")

    def run(self) -> None:
        """Check everything."""
        for words in self.bundle.strange:
            self.add("bundle", words)
        with self._part("signature", "checkpoint"):
            self._note = note = parse_checkpoint(self.bundle.read("checkpoint"))
            self._signatures(note)
            self._since(note)
            self._stamps(note)
        for checked, following in pairwise(chain(self._checked(), [None])):
            if checked:
                self._take(checked, following.positions[0] if following else None)
        for position, _ in chain(self._ahead, self._sealed):
            self.add("missing", "the event is not there", position)
        with self._part("root" if self.log.stream is None else "heads", "proof.json"):
            if self.log.stream is None:
                self._range()
            else:
                self._heads()
        self._erasures()
        self._limits()

    def _signatures(self, note: Checkpoint) -> None:
        if (note.origin, note.size) != (self.log.origin, self.log.size):
            self.add("bundle", "the checkpoint is of another origin or size than the manifest says")
        cosigned = {}
        for key, at in note.signed_by(self.trust.keys):
            if at is None:
                code = "signature" if key.kind == ED25519 else "witness"
                self.add(code, f"the signature of {key.name} is wrong")
            elif key.kind != ED25519:
                cosigned[key.public] = f"{key.name} at {datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            elif key.name == note.origin:
                self.summary["signed"].append(f"{key.name} {key.id.hex()}")
        if not self.summary["signed"]:
            self.add("signature", f"no key of yours has signed the checkpoint of {note.origin}")
        if len(cosigned) < self.trust.quorum:
            self.add("witness", f"{len(cosigned)} of your witnesses cosigned, not {self.trust.quorum}")
        self.summary["cosigned"] = sorted(cosigned.values())
        known = [(key.name, key.id) for key in self.trust.keys]
        if others := [f"{line[0]} {line[1].hex()}" for line in note.lines if line[:2] not in known]:
            self.unchecked.append(f"signatures of keys that you did not name: {', '.join(others)}")

    def _since(self, note: Checkpoint) -> None:
        shown, kept = (note.size, note.root), self.trust.since
        with self._part("fork", "since.json"):
            if "since.json" in self.bundle.sizes:
                size, root, proof = parse_json(self.bundle.read("since.json"), "from", "root", "proof")
                shown = count(size, 1), unbase64(root, 32)
                if not consistent(*shown, note.size, note.root, hashes(proof)):
                    self.add("fork", "the log of since.json is not the beginning of this one", 1, size)
        if kept is None:
            return
        if 0 not in [at for key, at in kept.signed_by(self.trust.keys) if key.name == kept.origin]:
            self.add("signature", "the note that you kept is not signed by a key of yours", 1, kept.size)
        if kept.origin != note.origin:
            self.add("fork", f"the note that you kept is of another log, {kept.origin}")
        elif kept.size > note.size:
            self.add(
                "rollback", f"you kept size {kept.size}, this log has {note.size}", note.size + 1, kept.size
            )
        elif kept[2:4] not in (note[2:4], shown):
            self.add(
                "fork", "nothing shows that the log that you saw is the beginning of this one", 1, kept.size
            )
        else:
            self.summary["since"].append(kept.size)

    def _stamps(self, note: Checkpoint) -> None:
        names = [name for name in self.bundle.sizes if name.endswith(".tsr")]
        if names and not self.trust.roots:
            self.unchecked.append(f"{len(names)} time stamps, as you named no root (--tsa-root)")
        for name in names[:KEPT] if self.trust.roots else ():
            with self._part("witness", name):
                text, size, beside = note.text, note.size, name[:-3] + "json"
                if beside in self.bundle.sizes:
                    size, root, proof = parse_json(self.bundle.read(beside), "size", "root", "proof")
                    older, newer = sorted([(count(size, 1), unbase64(root, 32)), note[2:4]])
                    if not consistent(*older, *newer, hashes(proof)):
                        raise ValueError("its log is not one with this")
                    text = f"{note.origin}\n{size}\n{root}\n".encode()
                when = stamped_at(self.bundle.read(name), text, self.trust.roots)
                self.summary["stamped"].append(f"size {size} at {when:%Y-%m-%dT%H:%M:%SZ}")

    def _as_sealed(self) -> Iterator[tuple[int, bytes]]:
        """Yield position and leaf hash; of a range they are folded, of a stream proven, as they go by."""
        at, end, note, rows = (
            self.log.first,
            self.log.last + 1,
            self._note,
            self.bundle.whole("leaves", lambda data: len(data) // 32 * 32),
        )
        singles = (row[n : n + 32] for row in rows for n in range(0, len(row), 32))
        with self._part("leaves", "leaves"):
            if self.log.stream is None:
                if self.bundle.sizes.get("leaves") != (end - at) * 32:
                    self.add("leaves", "they are not 32 bytes for each position")
                for row in rows:
                    there = row[: min(end - at, len(row) // 32) * 32]
                    push(self._subtrees, at - 1, there)
                    yield from ((at + n // 32, there[n : n + 32]) for n in range(0, len(there), 32))
                    at += len(there) // 32
                return
            for position, path in self.bundle.audit_paths():
                leaf = next(singles)
                if not at <= position < end:
                    self.add("root", "the audit paths are not in the order of positions", position)
                elif note and not leads_to(note.root, leaf, position - 1, note.size, path):
                    self.add("root", "the audit path does not lead to the root of the checkpoint", position)
                at = position + 1
                self._positions.append(position)
                yield position, leaf
            if next(singles, None):
                self.add("leaves", "they are more than the audit paths")

    def _checked(self) -> Iterator[Checked]:
        """Yield what the blocks of lines say; where there is much to do, other processes find it out."""
        log_id, of = (
            bytes.fromhex(self.log.log_id),
            None if self.log.stream is None else self.log.stream.encode(),
        )
        blocks = self.bundle.whole("events.ndjson", lambda data: data.rfind(b"\n") + 1)
        with self._part("bundle", "events.ndjson"):
            if self.bundle.sizes.get("events.ndjson", 0) < 8 * MIB or WORKERS < 2:
                yield from (check(log_id, of, block) for block in blocks)
                return
            waiting: deque[Future[Checked]] = deque()
            with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
                with self._part("bundle", "events.ndjson"):
                    for block in blocks:
                        waiting.append(pool.submit(check, log_id, of, block))
                        if len(waiting) > 2 * WORKERS:
                            yield waiting.popleft().result()
                yield from (future.result() for future in waiting)

    def _line_up(self, checked: Checked, following: int | None) -> list[int]:
        """Return the position at which each line stands, compared with what was sealed at it."""
        positions, ahead, places = checked.positions, self._ahead, list[int]()
        ahead.extend(islice(self._sealed, max(0, len(positions) - len(ahead))))
        if list(zip(positions, checked.leaves, strict=True)) == ahead[: len(positions)]:
            del ahead[: len(positions)]
            return [position for position in positions if position]
        for position, leaf, after in zip(positions, checked.leaves, [*positions[1:], following], strict=True):
            while True:
                ahead.extend(islice(self._sealed, 0 if ahead else 1024))
                expected, sealed = ahead[0] if ahead else (0, b"")
                # A position further on is believed where the next line goes on from there.
                if not position or not 0 < expected < position or (after and after <= position):
                    break
                self.add(
                    "gap" if self.summary["first"] or places else "missing",
                    "the event is not there",
                    expected,
                )
                ahead.pop(0)
            if position in (None, expected) and expected:
                if leaf and leaf != sealed:
                    self.add("leaf", "it is not the event that was sealed", expected)
            elif not expected or after is None or after <= expected:
                places.append(position or self.log.last)
                self.add("gap", "the event stands where none belongs", places[-1])
                continue
            else:
                self.add("gap", f"the line says that it is of position {position}", expected)
            places.append(ahead.pop(0)[0])
        return places

    def _take(self, checked: Checked, following: int | None) -> None:
        """Add what a block's lines say to what those before it said."""
        places, told = self._line_up(checked, following), self.summary
        for number, code, words in checked.findings:
            if code:
                self.add(code, words, places[number])
            else:
                self._unjudged[words] += 1
        whole = self.log.stream is not None or self.log.first == 1
        for stream, (version, number, last) in checked.streams.items():
            before = self._versions.get(stream, 0 if whole else version - 1)
            if stream not in self._versions and len(self._versions) >= FOLLOWED:
                self._unjudged["versions of a stream, as there are so many"] += 1
                continue
            if version != before + 1:
                self.add("version", f"version {version} comes after version {before}", places[number])
            self._versions[stream] = last
        told["events"] += len(places)
        if checked.times:
            start, end = (
                {"position": places[n], "recorded_at": f"{checked.times[n].decode()}Z"} for n in (0, -1)
            )
            if told["last"] and told["last"]["recorded_at"] > start["recorded_at"]:
                self.add("time", "recorded_at is before that of the event before", places[0])
            told |= {"first": told["first"] or start, "last": end}
        told["erased"] += checked.erased[: FOLLOWED - len(told["erased"])]
        records = checked.records[: FOLLOWED - len(self._records)]
        self._records += [(first, min(last, at)) for first, last, at in records]

    def _range(self) -> None:
        outside = iter(hashes(parse_json(self.bundle.read("proof.json", MIB >> 4), "range")[0]))
        with suppress(ValueError, StopIteration):  # they make no tree
            root = range_root(self.log.size, self.log.first - 1, self.log.last, self._subtrees, outside)
            if not any(True for _ in outside) and (self._note is None or root == self._note.root):
                return
        self.add("root", "leaves and proof do not lead to the root of the checkpoint")

    def _heads(self) -> None:
        inclusion, told = parse_json(self.bundle.rest, "inclusion", "heads")
        if inclusion or not self._note:
            raise ValueError("inclusion is not of its form, or there is no checkpoint")
        size, version, position, wrong = judge(told, self.log, self._note, self.trust.keys)
        for words in wrong:
            self.add("heads", words)
        here = bisect_right(self._positions, size)
        at = self._positions[here - 1] if here else 0
        if (version, position) != (here, at):
            words = f"the statement ends the stream with version {version} at {position}, not {here} at {at}"
            self.add("missing" if version > here else "heads", words, position or at)
        if size < self.log.size:
            self.unchecked.append(f"whether events of the stream after position {size} were left out")

    def _erasures(self) -> None:
        """Find erased events that no record names. In a range the record may stand after the end."""
        stretches, reach, erased, without = sorted(self._records, reverse=True), 0, self.summary["erased"], 0
        for position in sorted(erased):
            while stretches and stretches[-1][0] <= position:
                reach = max(reach, stretches.pop()[1])
            if reach < position:
                without += 1
                if self.log.stream is not None or self.log.last == self.log.size:
                    self.add("erased", "it is erased, and no record of an erasure names it", position)
        if erased:
            self.unchecked.append(
                f"the content of {len(erased)} erased events, {without} of them without a record here"
            )

    def _limits(self) -> None:
        """Say what was not checked."""
        log, trust = self.log, self.trust
        unsaid = {
            "whether anybody but the operator saw this log, as no --witness had to have": not trust.quorum,
            "whether this log goes on from one that you saw earlier (--since)": trust.since is None,
            f"events outside of positions {log.first} to {log.last}": log.stream is None
            and (log.first, log.last) != (1, log.size),
            f"records of more than {FOLLOWED} erasures": FOLLOWED
            in (len(self.summary["erased"]), len(self._records)),
            "the bundle's own list of keys: yours alone count": "keys" in self.bundle.sizes,
            f"what came after position {log.size}, and what never reached the log": True,
        }
        self.unchecked += [words for words, true in unsaid.items() if true]
        self.unchecked += [f"{words}: {number} times" for words, number in self._unjudged.items()]
