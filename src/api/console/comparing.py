"""Two contents that were sent as one, member by member, each as it is written."""

from contextlib import suppress
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from domain.instant import parse_datetime
from domain.json_values import same_value

How = Literal["same", "spelled", "moment", "differs", "added", "missing"]
"""How what was not recorded is beside what stands: the same to the letter; equal, but written otherwise, as
0.5 and 0.50; the same moment with another offset, which is other content; other; or in one of them alone."""


class Member(NamedTuple):
    """A member of two contents, as it is written in each; None in which it is not."""

    name: str
    recorded: str | None
    unrecorded: str | None
    how: How


def compare(recorded: Raw, unrecorded: Raw) -> list[Member]:
    """Compare two JSON objects: the members of what stands in their order, then what else there is."""
    one, other = _members(recorded), _members(unrecorded)
    return [
        Member(name, one.get(name), other.get(name), _how(one.get(name), other.get(name)))
        for name in {**one, **other}
    ]


def _members(data: Raw) -> dict[str, str]:
    """Read an object; of a repeated member the last counts."""
    members = msgspec.json.decode(data, type=dict[str, Raw])
    return {name: bytes(value).decode().strip() for name, value in members.items()}


def _how(recorded: str | None, unrecorded: str | None) -> How:
    if recorded is None:
        return "added"
    if unrecorded is None:
        return "missing"
    if recorded == unrecorded:
        return "same"
    if same_value(recorded.encode(), unrecorded.encode()):
        return "spelled"
    return "moment" if _is_same_moment(recorded, unrecorded) else "differs"


def _is_same_moment(one: str, other: str) -> bool:
    with suppress(ValueError, OverflowError):
        first, second = (msgspec.json.decode(text, type=str) for text in (one, other))
        return parse_datetime(first) == parse_datetime(second)
    return False
