"""What the service's role needs, as the grants of the packages say it."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_BLOCK = re.compile(r"\bdo \$\$.*?\$\$;", re.DOTALL)
_COMMENT = re.compile(r"--.*")
_GRANT = re.compile(r"\bgrant (?P<rights>[\w, ]+?) on (?P<what>[^;]+?)\s+to \{service\}")
_REVOKE = re.compile(r"\brevoke (?P<rights>[\w, ]+?) on (?P<what>[^;]+?)\s+from \{service\}")
_FUNCTION = re.compile(r"\w+\([^)]*\)")


class Needed(NamedTuple):
    """The rights on tables, each with its table, and the functions that are called."""

    rights: list[tuple[str, str]]
    functions: list[str]


def needed(grants: Iterable[str], tables: list[str]) -> Needed:
    """Read what is granted to the service for good in a schema with these tables.

    What stands in a block is for a time alone, and what is revoked anywhere is not needed.
    """
    texts = [_COMMENT.sub("", text) for text in grants]
    for_good = [_BLOCK.sub("", text) for text in texts]
    given = {right for text in for_good for right in _rights(_GRANT, text, tables)}
    taken = {right for text in texts for right in _rights(_REVOKE, text, tables)}
    functions = [
        name
        for text in for_good
        for grant in _GRANT.finditer(text)
        if grant["rights"] == "execute"
        for name in _FUNCTION.findall(grant["what"])
    ]
    return Needed(sorted(given - taken), functions)


def _rights(kind: re.Pattern[str], text: str, tables: list[str]) -> Iterator[tuple[str, str]]:
    for grant in kind.finditer(text):
        what = grant["what"]
        if grant["rights"] == "execute":
            continue
        named = tables if what.startswith("all tables ") else re.split(r",\s*", what)
        for table in (name for name in named if " " not in name):  # none of a schema, as it says
            for right in grant["rights"].split(", "):
                yield table, right
