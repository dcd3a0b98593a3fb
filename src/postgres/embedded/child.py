"""The first steps of a child process on its way to becoming PostgreSQL; run as a file of its own.

`subprocess` could run them in a `preexec_fn`, but that is not safe beside threads, and a service that
starts its server again has many.
"""

import ctypes
import os
import signal
import sys


def main() -> None:
    """Drop root's rights, arrange to end with the parent, and become the given command."""
    parent, ending, uid, gid, *command = sys.argv[1:]
    system = ctypes.CDLL(None)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background inherits it ignored
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    os.umask(0o077)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        # After the change of user, which would clear it. The signal comes when the thread ends that
        # started this process.
        system.prctl(set_parent_death_signal, int(ending), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("the parent ended before its child was ready")
    # Of the environment only this: PG* variables would change settings, and others are none of its business.
    os.execve(command[0], command, {"LC_ALL": "C", "PATH": os.defpath})  # noqa: S606 (no shell is meant)


if __name__ == "__main__":
    main()
