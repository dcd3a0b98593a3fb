"""Processes beside this one."""

import multiprocessing
import multiprocessing.connection
import os
import threading


def end_with_parent() -> None:
    """Let this process end with the one that started it, however that ends."""
    threading.Thread(target=_wait_for_the_end_of_the_parent, daemon=True).start()


def end_children() -> None:
    """End what this process began to start, and has no thread to look after."""
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def _wait_for_the_end_of_the_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(0)
