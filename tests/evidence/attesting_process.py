"""States the heads of a log, says how far it is, and waits to be told to go on, or to be killed.

Arguments: the database's URL, the tenant's id, and the folder of the keys.
"""

import sys

from app.evidence.attesting import attest
from app.log.leaves import current_log
from app.log.stream_ends import STREAMS_AT_ONCE
from app.settings import Settings
from postgres.connections import connect


def main() -> None:
    url, tenant_id, keys = sys.argv[1:]
    with connect(url) as connection:
        log = current_log(connection, int(tenant_id))
        assert log is not None
        attest(connection, log, Settings(signing_keys=keys), pause=wait)


def wait() -> None:
    sys.stdout.write(f"{STREAMS_AT_ONCE} streams\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main()
