"""Sign for Roundbook with keys in PEM files, as another host, an HSM or a KMS would. Needs cryptography.

    ROUNDBOOK_SIGN_COMMAND='python examples/sign.py first.pem next.pem' roundbook seal

A text comes on stdin; one signature line (C2SP signed-note) goes to stdout. VKEY in the environment says with
which of the keys, by its public half, and under which name. See docs/evidence-operating.md.
"""

import os
import sys
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ED25519 = b"\x01"


def find_key(paths: list[str], public: bytes) -> Ed25519PrivateKey:
    """Return the key of which that is the public half. Raises SystemExit where it is in none of the files."""
    for path in paths:
        key = load_pem_private_key(Path(path).read_bytes(), None)
        if isinstance(key, Ed25519PrivateKey) and key.public_key().public_bytes_raw() == public:
            return key
    sys.exit(f"none of {', '.join(paths)} holds the key {b64encode(public).decode()}")


def main() -> None:
    """Sign what is on stdin."""
    name, key_id, encoded = os.environ["VKEY"].split("+", 2)
    key = find_key(sys.argv[1:], b64decode(encoded).removeprefix(ED25519))
    signature = bytes.fromhex(key_id) + key.sign(sys.stdin.buffer.read())
    sys.stdout.buffer.write(f"\u2014 {name} {b64encode(signature).decode()}\n".encode())


main()
