"""A child process ends when its parent is gone, however the parent went.

The parent holds the writing end of a pipe and never writes; when it dies the reading ends see the end.
"""

import os
import signal
import threading

VARIABLE = "_ROUNDBOOK_LIFELINE"


def follow_parent() -> bool:
    """End this process in good order (SIGTERM) once the parent that set the variable is gone.

    Gives whether there is one, which starts this process again when it ends.
    """
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is not None:
        threading.Thread(target=_wait, args=[int(descriptor)], daemon=True).start()
    return descriptor is not None


def _wait(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
