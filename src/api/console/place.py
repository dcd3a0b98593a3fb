"""A place of the navigation."""

from typing import NamedTuple


class Place(NamedTuple):
    """Its name, its address, and the scope without which it is not offered."""

    name: str
    path: str
    scope: str

    def holds(self, path: str) -> bool:
        """Return whether a page at `path` is of this place."""
        return path == self.path or path.startswith(self.path + "/")
