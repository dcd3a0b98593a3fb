"""What a check found."""

from typing import Literal, NamedTuple

Verdict = Literal["ok", "warning", "wrong"]


class Finding(NamedTuple):
    """What one check found, and what is to be done about it (empty where nothing is)."""

    check: str
    verdict: Verdict
    what: str
    remedy: str = ""


def size(count: float) -> str:
    """Write a number of bytes as people do: 2.5 GiB."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def duration(seconds: float) -> str:
    """Write a time span as people do: 2.5 h."""
    for unit, length in (("s", 60), ("min", 60), ("h", 24)):
        if abs(seconds) < length:
            return f"{seconds:.1f} {unit}"
        seconds /= length
    return f"{seconds:.1f} days"
