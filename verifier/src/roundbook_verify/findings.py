"""What was found, by position, and what was not checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from zipfile import BadZipFile

KEPT = 1000  # findings of a code


class Findings:
    """Findings of a bundle, in bounded memory, and `unchecked`, what nobody can tell by it."""

    def __init__(self, first: int, last: int) -> None:
        self.unchecked: list[str] = []
        self._whole = first, last
        self._found: dict[str, list[tuple[int, int, str, str]]] = {}

    def all(self) -> list[tuple[int, int, str, str]]:
        """Return first and last position, code and words; over a thousand of a code are one."""
        return sorted(finding for found in self._found.values() for finding in found)

    def add(self, code: str, words: str, first: int = 0, last: int = 0) -> None:
        """Keep a finding; without positions it is about the whole bundle."""
        first, last = first or self._whole[0], last or first or self._whole[1]
        found = self._found.setdefault(code, [])
        joins = found and found[-1][1] + 1 == first and found[-1][3] == words
        if joins or len(found) > KEPT:
            start, end, *_ = found.pop()
            first, last = min(first, start), max(last, end)
            words = words if joins else "and more of this kind"
        found.append((first, last, code, words))

    @contextmanager
    def part(self, code: str, name: str) -> Iterator[None]:
        """Make a finding of a part of the bundle that cannot be read, and go on."""
        try:
            yield
        except BadZipFile as exception:
            self.add("bundle", str(exception))
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError) as exception:
            self.add(code, f"{name}: {str(exception) or 'too short'}")
