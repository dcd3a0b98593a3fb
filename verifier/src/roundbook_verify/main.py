"""The command `roundbook-verify`."""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from .bundle import File, UnreadableError
from .notes import COSIGNATURE, ED25519, parse_checkpoint, parse_key
from .verify import Trust, Verifier

_LABELS = [("signed by", "signed"), ("cosigned by", "cosigned"), ("time stamps", "stamped")]
_LABELS += [("goes on from the size that you kept", "since"), ("erased", "erased")]


def _trust(options: argparse.Namespace) -> Trust:
    """Read what the auditor brings. Raises ValueError, OSError."""
    keys = [parse_key(text, ED25519) for text in options.vkey]
    witnesses = {key.public: key for key in (parse_key(text, COSIGNATURE) for text in options.witness)}
    quorum = len(witnesses) if options.quorum is None else options.quorum
    if not 0 <= quorum <= len(witnesses):
        raise ValueError(f"--quorum {quorum}, and {len(witnesses)} witnesses are named")
    since = parse_checkpoint(Path(options.since).read_bytes()) if options.since else None
    roots = load_pem_x509_certificates(Path(options.tsa_root).read_bytes()) if options.tsa_root else []
    return Trust([*keys, *witnesses.values()], quorum, since, roots)


def _lines(verifier: Verifier) -> Iterator[str]:
    told, findings = verifier.summary, verifier.findings
    for first, last, code, words in findings:
        yield f"{first if first == last else f'{first}-{last}'} {code}: {words}"
    ends = [f"{end['position']} ({end['recorded_at']})" for end in (told["first"], told["last"]) if end]
    yield f"{told['events']} events, positions {' to '.join(ends) or 'none'}, of a log of {told['size']}"
    for label, name in _LABELS:
        more = [f"and {len(told[name]) - 20} more"] if len(told[name]) > 20 else []
        yield f"{label}: {', '.join([*map(str, told[name][:20]), *more]) or 'none'}"
    yield from (f"not checked: {words}" for words in verifier.unchecked)
    yield f"NOT PROVEN: {len(findings)} findings" if findings else "proven"


def main(arguments: list[str] | None = None) -> int:
    """Verify a bundle: 0 proven, 1 not proven, 2 unreadable or misuse."""
    parser = argparse.ArgumentParser("roundbook-verify", description="Verify a bundle of evidence, offline.")
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument(
        "--vkey", metavar="V", action="append", required=True, help="a key of the log, name+id+base64"
    )
    parser.add_argument("--witness", metavar="V", action="append", default=[], help="the key of a witness")
    parser.add_argument("--quorum", metavar="K", type=int, help="how many witnesses must have cosigned (all)")
    parser.add_argument("--since", metavar="NOTE", help="a file: the checkpoint that you kept")
    parser.add_argument(
        "--tsa-root", metavar="PEM", help="a file: certificates that time stamps must come from"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    try:
        with File(options.bundle) as file:
            verifier = Verifier(file, _trust(options))
            verifier.run()
    except (UnreadableError, BrokenExecutor, ValueError, OSError) as exception:
        print(f"roundbook-verify: {exception}", file=sys.stderr)
        return 2
    if options.json:
        names = ("from", "to", "code", "words")
        told = {
            "proven": not verifier.findings,
            "findings": [dict(zip(names, f, strict=True)) for f in verifier.findings],
        }
        print(json.dumps(told | {"summary": verifier.summary | {"unchecked": verifier.unchecked}}, indent=1))
    else:
        print("\n".join(_lines(verifier)))
    return 1 if verifier.findings else 0
