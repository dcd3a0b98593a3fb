"""The memory that there is, as both versions of cgroups tell it, and what defaults make of it."""

from pathlib import Path

import pytest

from app.fitting import fitting
from postgres.embedded.cluster import shared_buffers
from postgres.memory import memory_limit_bytes


def system(folder: Path, groups: str, **limits: str) -> Path:
    """A file system with what processes are told of their groups; `__` in a name is a folder deeper."""
    files = {f"sys/fs/cgroup/{name.replace('__', '/')}": text for name, text in limits.items()}
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = folder / name.replace("-", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("groups", "limits", "found"),
    [
        ("0::/", {"memory-max": "536870912"}, 536870912),
        ("0::/a/b", {"a__b__memory-max": "max", "a__memory-max": "1000"}, 1000),
        ("0::/elsewhere", {"memory-max": "max"}, None),
        ("4:memory:/a", {"memory__memory-limit_in_bytes": "2000"}, 2000),
        (
            "5:cpu,memory:/a\n0::/",
            {"memory__a__memory-limit_in_bytes": "3000", "memory__memory-limit_in_bytes": "9" * 19},
            3000,
        ),
        ("4:cpu:/", {"memory-max": "1"}, None),
    ],
)
def test_the_least_limit_of_the_own_groups_counts(
    tmp_path: Path, groups: str, limits: dict[str, str], found: int | None
) -> None:
    assert memory_limit_bytes(system(tmp_path, groups, **limits)) == found


def test_there_may_be_no_such_files(tmp_path: Path) -> None:
    assert memory_limit_bytes(tmp_path) is None


def test_defaults_are_cut_and_what_is_set_is_not() -> None:
    assert fitting({}, 1.0) == {}
    cut = fitting({"ROUNDBOOK_POOL_SIZE": "10"}, 512 / 2048)
    assert cut == {
        "ROUNDBOOK_MAX_INFLIGHT_BYTES": str(3 * 16 * 1024 * 1024),
        "ROUNDBOOK_MAX_WORKING_BYTES": str(2 * 1024 * 1024),
        "ROUNDBOOK_MAX_UNSENT_BYTES": str(8 * 1024 * 1024),
        "ROUNDBOOK_CHUNK_EVENTS": "5000",
    }
    assert (shared_buffers(1.0), shared_buffers(0.25), shared_buffers(0.01)) == (
        "128MB",
        "32MB",
        "16MB",
    )
