"""An application that sends for as long as it lives, and writes down what it was told is spooled."""

import os
import sys
import threading
import time

from roundbook_client import Client, Login, Options, SpoolFull

_THREADS = 3
_SPOOL_BYTES = 2_000_000
_FULL_S = 0.05


def main() -> None:
    """Send from several threads: arguments are the service, the spool, and the file of what was told."""
    url, spool, told = sys.argv[1:]
    run, pause_s = os.environ["RUN"], float(os.environ.get("PAUSE_S", "0"))
    with Client(
        url,
        key=os.environ["API_KEY"],
        spool=spool,
        options=Options(linger_s=0.0, max_spool_bytes=_SPOOL_BYTES),
    ) as client:
        file = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

        def send(who: int) -> None:
            for number in range(1_000_000):
                sent = [f"{run} {who} {number} {at}" for at in range(1 + number % 20)]
                while not _is_spooled(client, sent):
                    time.sleep(_FULL_S)
                # One call: of several threads the lines don't mix, and what was written outlives the process.
                os.write(file, "".join(f"{unique_id}\n" for unique_id in sent).encode())
                time.sleep(pause_s)

        threads = [threading.Thread(target=send, args=(who,)) for who in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _is_spooled(client: Client, sent: list[str]) -> bool:
    try:
        client.send([_login(unique_id) for unique_id in sent])
    except SpoolFull:
        return False
    return True


def _login(unique_id: str) -> Login:
    return Login(unique_id=unique_id, timestamp="2025-01-15T06:31:00Z", player_id=unique_id[:3])


if __name__ == "__main__":
    main()
