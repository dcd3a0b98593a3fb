"""How often a process looks for objects that refer to each other and to which nobody else does."""

import gc


def collect_rarely(objects: int) -> None:
    """Look for cycles only when there are so many objects more, and never among those of now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(objects)
