"""The command line `roundbook`."""

import os
import signal
import sys


def main() -> None:
    """Run the command line: results on stdout, errors on stderr with status 1, misuse with 2.

    Interrupted it ends by the signal, as who runs several commands in a row wants to know.
    """
    if sys.stdout is None or sys.stderr is None:
        # What is opened next would be taken for it, and what was to be told is lost.
        print("Error: stdout and stderr must be open", file=sys.stdout or sys.stderr)
        sys.exit(1)
    try:
        # Takes half a second, in which a Ctrl-C must find somebody who expects it.
        from api.cli.commands import run  # noqa: PLC0415

        status = run()
    except KeyboardInterrupt:
        sys.stderr.write("Error: interrupted\n")
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        status = 1
    sys.exit(status)
