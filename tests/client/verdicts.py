"""Run where the client alone is installed: for each line, an item as JSON text, the verdict on it as a line.

`null` is a valid item; else a list of faults: pointer, code, detail.
"""

import json
import sys

from msgspec import Raw
from roundbook_client import InvalidItems
from roundbook_client.checking import Checker


def main() -> None:
    """Judge until stdin ends."""
    checker = Checker(["BTC", "USDT"])
    for line in sys.stdin.buffer:
        verdict = None
        try:
            checker.records([Raw(json.loads(line))])
        except InvalidItems as error:
            verdict = [[fault.pointer, fault.code, fault.detail] for fault in error.faults]
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
