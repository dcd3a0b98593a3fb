"""Signs one checkpoint with a signer that says when it is asked, and waits to be told to go on.

Arguments: the folder, the size, the seed of the history, and where the process kills itself: `replace`,
before what is about to be signed gets its name, or `nowhere`.
"""

import os
import signal
import sys
from pathlib import Path

from app.evidence.keys import SigningKey
from domain.evidence.notes import Signature, VerifierKey
from tests.evidence.histories import History, a_key, guarded


class Waiting:
    """Signs when a line comes in."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    @property
    def vkey(self) -> VerifierKey:
        return self._key.vkey

    def sign(self, text: str) -> Signature:
        say("asked\n")
        sys.stdin.readline()
        return self._key.sign(text)


def main() -> None:
    folder, size, seed, killed = sys.argv[1:]
    if killed == "replace":
        os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
    history = History(int(seed))
    signer = guarded(Path(folder), Waiting(a_key()))
    say(str(signer.sign(history.at(int(size)), history.prove(int(size)))))


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
