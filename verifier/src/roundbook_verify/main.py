"""The command `roundbook-verify`."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from zipfile import BadZipFile

from cryptography.x509 import load_pem_x509_certificates

from .bundle import Bundle, File
from .notes import COSIGNATURE, ED25519, parse_checkpoint, parse_key
from .verify import Verifier

_SHOWN = 20  # of each list
_LABELS = {"signed": "signed by", "cosigned": "cosigned by", "stamped": "time stamps"}
_LABELS |= {"since": "goes on from the size that you kept", "erased": "erased"}


def _lines(verifier: Verifier) -> Iterator[str]:
    told = verifier.summary
    for first, last, code, words in verifier.findings.all():
        yield f"{first if first == last else f'{first}-{last}'} {code}: {words}"
    ends = [f"{end['position']} ({end['recorded_at']})" for end in (told["first"], told["last"]) if end]
    yield f"{told['events']} events, positions {' to '.join(ends) or 'none'}, of a log of {told['size']}"
    for name, label in _LABELS.items():
        more = [f"and {len(told[name]) - _SHOWN} more"] if len(told[name]) > _SHOWN else []
        yield f"{label}: {', '.join([*map(str, told[name][:_SHOWN]), *more]) or 'none'}"
    yield from (f"not checked: {words}" for words in verifier.findings.unchecked)
    number = len(verifier.findings.all())
    yield f"NOT PROVEN: {number} findings" if number else "proven"


def _as_json(verifier: Verifier) -> str:
    names, findings = ("from", "to", "code", "words"), verifier.findings.all()
    told = {"proven": not findings, "findings": [dict(zip(names, each, strict=True)) for each in findings]}
    return json.dumps(
        told | {"summary": verifier.summary | {"unchecked": verifier.findings.unchecked}}, indent=1
    )


def main(arguments: list[str] | None = None) -> int:
    """Verify a bundle: 0 proven, 1 not proven, 2 unreadable or misuse."""
    parser = argparse.ArgumentParser("roundbook-verify", description="Verify a bundle of evidence, offline.")
    add = parser.add_argument
    add("bundle", metavar="BUNDLE")
    add("--vkey", metavar="V", action="append", required=True, help="a key of the log, name+id+base64")
    add("--witness", metavar="V", action="append", default=[], help="the key of a witness")
    add("--quorum", metavar="K", type=int, help="how many witnesses must have cosigned (all)")
    add("--since", metavar="NOTE", help="a file: the checkpoint that you kept")
    add("--tsa-root", metavar="PEM", help="a file: certificates that time stamps must come from")
    add("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    named = len(set(options.witness))
    quorum = named if options.quorum is None else options.quorum
    if not 0 <= quorum <= named:
        parser.error(f"--quorum {quorum}, and {named} witnesses are named")
    try:
        keys = [parse_key(text, ED25519) for text in options.vkey]
        witnesses = {parse_key(text, COSIGNATURE) for text in options.witness}
        kept = parse_checkpoint(Path(options.since).read_bytes()) if options.since else None
        roots = load_pem_x509_certificates(Path(options.tsa_root).read_bytes()) if options.tsa_root else []
        with File(options.bundle) as file:
            verifier = Verifier(Bundle(file), [*keys, *witnesses], quorum, kept, roots)
            verifier.run()
        try:
            print(_as_json(verifier) if options.json else "\n".join(_lines(verifier)), flush=True)
        except OSError as exception:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left at the end
            if not isinstance(exception, BrokenPipeError):  # else who reads it has read enough
                raise
    except (BadZipFile, BrokenExecutor, ValueError, OSError) as exception:
        print(f"roundbook-verify: {exception}", file=sys.stderr)
        return 2
    return 1 if verifier.findings.all() else 0
